"""Receive the events of a stream in tasks: connect, read, and connect again when the connection is lost.

`receiver.py` does the same in threads, and says why both are written by hand.
"""

from __future__ import annotations

from asyncio import Event, wait_for
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Generic, TypeVar

import httpx

from ..errors import OpencodeError
from .async_connection import AsyncStreamConnection
from .event_decoder import StreamItem
from .reconnect import StreamState

E = TypeVar("E")


class AsyncEventReceiver(Generic[E]):
    """Receives the items of one event stream. Closed by `close`, which any task may call; not reusable.

    `items` is iterated by one task at a time.
    """

    def __init__(self, connection: AsyncStreamConnection, state: StreamState[E]) -> None:
        self._connection = connection
        self._state = state
        self._closed = Event()
        self.items: AsyncGenerator[StreamItem[E]] = self._receive()

    async def close(self) -> None:
        """Close the connection. An iteration that waits for an item ends."""
        self._closed.set()
        await self._connection.aborter.abort()
        with suppress(
            RuntimeError
        ):  # another task iterates: it is awake now, and closes the connection itself
            await self.items.aclose()
            await self._connection.close()

    async def _receive(self) -> AsyncGenerator[StreamItem[E]]:
        connection, state = self._connection, self._state
        while not self._closed.is_set():
            error: OpencodeError | None = None
            try:
                body = connection.body or await connection.open()
                for gap in state.connected():
                    yield gap
                for item in state.feed(connection.first):
                    yield item
                try:
                    async for chunk in body:
                        for item in state.feed(chunk):
                            yield item
                except httpx.RequestError as cause:
                    error = connection.error(cause)
            except OpencodeError as cause:
                error = cause
            finally:
                await connection.close()
            if self._closed.is_set():
                return
            delay_s = state.delay_before_next(error)
            if delay_s is None:
                return
            with suppress(TimeoutError):
                await wait_for(self._closed.wait(), delay_s)
