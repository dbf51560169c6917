# The source of receiver.py, which `make generate` writes.
"""Receive the events of a stream: connect, read, and connect again when the connection is lost."""

from __future__ import annotations

import asyncio  # the sync twin has no such line
from collections.abc import Callable
from typing import Generic, TypeVar

import httpx

from ..errors import OpencodeError, StreamClosedError
from .async_background import AsyncWaiters, here
from .async_connection import AsyncStreamConnection
from .async_items import AsyncItems
from .async_link import AsyncLink, AsyncRLock
from .deadline import NEVER, Deadline
from .event_decoder import StreamItem
from .owner import Owner
from .reconnect import StreamState
from .subscriber_queue import no_item_yet

E = TypeVar("E")


class AsyncEventReceiver(AsyncItems[StreamItem[E]], Generic[E]):
    """Receives the items of one event stream. Closed by `close`, which any task may call; not reusable."""

    def __init__(self, connect: Callable[[], AsyncStreamConnection], state: StreamState[E]) -> None:
        """Create a receiver. `connect` returns a new connection, which is not open yet."""
        self._connect = connect
        self._state = state
        self._owner = Owner()
        self._closed = False
        self._waiters = AsyncWaiters()  # for `_closed`
        # for threads: held by the reader; taken by `with`, which Ctrl-C cannot interrupt at a wrong moment
        self._using = AsyncRLock()
        self._is_reading = False
        self._has_ended = False
        self._pause = Deadline(0)  # before the next connection
        self._link: AsyncLink | None = None
        self._is_noted = False  # that the connection is open

    async def open(self) -> None:
        """Connect now, before the first item is read. If the server sends nothing before its first event, do nothing.

        Raises:
            StreamClosedError: the stream is closed, or was closed meanwhile.
            OpencodeError: the server cannot be reached, or it sent no event stream.
        """
        self._owner.enter(here())
        try:
            async with self._using:
                self._has_ended = False  # after an attempt that failed
                while not self._closed and self._state.resumes is None and not self._state.connections:
                    await self._advance(None)
        except BaseException:  # `__aexit__` is not called if `__aenter__` raises
            await self._close_unused()
            raise
        if self._closed:
            await self._close_unused()
            raise StreamClosedError("this stream was closed; subscribe again")

    async def close(self) -> None:
        """Close the connection. An iteration that waits for an item ends."""
        self._closed = True
        if not self._owner.is_here(here()):
            return  # the parent process uses the connection, or the loop that could close it has ended
        self._state.ended(None)
        self._waiters.wake()
        if self._link is not None:
            await self._link.wake()
        await self._close_unused()

    async def __anext__(self) -> StreamItem[E]:
        item = self._state.next_item() if self._owner.is_of_process() else None
        if item is None:
            items = await self._wait(None)
            if not items:
                raise StopAsyncIteration
            item = items[0]
        return item

    async def take(self, timeout_s: float | None) -> list[StreamItem[E]]:
        item = self._state.next_item() if self._owner.is_of_process() else None
        return await self._wait(timeout_s) if item is None else [item]

    async def take_all(self) -> list[StreamItem[E]]:
        """Return the next item, and those that were received with it; none at the end."""
        items = await self.take(None)
        while items and (item := self._state.next_item()) is not None:
            items.append(item)
        return items

    async def _wait(self, timeout_s: float | None) -> list[StreamItem[E]]:
        """Wait for the next item and return it; no item at the end. Raises StreamTimeoutError."""
        self._owner.enter(here())
        deadline, is_late = NEVER if timeout_s is None else Deadline(timeout_s), False
        try:
            async with self._using:
                while (item := self._state.next_item()) is None:
                    if (self._closed or self._has_ended) and self._state.failure is None:
                        return []
                    if is_late:
                        raise no_item_yet(timeout_s)
                    left_s = deadline.left_s()
                    is_late = left_s == 0
                    await self._advance(left_s)
                return [item]  # before another thread looks for items
        finally:
            if self._closed:
                await self._close_unused()

    async def _advance(self, most_s: float | None) -> None:
        """Do the next step: wait until it is time to connect, connect, or read. Takes at most `most_s` seconds."""
        if self._is_reading:
            raise OpencodeError("this stream is being read; use share() to give it to several readers")
        self._is_reading = True
        try:
            await self._do_step(most_s)
        except httpx.RequestError as cause:
            assert self._link is not None  # noqa: S101 # it raised this
            await self._lose(self._link.connection.error(cause))
        except OpencodeError as error:
            await self._lose(error)
        except asyncio.CancelledError:  # the sync twin has no such line
            raise  # nothing is lost, as the next step goes on: the sync twin has no such line
        except BaseException:  # such as an error of `on_gap`: bytes may be lost, so the next step makes a gap
            await self._drop()
            raise
        finally:
            self._is_reading = False

    async def _do_step(self, most_s: float | None) -> None:
        state, link = self._state, self._link
        if state.failure is not None:
            error, state.failure = state.failure, None
            raise error
        if link is None or link.is_closing:
            if self._pause.left_s():
                await self._waiters.wait_until(lambda: self._closed, self._pause.at_most_s(most_s))
                return
            link = self._link = AsyncLink(self._connect())
            self._is_noted = False
            if self._closed:  # `close` may have run before there was a link
                return
        received = await link.step(most_s)
        if link.connection.is_open and not self._is_noted:  # perhaps opened by an earlier, interrupted wait
            self._is_noted = True
            state.connected()
        if received:
            state.feed(received)
        if link.connection.has_ended:
            await self._lose(None)

    async def _lose(self, error: OpencodeError | None) -> None:
        """Close the connection, and note when to connect again.

        Raises:
            OpencodeError: `error`, if the stream ends with it.
        """
        try:
            if not self._closed:
                self._has_ended = True
                delay_s = self._state.delay_before_next(error)
                if delay_s is not None:
                    self._has_ended = False
                    self._pause = Deadline(delay_s)
        finally:
            await self._drop()

    async def _drop(self) -> None:
        """Close the connection."""
        if self._link is not None:
            await self._link.close()

    async def _close_unused(self) -> None:
        """Close the connection. If somebody reads, do nothing: the reader then closes it."""
        if self._using.acquire(blocking=False):
            try:
                if not self._is_reading:
                    await self._drop()
            finally:
                self._using.release()
