"""Copy the items of a shared stream into one bounded queue for each subscriber. No I/O, no threads, no tasks."""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

from attrs import field, frozen

from ..errors import EventTooLargeError, StreamClosedError, StreamTimeoutError

DEFAULT_MAX_QUEUE = 10_000


@frozen
class StreamOverflow:
    """A subscriber was too slow: its queue was full at this point, and `lost` items are missing."""

    lost: int
    type: Literal["__overflow__"] = field(default="__overflow__", init=False, repr=False)


class SubscriberQueue:
    """The items that wait for one subscriber: at most `max_items`, then a count of the lost ones. Not thread-safe."""

    def __init__(self, max_items: int) -> None:
        self._max_items = max_items
        self._items: deque[Any] = deque()
        self._lost = 0
        self.left = False  # True after its subscriber has left

    def put(self, item: object) -> None:
        if self._lost or len(self._items) >= self._max_items:
            self._lost += 1
        else:
            self._items.append(item)

    def __len__(self) -> int:
        return len(self._items) + bool(self._lost)

    def take(self) -> Any:  # Any: an item of any stream
        if self._items:
            return self._items.popleft()
        overflow, self._lost = StreamOverflow(self._lost), 0
        return overflow


class SubscriberQueues:
    """The queues of a shared stream's subscribers, and how the stream ended.

    Threads call `put` and `take` under one lock, and `add` and `remove` under another lock.
    """

    def __init__(self) -> None:
        # replaced at each change, never modified: `put` may be iterating over it
        self._queues: tuple[SubscriberQueue, ...] = ()
        self._ended = False
        self._were_left = False  # True after all subscribers have left
        self._error: BaseException | None = None

    def check_joinable(self, queue: SubscriberQueue) -> None:
        """Check that a subscriber can be added.

        Raises:
            StreamClosedError: it has left, or all subscribers have left and so the stream was closed.
        """
        if queue.left:
            raise StreamClosedError("this subscription was closed; call subscribe() for a new one")
        if self._were_left:
            raise StreamClosedError(
                "the last subscriber has left, so this stream was closed; share a new one"
            )

    def add(self, queue: SubscriberQueue) -> None:
        self._queues += (queue,)

    def remove(self, queue: SubscriberQueue) -> bool:
        """Remove a queue; its subscriber gets no more items. Return True if it was the last queue."""
        if queue not in self._queues:
            return False
        self._queues = tuple(one for one in self._queues if one is not queue)
        queue.left = True
        self._were_left = not self._queues
        return self._were_left

    def put(self, item: object) -> None:
        """Put an item into every queue."""
        for queue in self._queues:
            queue.put(item)

    def end(self, error: BaseException | None) -> None:
        """Mark the end of the stream. Every subscriber gets the error after its last item."""
        self._error = error
        self._ended = True  # set last: after it, subscribers read the error

    def is_ready(self, queue: SubscriberQueue) -> bool:
        """Return True if `take` has an item, or the end."""
        return len(queue) > 0 or queue.left or self._ended

    def take(self, queue: SubscriberQueue) -> list[Any]:  # Any: items of any stream
        """Return one item, or none at the end. Raise the error that ended the stream."""
        if queue.left:
            return []
        if len(queue):
            item = queue.take()
            if isinstance(item, EventTooLargeError):
                raise item
            return [item]
        if self._error is not None:
            raise self._error
        return []


def no_item_yet(timeout_s: float | None) -> StreamTimeoutError:
    """Return the error for an item that did not arrive in time."""
    return StreamTimeoutError(f"no item within {timeout_s or 0:g} s; you can read on")
