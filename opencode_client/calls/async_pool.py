"""Pooled connections for the calls of an `AsyncOpencodeClient`. Written by hand beside `pool.py`.

A connection belongs to one call. If the call is cancelled, the connection is closed at once, without waiting: so a
second cancellation finds nothing to interrupt.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from .async_closing import AsyncClosing
from .route import IDLE_CONNECTIONS, ORDINARY_CONNECTIONS, Route

if TYPE_CHECKING:
    from .async_http_connection import AsyncHttpConnection


class AsyncPool(AsyncClosing):
    """Sends the requests of calls. Opened by the first request, closed by `close`, not reusable.

    For one event loop at a time. After the end of that loop, and in a forked child, it makes new connections.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.route: Route = Route(base_url)
        self._idle: tuple[list[AsyncHttpConnection], list[AsyncHttpConnection]] = [], []
        self._free = asyncio.Semaphore(ORDINARY_CONNECTIONS)

    async def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        """Return the response with its body.

        Raises:
            httpx.RequestError: there is no response.
            ClientClosedError: `close` was called, before or meanwhile.
            EventLoopError: as `enter`.
        """
        self.enter()
        return await self.unless_closed(self._blocking(request) if blocking else self._ordinary(request))

    async def close(self) -> None:
        """Close the streams and terminals, end the calls that run, and close the connections."""
        try:
            await super().close()
        finally:  # also if the task is cancelled
            self._close_idle()

    def leave(self) -> None:
        """Also close the idle connections, and forget those that calls use."""
        super().leave()
        self._close_idle()
        self._idle = [], []
        self._free = asyncio.Semaphore(ORDINARY_CONNECTIONS)

    def _close_idle(self) -> None:
        for idle in self._idle:
            while idle:
                idle.pop().close()

    async def _blocking(self, request: httpx.Request) -> httpx.Response:
        return await self._exchange(request, self._idle[True])

    async def _ordinary(self, request: httpx.Request) -> httpx.Response:
        free = self._free
        if free.locked():
            try:
                async with asyncio.timeout(request.extensions["timeout"]["pool"]):
                    await free.acquire()
            except TimeoutError:
                raise httpx.PoolTimeout("no connection became free") from None
        else:
            await free.acquire()  # at once
        try:
            return await self._exchange(request, self._idle[False])
        finally:
            free.release()

    async def _exchange(self, request: httpx.Request, idle: list[AsyncHttpConnection]) -> httpx.Response:
        connection = self._idle_or_new(idle)
        try:
            response = await connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        if connection.is_idle and len(idle) < IDLE_CONNECTIONS and not self.closed:
            idle.append(connection)
        else:
            connection.close()
        return response

    def _idle_or_new(self, idle: list[AsyncHttpConnection]) -> AsyncHttpConnection:
        while idle:
            if not (connection := idle.pop()).has_expired:
                return connection
            connection.close()
        from .async_http_connection import AsyncHttpConnection

        return AsyncHttpConnection(self.route)
