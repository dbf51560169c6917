"""Connections of an `AsyncOpencodeClient` and its views to one server. Opened by the first request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakSet

import httpx

from ..errors import ArgumentError, ClientClosedError
from .transports import ORDINARY_CONNECTIONS, AsyncClosable, Transports, auth_of, merged_request

if TYPE_CHECKING:
    from asyncio import Semaphore, Task

    from anyio import CancelScope

AsyncConnections: TypeAlias = "AsyncOwnConnections | AsyncGivenClient"


class AsyncOwnConnections:
    """An `AsyncOpencodeClient`'s own connections; opened by the first request, closed by `close`, not reusable."""

    def __init__(self, base_url: str) -> None:
        self.to_close: WeakSet[AsyncClosable] = WeakSet()
        self._transports = Transports(httpx.AsyncHTTPTransport, base_url)
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

    async def request_twice(self, request: httpx.Request) -> None:
        async with self._transports.single() as transport:
            for _ in range(2):
                await (await transport.handle_async_request(request)).aread()

    async def close(self) -> None:
        import asyncio

        transports = self._transports.take()
        for user in list(self.to_close):
            await user.close()
        for scope in self._under_way.values():
            scope.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        for transport in transports:
            await transport.aclose()


class AsyncGivenClient:
    """The caller's own `httpx.AsyncClient`: its transport, its limits, its hooks; closed by the caller."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.to_close: WeakSet[AsyncClosable] = WeakSet()
        self._client = client
        self._closed = False

    async def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        del blocking  # the caller chose the limits
        if self._closed or self._client.is_closed:
            raise ClientClosedError("the client was closed")
        merged = merged_request(self._client, request)
        return await self._client.send(merged, auth=auth_of(request), follow_redirects=False)

    async def open_stream(
        self, request: httpx.Request
    ) -> tuple[httpx.Response, Callable[[], Awaitable[None]]]:
        merged = merged_request(self._client, request)
        response = await self._client.send(merged, auth=auth_of(request), follow_redirects=False, stream=True)
        return response, response.aclose

    async def request_twice(self, request: httpx.Request) -> None:
        for _ in range(2):
            await self.exchange(request, blocking=False)

    async def close(self) -> None:
        """Make no request any more; whoever made the `httpx.AsyncClient` closes it."""
        self._closed = True
        for user in list(self.to_close):
            await user.close()


def connections_for(base_url: str, client: httpx.AsyncClient | None) -> AsyncConnections:
    """Return connections of our own, or those of the given client.

    Raises:
        ArgumentError: `client` is not a `httpx.AsyncClient`.
    """
    if client is None:
        return AsyncOwnConnections(base_url)
    if not isinstance(client, httpx.AsyncClient):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
        raise ArgumentError(f"http_client takes a httpx.AsyncClient, not {type(client).__name__}")
    return AsyncGivenClient(client)
