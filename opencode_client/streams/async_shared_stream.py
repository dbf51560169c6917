# The source of shared_stream.py, which `make generate` writes.
"""One stream for many subscribers. Each has a bounded queue, so a slow one does not slow the others down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Self, TypeVar

from ..signatures import explain_call
from .async_fan_out import AsyncFanOut
from .async_items import AsyncItems
from .checks import check_queue
from .event_decoder import StreamGap
from .subscriber_queue import StreamOverflow, SubscriberQueue

if TYPE_CHECKING:
    from .async_stream import AsyncEventStream

E = TypeVar("E")


class AsyncSharedStream(Generic[E]):
    """One connection for the subscribers of many tasks. Made by `AsyncEventStream.share`.

    The first subscriber opens it. The last subscriber to leave closes it; it is not reusable then. Tasks may share it.
    """

    def __init__(self, stream: AsyncEventStream[E], max_queue: int) -> None:
        check_queue(max_queue)
        self._fan_out = AsyncFanOut(stream)
        self._max_queue = max_queue

    @explain_call
    def subscribe(self) -> AsyncSubscription[E]:
        """Return a new subscriber: `async with shared.subscribe() as events`."""
        return AsyncSubscription(self._fan_out, self._max_queue)


class AsyncSubscription(AsyncItems[E | StreamGap | StreamOverflow], Generic[E]):
    """One subscriber. It gets the items that arrive after it was opened, and a `StreamOverflow` where it lost some.

    Made by `AsyncSharedStream.subscribe`. Opened by `async with`, closed by its end or by `close`; not reusable.
    """

    def __init__(self, fan_out: AsyncFanOut, max_queue: int) -> None:
        self._fan_out = fan_out
        self._queue = SubscriberQueue(max_queue)

    async def __aenter__(self) -> Self:
        await self._fan_out.join(self._queue)
        return self

    async def take(self, timeout_s: float | None) -> list[E | StreamGap | StreamOverflow]:
        """Return the next item; no item at the end. Programs use `get`."""
        return await self._fan_out.next_items(self._queue, timeout_s)

    async def close(self) -> None:
        """Unsubscribe: this subscriber's iteration ends, others go on. May be called by any task."""
        await self._fan_out.leave(self._queue)
