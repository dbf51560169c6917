"""httpx transports for one server, and requests through an httpx client of the caller's own. Shared by sync and async.

A transport is used without a `httpx.Client` around it. The client would add cookies, redirects, authentication flows
and event hooks, none of which apply here, and it takes nearly half of the time of a small request.
Operations that block for a whole turn use a transport of their own, without a limit of connections. In one pool, 100
prompts that wait for a permission would keep the reply to it from being sent.
"""

from __future__ import annotations

import ssl
from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from urllib.request import getproxies, proxy_bypass

import httpx

from ..errors import ClientClosedError
from .options import is_loopback

ORDINARY_CONNECTIONS = 100
IDLE_CONNECTIONS = 20

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from httpx._client import (
        UseClientDefault,  # private: the type of httpx.USE_CLIENT_DEFAULT has no public name
    )

_Transport = TypeVar("_Transport", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


class Closable(Protocol):
    """A stream or terminal that is closed with its client."""

    def close(self) -> None:
        """Close it."""


class AsyncClosable(Protocol):
    """A stream or terminal that is closed with its client."""

    def close(self) -> Awaitable[None]:
        """Close it."""
        ...


def environment_proxy(url: str) -> str | None:
    """The proxy that the environment names for `url`; none for this machine's own addresses."""
    parsed = httpx.URL(url)
    if is_loopback(url) or proxy_bypass(f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host):
        return None
    proxies = getproxies()
    proxy = proxies.get(parsed.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


class Transports(Generic[_Transport]):
    """The ordinary transport and the one for operations that block; thread-safe."""

    def __init__(self, kind: type[_Transport], base_url: str) -> None:
        self._kind: type[_Transport] = kind
        self._base_url = base_url
        self._lock = Lock()
        self._made: tuple[_Transport, _Transport] | None = None
        self.closed = False
        self._tls: ssl.SSLContext | None = None

    def get(self, *, blocking: bool) -> _Transport:
        made = self._made or self._make()
        return made[blocking]

    def _make(self) -> tuple[_Transport, _Transport]:
        with self._lock:
            if self.closed:
                raise ClientClosedError("the client was closed")
            self._made = self._made or (self._transport(ORDINARY_CONNECTIONS), self._transport(None))
            return self._made

    def single(self) -> _Transport:
        """A transport of its own, for one stream; whoever asks closes it."""
        if self.closed:
            raise ClientClosedError("the client was closed")
        return self._transport(1)

    def _transport(self, most: int | None) -> _Transport:
        if self._tls is None:
            # an empty context where no TLS is spoken: loading certificates costs as much as importing httpx
            https = self._base_url.startswith("https:")
            self._tls = httpx.create_ssl_context() if https else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return self._kind(
            verify=self._tls,
            proxy=environment_proxy(self._base_url),
            limits=httpx.Limits(max_connections=most, max_keepalive_connections=IDLE_CONNECTIONS),
        )

    def take(self) -> tuple[_Transport, ...]:
        """What there is to close, once."""
        with self._lock:
            self.closed = True
            made, self._made = self._made, None
            return made or ()


def merged_request(client: httpx.Client | httpx.AsyncClient, request: httpx.Request) -> httpx.Request:
    return client.build_request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.content or None,
        extensions=request.extensions,
    )


def auth_of(request: httpx.Request) -> UseClientDefault | None:
    # None: no other credentials than the ones that the request has
    return None if "authorization" in request.headers else httpx.USE_CLIENT_DEFAULT
