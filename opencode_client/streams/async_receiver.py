"""Receive the events of a stream in tasks: connect, read, and connect again when the connection is lost.

`receiver.py` does the same in threads, and says why both are written by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import httpx

from ..errors import OpencodeError, StreamClosedError
from .async_background import here
from .async_connection import AsyncStreamConnection
from .async_items import AsyncItems
from .event_decoder import StreamItem
from .home import Home
from .reconnect import StreamState
from .subscriber_queue import no_item_yet

if TYPE_CHECKING:
    from anyio import CancelScope

E = TypeVar("E")


class AsyncEventReceiver(AsyncItems[StreamItem[E]], Generic[E]):
    """Receives the items of one event stream. Closed by `close`, which any task may call; not reusable."""

    def __init__(self, connect: Callable[[], AsyncStreamConnection], state: StreamState[E]) -> None:
        """Create a receiver. `connect` returns a new connection, which is not open yet."""
        self._connect = connect
        self._state = state
        self._home = Home()
        self._closed = asyncio.Event()
        self._is_reading = False
        self._has_ended = False
        self._connect_at_s = 0.0  # on the monotonic clock
        self._connection: AsyncStreamConnection | None = None
        self._is_noted = False  # that the connection is open
        self._step: _Step | None = None
        self._guard: AsyncGenerator[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect before the first item is wanted, unless the server sends nothing before its first event.

        Raises:
            StreamClosedError: the stream is closed, or was closed meanwhile.
            OpencodeError: the server cannot be reached, or it sent no event stream.
        """
        self._home.enter(here())
        self._has_ended = False  # after an attempt that failed
        try:
            while not self._closed.is_set() and self._state.resumes is None and not self._state.connections:
                await self._advance(None)
        except asyncio.CancelledError:
            await self._drop()  # `async with` closes nothing that it could not open
            raise
        if self._closed.is_set():
            await self._drop()
            raise StreamClosedError("this stream was closed; subscribe again")

    async def close(self) -> None:
        """Close the connection. An iteration that waits for an item ends."""
        self._closed.set()
        if not self._home.is_here(here()):
            return  # the parent process uses the connection, or the loop that could close it has ended
        if self._step is not None:
            self._step.cancel()
        elif self._connection is not None and self._is_reading:
            await self._connection.aborter.abort()
        if not self._is_reading:  # else the task that reads is awake now, and does it
            await self._drop()

    async def __anext__(self) -> StreamItem[E]:
        self._home.enter(here())
        if not self._state.items and not await self._wait(None):
            raise StopAsyncIteration
        return self._state.take()

    async def take(self, timeout_s: float | None) -> list[StreamItem[E]]:
        self._home.enter(here())
        return [self._state.take()] if self._state.items or await self._wait(timeout_s) else []

    async def _wait(self, timeout_s: float | None) -> bool:
        """Wait for items. Return False at the end. Raises StreamTimeoutError."""
        end_s = None if timeout_s is None else monotonic() + timeout_s
        left_s = timeout_s
        while not self._state.items:
            if self._closed.is_set() or self._has_ended:
                return False
            await self._advance(left_s)
            if end_s is not None and not self._state.items:
                left_s = end_s - monotonic()
                if left_s <= 0 and not self._closed.is_set() and not self._has_ended:
                    raise no_item_yet(timeout_s)
        return True

    async def _advance(self, most_s: float | None) -> None:
        """Do the next step: wait until it is time to connect, connect, or read. Takes at most `most_s` seconds."""
        if self._is_reading:
            raise OpencodeError("another task reads this stream; use share() to give it to several")
        self._is_reading = True
        try:
            await self._do_step(most_s)
        except httpx.RequestError as cause:
            assert self._connection is not None  # noqa: S101 # it raised this
            await self._lose(self._connection.error(cause))
        except OpencodeError as error:
            await self._lose(error)
        except asyncio.CancelledError:
            raise  # nothing is lost: the next step goes on
        except BaseException:  # such as an error of `on_gap`: bytes may be lost, so the next step makes a gap
            await self._drop()
            raise
        finally:
            self._is_reading = False
            if self._closed.is_set():
                await self._drop()

    async def _do_step(self, most_s: float | None) -> None:
        state, connection = self._state, self._connection
        if connection is None:
            delay_s = self._connect_at_s - monotonic()
            if delay_s > 0:
                await _waited(self._closed.wait(), delay_s if most_s is None else min(delay_s, most_s))
                return
            connection = self._connection = self._connect()
            self._is_noted = False
            self._guard = _closing(connection)
            await anext(self._guard)
        pieces = await self._result(connection, most_s)
        if connection.is_open and not self._is_noted:  # a step that nobody waited for may have opened it
            self._is_noted = True
            state.connected()
        for piece in pieces:
            state.feed(piece)
        if connection.has_ended:
            await self._lose(None)

    async def _result(self, connection: AsyncStreamConnection, most_s: float | None) -> list[bytes]:
        """Return the result of the connection's next step; nothing if it takes longer than `most_s`.

        A step of httpx that is cancelled loses bytes, and so may one of anyio's TLS. So it has a task of its own, which
        goes on if its user is cancelled.
        """
        if self._step is None and connection.is_direct:
            return await connection.step(most_s)
        step = self._step = self._step or _Step(connection, self)
        await asyncio.wait([step.task], timeout=most_s)
        if not step.task.done():
            return []
        self._step = None
        return step.result()

    async def _lose(self, error: OpencodeError | None) -> None:
        """Close the connection, and note when to connect again.

        Raises:
            OpencodeError: `error`, if the stream ends with it.
        """
        try:
            if not self._closed.is_set():
                self._has_ended = True
                delay_s = self._state.delay_before_next(error)
                if delay_s is not None:
                    self._has_ended = False
                    self._connect_at_s = monotonic() + delay_s
        finally:
            await self._drop()

    async def _drop(self) -> None:
        """Close the connection, even if this task is cancelled meanwhile."""
        step, self._step = self._step, None
        guard, self._guard = self._guard, None
        connection, self._connection = self._connection, None
        if guard is not None and connection is not None:
            self._closing = asyncio.create_task(_closed(connection, step, guard))
        if self._closing is not None:
            await asyncio.wait([self._closing])


class _Step:
    """One step of a connection, in a task of its own."""

    def __init__(self, connection: AsyncStreamConnection, owner: object) -> None:
        """Start the step. It keeps `owner`, which would close the connection if it were forgotten."""
        self._scope: CancelScope | None = None
        self.task: asyncio.Task[list[bytes] | None] = asyncio.create_task(self._run(connection, owner))

    def cancel(self) -> None:
        """Cancel the step. httpcore cleans up within scopes of anyio, which `Task.cancel` would interrupt."""
        if self._scope is None:
            self.task.cancel()  # it has not begun
        else:
            self._scope.cancel()

    def result(self) -> list[bytes]:
        """Return the result of the step, or raise its error. A step that was cancelled has none."""
        return [] if self.task.cancelled() else self.task.result() or []

    async def _run(self, connection: AsyncStreamConnection, _owner: object) -> list[bytes] | None:
        from anyio import CancelScope  # httpx loads it at the first request

        limit_s = connection.limit_s
        try:
            async with asyncio.timeout(limit_s):
                with CancelScope() as scope:
                    self._scope = scope
                    return await connection.step(None)
        except OpencodeError:
            raise  # it may be a TimeoutError, too
        except TimeoutError:
            raise httpx.ReadTimeout(f"not a byte for {limit_s:g} s") from None
        return None


async def _closing(connection: AsyncStreamConnection) -> AsyncGenerator[None]:
    """Close the connection when the generator is closed. If its stream is forgotten, the event loop does that."""
    try:
        yield
    finally:
        await connection.close()


async def _closed(connection: AsyncStreamConnection, step: _Step | None, guard: AsyncGenerator[None]) -> None:
    if step is not None:
        step.cancel()
        await asyncio.gather(step.task, return_exceptions=True)
    if not connection.is_open:
        await (
            connection.aborter.abort()
        )  # httpcore 1.0 leaves the socket open if a TLS handshake is cancelled
    await guard.aclose()


async def _waited(something: Coroutine[Any, Any, object], most_s: float) -> None:
    task = asyncio.create_task(something)
    try:
        await asyncio.wait([task], timeout=most_s)
    finally:
        task.cancel()
