# The source of stream.py, which `make generate` writes.
"""Event streams as their users see them: open, iterate, filter, share, close."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from ..calls.operation import Arguments, Operation
from .async_connection import AsyncStreamConnection
from .async_filtered_stream import AsyncFilteredStream
from .async_receiver import AsyncEventReceiver
from .async_shared_stream import AsyncSharedStream
from .event_decoder import ServerHeartbeat, StreamGap, UndecodableEvent
from .filter import make_event_filter
from .reconnect import StreamOptions, StreamState
from .subscriber_queue import DEFAULT_MAX_QUEUE

if TYPE_CHECKING:
    from ..calls.async_caller import AsyncCaller

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


class AsyncEventStream(Generic[E]):
    """The typed events of one stream operation, in order. Reconnects by itself.

    Yields a `StreamGap` where events may be missing: those that were sent while there was no connection. Opened by
    `async with`; where the server sends nothing before the first event (`v2.session.events`), by the first item.
    Closed by the end of `async with`, or by `close`, which any task may call. Iterated once, by one task at a time.
    """

    def __init__(
        self, caller: AsyncCaller, operation: Operation[E], arguments: Arguments, options: StreamOptions
    ) -> None:
        state: StreamState[E] = StreamState(operation, options)
        self._connection = AsyncStreamConnection(caller, operation, arguments, state)
        self._receiver = AsyncEventReceiver(self._connection, state)
        # not self, as the reference is weak: a program that only holds an iterator does not keep this object alive
        caller.connections.to_close.add(self._receiver)

    async def __aenter__(self) -> Self:
        await self._connection.open_ahead()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> AsyncGenerator[E | StreamGap | ServerHeartbeat | UndecodableEvent]:
        return self._receiver.items

    async def __anext__(self) -> E | StreamGap | ServerHeartbeat | UndecodableEvent:
        return await anext(self._receiver.items)

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
    def filter(
        self, *types: type[Any], session_id: str | None = None, children: bool = False
    ) -> AsyncFilteredStream[Any]:
        """Return this stream with only the items of these types and of one session. A `StreamGap` is always yielded.

        Args:
            types: the classes of the wanted items; none means all.
            children: also yield events of sessions that this session starts, if the stream has shown their start.
        """
        return AsyncFilteredStream(self, make_event_filter(types, session_id, children=children))

    def share(self, *, max_queue: int = DEFAULT_MAX_QUEUE) -> AsyncSharedStream[E]:
        """Return this stream for many subscribers. Each has a queue of at most `max_queue` items."""
        return AsyncSharedStream(self, max_queue)

    async def close(self) -> None:
        """Close the stream. An iteration that waits for an event ends."""
        await self._receiver.close()
