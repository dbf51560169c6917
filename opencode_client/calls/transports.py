"""httpx transports for one server. Shared by sync and async.

Transports are used without an `httpx.Client`. A client adds cookies, redirects, authentication flows and event hooks,
which we do not need, and takes nearly half of the time of a small request.
Operations that block for a whole turn have a transport of their own, which has no limit of connections. In a common
pool, 100 prompts that wait for a permission would take all connections, and the reply could not be sent.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from urllib.request import getproxies, proxy_bypass

import httpx

from ..errors import ClientClosedError
from .options import is_loopback

ORDINARY_CONNECTIONS = 100
IDLE_CONNECTIONS = 20

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator
    from weakref import WeakSet

_Member = TypeVar("_Member")
_Transport = TypeVar("_Transport", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


class Closable(Protocol):
    """A stream or terminal that is closed with its client."""

    def close(self) -> None:
        """Close the stream or terminal."""


class AsyncClosable(Protocol):
    """A stream or terminal that is closed with its client."""

    def close(self) -> Awaitable[None]:
        """Close the stream or terminal."""
        ...


def taken(members: WeakSet[_Member]) -> Iterator[_Member]:
    """Yield each member and remove it, also those that other threads add meanwhile. Iterating a WeakSet fails then."""
    with suppress(KeyError):  # it is empty
        while True:
            yield members.pop()


def environment_proxy(url: str) -> str | None:
    """Return the proxy that the environment has for `url`, or None. This machine's addresses have none."""
    parsed = httpx.URL(url)
    if is_loopback(url) or proxy_bypass(f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host):
        return None
    proxies = getproxies()
    proxy = proxies.get(parsed.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


class Transports(Generic[_Transport]):
    """The ordinary transport and the one for operations that block. Made at the first request; thread-safe."""

    def __init__(self, kind: type[_Transport], base_url: str) -> None:
        self._kind: type[_Transport] = kind
        self._base_url = base_url
        self._lock = Lock()
        self._pair: tuple[_Transport, _Transport] | None = None
        self._tls: ssl.SSLContext | None = None
        self.closed: bool = False

    def get(self, *, blocking: bool) -> _Transport:
        """Return the transport for a call: the one without a limit of connections if `blocking`, else the ordinary one.

        Raises:
            ClientClosedError: `take` was called, because the client is closed.
        """
        pair = self._pair
        if pair is None:
            with self._lock:
                pair = self._pair = self._pair or (self._new(ORDINARY_CONNECTIONS), self._new(None))
        return pair[blocking]

    def single(self) -> _Transport:
        """Return a new transport for one stream, which the stream closes. Raises ClientClosedError after `take`."""
        return self._new(1)

    def take(self) -> tuple[_Transport, ...]:
        """Return the transports to close. No others are made from now on."""
        with self._lock:
            self.closed = True
            pair, self._pair = self._pair, None
            return pair or ()

    def _new(self, max_connections: int | None) -> _Transport:
        if self.closed:
            raise ClientClosedError("the client was closed")
        if self._tls is None:
            # without https an empty context will do: loading certificates takes as long as importing httpx
            https = self._base_url.startswith("https:")
            self._tls = httpx.create_ssl_context() if https else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return self._kind(
            verify=self._tls,
            proxy=environment_proxy(self._base_url),
            limits=httpx.Limits(max_connections=max_connections, max_keepalive_connections=IDLE_CONNECTIONS),
        )
