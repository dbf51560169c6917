"""Connections to one server: what a client and all its views share. Made at the first request.

httpx's transports are used as they are, without a `httpx.Client` around them: of what that adds nothing applies here
(cookies, redirects, authentication flows, event hooks), and it is nearly half of a small request.
Operations that block for a whole turn have connections of their own, without limit: in one pool, a hundred prompts
that wait for a permission keep the reply from being sent.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from urllib.request import getproxies, proxy_bypass
from weakref import WeakSet

import httpx

from ..errors import ClientClosedError
from .options import is_loopback
from .sockets import end

ORDINARY_CONNECTIONS = 100
IDLE_CONNECTIONS = 20

if TYPE_CHECKING:
    from asyncio import Semaphore, Task

    from anyio import CancelScope
    from httpcore import NetworkStream
    from httpx._client import UseClientDefault

    from ..streams.async_stream import AsyncEventStream
    from ..streams.stream import EventStream
    from ..terminals.async_connection import AsyncPtyConnection
    from ..terminals.connection import PtyConnection

_Transport = TypeVar("_Transport", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


class Connections(Protocol):
    """What makes a request of an `OpencodeClient`."""

    streams: WeakSet[EventStream[Any] | PtyConnection]
    """What `close` closes too."""

    def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        """The whole answer. Raises httpx.RequestError, ClientClosedError."""
        ...

    def open_stream(self, request: httpx.Request) -> tuple[httpx.Response, Callable[[], None]]:
        """An answer that has begun, and what ends it. Raises httpx.RequestError, ClientClosedError."""
        ...

    def ask_twice(self, request: httpx.Request) -> None:
        """Two answers, one after the other, over one connection. Raises httpx.RequestError, ClientClosedError."""
        ...

    def close(self) -> None:
        """No request is made any more."""
        ...


class AsyncConnections(Protocol):
    """What makes a request of an `AsyncOpencodeClient`."""

    streams: WeakSet[AsyncEventStream[Any] | AsyncPtyConnection]
    """What `close` closes too."""

    async def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        """The whole answer. Raises httpx.RequestError, ClientClosedError."""
        ...

    async def open_stream(
        self, request: httpx.Request
    ) -> tuple[httpx.Response, Callable[[], Awaitable[None]]]:
        """An answer that has begun, and what ends it. Raises httpx.RequestError, ClientClosedError."""
        ...

    async def ask_twice(self, request: httpx.Request) -> None:
        """Two answers, one after the other, over one connection. Raises httpx.RequestError, ClientClosedError."""
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


class OwnConnections:
    """An `OpencodeClient`'s own connections; opened by the first request, closed by `close`, not reusable."""

    def __init__(self, base_url: str) -> None:
        self.streams: WeakSet[EventStream[Any] | PtyConnection] = WeakSet()
        self._transports = _Transports(httpx.HTTPTransport, base_url)
        self._free = BoundedSemaphore(ORDINARY_CONNECTIONS)
        self._streams: WeakSet[NetworkStream] = WeakSet()

    def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        if blocking:
            return self._exchange(request, blocking=True)
        # a queue of ours: httpcore 1.0.9 walks through its own once for each request that comes and goes
        if not self._free.acquire(timeout=request.extensions["timeout"]["pool"]):
            raise httpx.PoolTimeout("no connection became free")
        try:
            return self._exchange(request, blocking=False)
        finally:
            self._free.release()

    def _exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        transport = self._transports.get(blocking=blocking)
        if blocking:  # nothing else ends these; ordinary calls have their timeout
            request.extensions["trace"] = self._note
        response = transport.handle_request(request)
        try:
            response.read()
        finally:
            response.close()
            if self._transports.closed:  # its connection was being made then
                response.extensions["network_stream"].close()
        return response

    def open_stream(self, request: httpx.Request) -> tuple[httpx.Response, Callable[[], None]]:
        transport = self._transports.single()
        try:
            return transport.handle_request(request), transport.close
        except BaseException:
            transport.close()
            raise

    def ask_twice(self, request: httpx.Request) -> None:
        with self._transports.single() as transport:
            for _ in range(2):
                transport.handle_request(request).read()

    def close(self) -> None:
        transports = self._transports.take()
        for open_stream in list(self.streams):
            open_stream.close()
        for stream in list(self._streams):
            end(stream.get_extra_info("socket"))
        for transport in transports:
            transport.close()

    def _note(self, event: str, info: dict[str, Any]) -> None:  # Any: what httpcore tells
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams.add(stream := info["return_value"])
            if self._transports.closed:
                stream.close()


class AsyncOwnConnections:
    """An `AsyncOpencodeClient`'s own connections; opened by the first request, closed by `close`, not reusable."""

    def __init__(self, base_url: str) -> None:
        self.streams: WeakSet[AsyncEventStream[Any] | AsyncPtyConnection] = WeakSet()
        self._transports = _Transports(httpx.AsyncHTTPTransport, base_url)
        self._free: Semaphore | None = None
        self._under_way: dict[Task[httpx.Response | None], CancelScope] = {}

    async def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        import asyncio  # here, as in `transport`

        if blocking:
            return await self._cancellable(request, blocking=True)
        self._free = free = self._free or asyncio.Semaphore(ORDINARY_CONNECTIONS)
        try:
            async with asyncio.timeout(request.extensions["timeout"]["pool"] if free.locked() else None):
                await free.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("no connection became free") from None
        try:
            return await self._cancellable(request, blocking=False)
        finally:
            free.release()

    async def _cancellable(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        # httpcore 1.0.9 cleans up under a shield of anyio's, which `Task.cancel` does not heed: a call cancelled
        # there would leave its connection behind for good. So it is anyio that cancels, in a task of the call's own
        import asyncio

        import anyio

        async def run() -> httpx.Response | None:
            with scope:
                return await self._exchange(request, blocking=blocking)
            return None  # cancelled

        scope = anyio.CancelScope()
        task = asyncio.create_task(run())
        self._under_way[task] = scope
        try:
            answer = await asyncio.shield(task)
        except asyncio.CancelledError:
            scope.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        finally:
            del self._under_way[task]
        if answer is None:
            raise httpx.ReadError("the client was closed")
        return answer

    async def _exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
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

    async def ask_twice(self, request: httpx.Request) -> None:
        async with self._transports.single() as transport:
            for _ in range(2):
                await (await transport.handle_async_request(request)).aread()

    async def close(self) -> None:
        import asyncio

        transports = self._transports.take()
        for open_stream in list(self.streams):
            await open_stream.close()
        for scope in self._under_way.values():
            scope.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        for transport in transports:
            await transport.aclose()


class GivenClient:
    """The caller's own `httpx.Client`: its transport, its limits, its hooks; closed by the caller."""

    def __init__(self, client: httpx.Client) -> None:
        self.streams: WeakSet[EventStream[Any] | PtyConnection] = WeakSet()
        self._client = client
        self._closed = False

    def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        del blocking  # the caller chose the limits
        if self._closed or self._client.is_closed:
            raise ClientClosedError("the client was closed")
        return self._client.send(_merged(self._client, request), auth=_auth(request), follow_redirects=False)

    def open_stream(self, request: httpx.Request) -> tuple[httpx.Response, Callable[[], None]]:
        merged = _merged(self._client, request)
        response = self._client.send(merged, auth=_auth(request), follow_redirects=False, stream=True)
        return response, response.close

    def ask_twice(self, request: httpx.Request) -> None:
        for _ in range(2):
            self.exchange(request, blocking=False)

    def close(self) -> None:
        """Make no request any more; whoever made the `httpx.Client` closes it."""
        self._closed = True
        for stream in list(self.streams):
            stream.close()


class AsyncGivenClient:
    """The caller's own `httpx.AsyncClient`: its transport, its limits, its hooks; closed by the caller."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.streams: WeakSet[AsyncEventStream[Any] | AsyncPtyConnection] = WeakSet()
        self._client = client
        self._closed = False

    async def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        del blocking  # the caller chose the limits
        if self._closed or self._client.is_closed:
            raise ClientClosedError("the client was closed")
        merged = _merged(self._client, request)
        return await self._client.send(merged, auth=_auth(request), follow_redirects=False)

    async def open_stream(
        self, request: httpx.Request
    ) -> tuple[httpx.Response, Callable[[], Awaitable[None]]]:
        merged = _merged(self._client, request)
        response = await self._client.send(merged, auth=_auth(request), follow_redirects=False, stream=True)
        return response, response.aclose

    async def ask_twice(self, request: httpx.Request) -> None:
        for _ in range(2):
            await self.exchange(request, blocking=False)

    async def close(self) -> None:
        """Make no request any more; whoever made the `httpx.AsyncClient` closes it."""
        self._closed = True
        for stream in list(self.streams):
            await stream.close()


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
