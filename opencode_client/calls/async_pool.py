"""Pooled connections for the calls of an `AsyncOpencodeClient`. Written by hand beside `pool.py`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakSet

import httpx

from .transports import ORDINARY_CONNECTIONS, AsyncClosable, Transports, taken

if TYPE_CHECKING:
    from anyio import CancelScope


class AsyncPool:
    """Sends the requests of calls. Opened by the first request, closed by `close`, not reusable."""

    def __init__(self, base_url: str) -> None:
        self.to_close: WeakSet[AsyncClosable] = WeakSet()
        self.transports: Transports[httpx.AsyncHTTPTransport] = Transports(httpx.AsyncHTTPTransport, base_url)
        self._free = asyncio.Semaphore(ORDINARY_CONNECTIONS)
        self._running: dict[asyncio.Task[httpx.Response | None], CancelScope] = {}

    async def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        """Return the response with its body.

        Raises:
            httpx.RequestError: there is no response, or `close` was called.
            ClientClosedError: `close` was called before.
        """
        if blocking:
            return await self._cancellable(request, blocking=True)
        try:
            async with asyncio.timeout(
                request.extensions["timeout"]["pool"] if self._free.locked() else None
            ):
                await self._free.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("no connection became free") from None
        try:
            return await self._cancellable(request, blocking=False)
        finally:
            self._free.release()

    async def close(self) -> None:
        """Close the streams and terminals, cancel the calls that run, and close the connections."""
        transports = self.transports.take()
        for user in taken(self.to_close):
            await user.close()
        for scope in self._running.values():
            scope.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for transport in transports:
            await transport.aclose()

    async def _cancellable(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        # httpcore 1.0.9 cleans up inside a shielded scope of anyio, which `Task.cancel` ignores: a call cancelled
        # there would never release its connection. So each call runs in a task of its own, and anyio cancels it
        from anyio import CancelScope

        scope = CancelScope()
        task = asyncio.create_task(self._exchange(request, scope, blocking=blocking))
        self._running[task] = scope
        try:
            response = await asyncio.shield(task)
        except asyncio.CancelledError:
            scope.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        finally:
            del self._running[task]
        if response is None:
            raise httpx.ReadError("the client was closed")
        return response

    async def _exchange(
        self, request: httpx.Request, scope: CancelScope, *, blocking: bool
    ) -> httpx.Response | None:
        with scope:
            response = await self.transports.get(blocking=blocking).handle_async_request(request)
            try:
                await response.aread()
            finally:
                await response.aclose()
            return response
        return None  # cancelled
