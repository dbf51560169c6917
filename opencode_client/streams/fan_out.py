"""Give the items of one stream to the subscribers of many threads. `async_fan_out.py` does so for tasks.

Both are written by hand: a thread may be interrupted at any step, so here every change of the queues needs the lock.
"""

from __future__ import annotations

from threading import Condition, Thread, current_thread
from typing import TYPE_CHECKING, Any

from ..errors import EventTooLargeError
from .home import Home
from .subscriber_queue import SubscriberQueue, SubscriberQueues, no_item_yet

if TYPE_CHECKING:
    from .stream import EventStream

_JOIN_S = 1.0
"""The longest time to wait for the reading thread: closing the stream does not wake it while it connects."""


class FanOut:
    """Reads one stream in a thread of its own, from the first subscriber to the last. Thread-safe; not reusable."""

    def __init__(self, stream: EventStream[Any]) -> None:
        self._stream = stream
        self._queues = SubscriberQueues()
        self._home = Home()
        self._changed = Condition()
        """Held while the queues are read or changed; notified after each change."""
        self._reader: Thread | None = None

    def join(self, queue: SubscriberQueue) -> None:
        """Add a subscriber. The first one opens the stream."""
        self._home.enter()
        with self._changed:
            self._queues.check_joinable(queue)
            if self._reader is None:
                self._stream.__enter__()
                self._reader = Thread(target=self._read, daemon=True, name="opencode-events")
                self._reader.start()  # its first item waits for the lock, so this subscriber gets it
            self._queues.add(queue)

    def leave(self, queue: SubscriberQueue) -> None:
        """Remove a subscriber, and end its iteration. The last one closes the stream."""
        if not self._home.is_here():
            return  # the parent process uses the stream
        with self._changed:
            was_last = self._queues.remove(queue)
            self._changed.notify_all()
        if was_last and self._reader is not None:  # without the lock, which the reader needs to end
            self._stream.close()
            if self._reader is not current_thread():  # it may be: `on_gap` runs there
                self._reader.join(_JOIN_S)

    def next_items(
        self, queue: SubscriberQueue, timeout_s: float | None
    ) -> list[Any]:  # Any: items of any stream
        """Wait for one item and return it; no item at the end. Raise the error that ended the stream.

        Raises:
            StreamTimeoutError: no item in time.
        """
        self._home.enter()
        with self._changed:
            if not self._changed.wait_for(lambda: self._queues.is_ready(queue), timeout_s):
                raise no_item_yet(timeout_s)
            return self._queues.take(queue)

    def _read(self) -> None:
        ended_by: BaseException | None = None
        items = iter(self._stream)
        try:
            while True:
                try:
                    item: object = next(items)
                except EventTooLargeError as error:  # the stream goes on after it
                    item = error
                with self._changed:
                    self._queues.put(item)
                    self._changed.notify_all()
        except StopIteration:
            pass
        except BaseException as error:  # noqa: BLE001 # raised by every subscriber
            ended_by = error
        with self._changed:
            self._queues.end(ended_by)
            self._changed.notify_all()
