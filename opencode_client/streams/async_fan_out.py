"""Give the items of one stream to the subscribers of many tasks. `fan_out.py` does so for threads.

A task is interrupted only where it waits. So the queues need no lock; the condition only wakes the waiting tasks.
"""

from __future__ import annotations

from asyncio import Condition, Task, create_task, shield, timeout
from typing import TYPE_CHECKING, Any

from ..calls.async_closing import running_loop
from ..errors import EventTooLargeError
from .home import Home
from .subscriber_queue import SubscriberQueue, SubscriberQueues, no_item_yet

if TYPE_CHECKING:
    from .async_stream import AsyncEventStream


class AsyncFanOut:
    """Reads one stream in a task of its own, from the first subscriber to the last. Not reusable."""

    def __init__(self, stream: AsyncEventStream[Any]) -> None:
        self._stream = stream
        self._queues = SubscriberQueues()
        self._home = Home()
        self._changed = Condition()
        self._reader: Task[None] | None = None
        self._closing: Task[None] | None = None

    async def join(self, queue: SubscriberQueue) -> None:
        """Add a subscriber. The first one opens the stream; others wait until it is open."""
        self._home.enter(running_loop())
        async with self._changed:
            self._queues.check_joinable(queue)
            if self._reader is None:
                await self._stream.__aenter__()
                self._reader = create_task(self._read(), name="opencode-events")
            self._queues.add(queue)

    async def leave(self, queue: SubscriberQueue) -> None:
        """Remove a subscriber, and end its iteration. The last one closes the stream, even if it is cancelled."""
        if not self._home.is_here(running_loop()):
            return  # the parent process uses the stream, or its event loop has ended
        if self._queues.remove(queue) and self._reader is not None:
            self._closing = create_task(self._close(self._reader))
            await shield(self._closing)
        else:
            await self._wake_all()

    async def next_items(
        self, queue: SubscriberQueue, timeout_s: float | None
    ) -> list[Any]:  # Any: items of any stream
        """Wait for one item and return it; no item at the end. Raise the error that ended the stream.

        Raises:
            StreamTimeoutError: no item in time.
        """
        self._home.enter(running_loop())
        if not self._queues.is_ready(queue):
            try:
                async with timeout(timeout_s), self._changed:
                    await self._changed.wait_for(lambda: self._queues.is_ready(queue))
            except TimeoutError:
                raise no_item_yet(timeout_s) from None
        return self._queues.take(queue)

    async def _close(self, reader: Task[None]) -> None:
        await self._stream.close()
        await reader

    async def _read(self) -> None:
        ended_by: Exception | None = None
        items = aiter(self._stream)
        try:
            while True:
                try:
                    item: object = await anext(items)
                except EventTooLargeError as error:  # the stream goes on after it
                    item = error
                self._queues.put(item)
                await self._wake_all()
        except StopAsyncIteration:
            pass
        except Exception as error:  # noqa: BLE001 # raised by every subscriber
            ended_by = error
        self._queues.end(ended_by)
        await self._wake_all()

    async def _wake_all(self) -> None:
        async with self._changed:
            self._changed.notify_all()
