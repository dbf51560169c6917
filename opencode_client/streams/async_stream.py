# The source of stream.py, which `make generate` writes.
"""The class for users of an event stream: open, iterate, filter, share, close."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from ..calls.operation import Arguments, Operation
from ..signatures import explain_call
from .async_connection import AsyncStreamConnection
from .async_filtered_stream import AsyncFilteredStream
from .async_items import AsyncItems
from .async_receiver import AsyncEventReceiver
from .async_shared_stream import AsyncSharedStream
from .checks import check_filter
from .event_decoder import StreamItem
from .filter import EventFilter
from .reconnect import StreamOptions, StreamState
from .subscriber_queue import DEFAULT_MAX_QUEUE

if TYPE_CHECKING:
    from ..calls.async_caller import AsyncCaller

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


class AsyncEventStream(AsyncItems[StreamItem[E]], Generic[E]):
    """The typed events of one stream operation, in order. Reconnects by itself.

    Yields a `StreamGap` where events may be missing: those that were sent while there was no connection. Opened by
    `async with`. `v2.session.events` connects at the first item, because the server sends nothing before its first
    event. Closed by the end of `async with`, or by `close`, which any task may call. Read by one task at a time, in the
    process that opened it. A cancelled wait for an item loses nothing.

    Raises:
        ArgumentError: an argument of the operation, or an option, is wrong.
    """

    def __init__(
        self, caller: AsyncCaller, operation: Operation[E], arguments: Arguments, options: StreamOptions
    ) -> None:
        state: StreamState[E] = StreamState(operation, options)
        state.observer = caller.options.observer
        connect = partial(AsyncStreamConnection, caller, operation, arguments, state)
        connect()  # checks the arguments now, and sends nothing
        self._state = state
        self._caller = caller
        self._operation = operation
        self._arguments = arguments
        self._receiver = AsyncEventReceiver(connect, state)
        # not self, as the reference is weak: a program that only holds an iterator does not keep this object alive
        caller.connections.to_close.add(self._receiver)

    async def __aenter__(self) -> Self:
        await self._receiver.open()
        return self

    def __aiter__(self) -> AsyncIterator[StreamItem[E]]:
        return self._receiver

    async def __anext__(self) -> StreamItem[E]:
        return await anext(self._receiver)

    async def take(self, timeout_s: float | None) -> list[StreamItem[E]]:
        return await self._receiver.take(timeout_s)

    async def take_all(self) -> list[StreamItem[E]]:
        """Return the next item, and those that were received with it; none at the end. For turns."""
        return await self._receiver.take_all()

    @overload
    def filter(
        self, /, *, session_id: str | None = None, children: bool = False
    ) -> AsyncFilteredStream[E]: ...
    @overload
    def filter(
        self, a: type[A], /, *, session_id: str | None = None, children: bool = False
    ) -> AsyncFilteredStream[A]: ...
    @overload
    def filter(
        self, a: type[A], b: type[B], /, *, session_id: str | None = None, children: bool = False
    ) -> AsyncFilteredStream[A | B]: ...
    @overload
    def filter(
        self, a: type[A], b: type[B], c: type[C], /, *, session_id: str | None = None, children: bool = False
    ) -> AsyncFilteredStream[A | B | C]: ...
    @overload
    def filter(
        self,
        a: type[A],
        b: type[B],
        c: type[C],
        d: type[D],
        /,
        *more: type[Any],
        session_id: str | None = None,
        children: bool = False,
    ) -> AsyncFilteredStream[Any]: ...
    @explain_call
    def filter(
        self, *types: type[Any], session_id: str | None = None, children: bool = False
    ) -> AsyncFilteredStream[Any]:
        """Return this stream with only the items of these types and of one session. A `StreamGap` is always yielded.

        Args:
            types: the classes of the wanted items; none means all.
            session_id: yield the events of this session, and each `session.error` that names no session.
            children: also yield events of the sessions that this session starts, and that those start. Before the
                first item and after each gap, these sessions are read over REST (`session.children`).

        Raises:
            ArgumentError: an argument is wrong.
        """
        check_filter(self._operation.id, self._state.only_event, types, session_id, children)
        wanted = EventFilter(types, session_id, children=children)
        return AsyncFilteredStream(self._receiver, self._state, wanted, self._caller, self._arguments)

    @explain_call
    def share(self, *, max_queue: int = DEFAULT_MAX_QUEUE) -> AsyncSharedStream[E]:
        """Return this stream for many subscribers. Each has a queue of at most `max_queue` items."""
        return AsyncSharedStream(self, max_queue)

    async def close(self) -> None:
        """Close the stream. An iteration that waits for an event ends."""
        await self._receiver.close()
