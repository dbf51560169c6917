"""Connections to one server: what a client and all its views share. Made at the first request.

httpx's transports are used as they are, without a `httpx.Client` around them: of what that adds nothing applies here
(cookies, redirects, authentication flows, event hooks), and it is nearly half of a small request.
Operations that block for a whole turn have connections of their own, without limit: in one pool, a hundred prompts
that wait for a permission keep the reply from being sent.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from urllib.request import getproxies, proxy_bypass

import httpx

from opencode_client.errors import ClientClosedError
from opencode_client.options import is_loopback

ORDINARY_CONNECTIONS = 100
IDLE_CONNECTIONS = 20

if TYPE_CHECKING:
    from httpx._client import UseClientDefault

_Transport = TypeVar("_Transport", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


class Connections(Protocol):
    """What makes a request of an `OpencodeClient`."""

    def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        """The whole answer. Raises httpx.RequestError, ClientClosedError."""
        ...

    def open_stream(self, request: httpx.Request) -> tuple[httpx.Response, Callable[[], None]]:
        """An answer that has begun, and what ends it. Raises httpx.RequestError, ClientClosedError."""
        ...

    def close(self) -> None:
        """No request is made any more."""
        ...


class AsyncConnections(Protocol):
    """What makes a request of an `AsyncOpencodeClient`."""

    async def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        """The whole answer. Raises httpx.RequestError, ClientClosedError."""
        ...

    async def open_stream(
        self, request: httpx.Request
    ) -> tuple[httpx.Response, Callable[[], Awaitable[None]]]:
        """An answer that has begun, and what ends it. Raises httpx.RequestError, ClientClosedError."""
        ...

    async def close(self) -> None:
        """No request is made any more."""
        ...


def environment_proxy(url: str) -> str | None:
    """The proxy that the environment names for `url`; none for this machine's own addresses."""
    parsed = httpx.URL(url)
    if is_loopback(url) or proxy_bypass(f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host):
        return None
    proxies = getproxies()
    proxy = proxies.get(parsed.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


class _Transports(Generic[_Transport]):
    """The ordinary transport and the one for operations that block; thread-safe."""

    def __init__(self, kind: type[_Transport], base_url: str) -> None:
        self._kind: type[_Transport] = kind
        self._base_url = base_url
        self._lock = Lock()
        self._made: tuple[_Transport, _Transport] | None = None
        self._closed = False
        self._tls: ssl.SSLContext | None = None

    def get(self, *, blocking: bool) -> _Transport:
        made = self._made or self._make()
        return made[blocking]

    def _make(self) -> tuple[_Transport, _Transport]:
        with self._lock:
            if self._closed:
                raise ClientClosedError("the client was closed")
            self._made = self._made or (self._transport(ORDINARY_CONNECTIONS), self._transport(None))
            return self._made

    def single(self) -> _Transport:
        """A transport of its own, for one stream; whoever asks closes it."""
        if self._closed:
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
            self._closed = True
            made, self._made = self._made, None
            return made or ()


class OwnConnections:
    """An `OpencodeClient`'s own connections; opened by the first request, closed by `close`, not reusable."""

    def __init__(self, base_url: str) -> None:
        self._transports = _Transports(httpx.HTTPTransport, base_url)

    def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        response = self._transports.get(blocking=blocking).handle_request(request)
        try:
            response.read()
        finally:
            response.close()
        return response

    def open_stream(self, request: httpx.Request) -> tuple[httpx.Response, Callable[[], None]]:
        transport = self._transports.single()
        try:
            return transport.handle_request(request), transport.close
        except BaseException:
            transport.close()
            raise

    def close(self) -> None:
        for transport in self._transports.take():
            transport.close()


class AsyncOwnConnections:
    """An `AsyncOpencodeClient`'s own connections; opened by the first request, closed by `close`, not reusable."""

    def __init__(self, base_url: str) -> None:
        self._transports = _Transports(httpx.AsyncHTTPTransport, base_url)

    async def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        response = await self._transports.get(blocking=blocking).handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response

    async def open_stream(
        self, request: httpx.Request
    ) -> tuple[httpx.Response, Callable[[], Awaitable[None]]]:
        transport = self._transports.single()
        try:
            return await transport.handle_async_request(request), transport.aclose
        except BaseException:
            await transport.aclose()
            raise

    async def close(self) -> None:
        for transport in self._transports.take():
            await transport.aclose()


class GivenClient:
    """The caller's own `httpx.Client`: its transport, its limits, its hooks; closed by the caller."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        del blocking  # the caller chose the limits
        return self._client.send(_merged(self._client, request), auth=_auth(request), follow_redirects=False)

    def open_stream(self, request: httpx.Request) -> tuple[httpx.Response, Callable[[], None]]:
        merged = _merged(self._client, request)
        response = self._client.send(merged, auth=_auth(request), follow_redirects=False, stream=True)
        return response, response.close

    def close(self) -> None:
        """Nothing: whoever made the client closes it."""


class AsyncGivenClient:
    """The caller's own `httpx.AsyncClient`: its transport, its limits, its hooks; closed by the caller."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        del blocking  # the caller chose the limits
        merged = _merged(self._client, request)
        return await self._client.send(merged, auth=_auth(request), follow_redirects=False)

    async def open_stream(
        self, request: httpx.Request
    ) -> tuple[httpx.Response, Callable[[], Awaitable[None]]]:
        merged = _merged(self._client, request)
        response = await self._client.send(merged, auth=_auth(request), follow_redirects=False, stream=True)
        return response, response.aclose

    async def close(self) -> None:
        """Nothing: whoever made the client closes it."""


def _merged(client: httpx.Client | httpx.AsyncClient, request: httpx.Request) -> httpx.Request:
    return client.build_request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.content or None,
        extensions=request.extensions,
    )


def _auth(request: httpx.Request) -> UseClientDefault | None:
    # None: no other credentials than the ones that the request has
    return None if "authorization" in request.headers else httpx.USE_CLIENT_DEFAULT
