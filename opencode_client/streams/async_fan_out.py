"""Give the items of one stream to the subscribers of many tasks. `fan_out.py` does so for threads.

A task is interrupted only where it waits. So the queues need no lock; the condition only wakes the waiting tasks.
"""

from __future__ import annotations

from asyncio import Condition, Task, create_task
from typing import TYPE_CHECKING, Any

from .subscriber_queue import SubscriberQueue, SubscriberQueues

if TYPE_CHECKING:
    from .async_stream import AsyncEventStream


class AsyncFanOut:
    """Reads one stream in a task of its own, from the first subscriber to the last. Not reusable."""

    def __init__(self, stream: AsyncEventStream[Any]) -> None:
        self._stream = stream
        self._queues = SubscriberQueues()
        self._changed = Condition()
        self._reader: Task[None] | None = None

    async def join(self, queue: SubscriberQueue) -> None:
        """Add a subscriber. The first one opens the stream; others wait until it is open."""
        async with self._changed:
            if self._reader is None:
                await self._stream.__aenter__()
                self._reader = create_task(self._read(), name="opencode-events")
            self._queues.add(queue)

    async def leave(self, queue: SubscriberQueue) -> None:
        """Remove a subscriber, and end its iteration. The last one closes the stream."""
        was_last = self._queues.remove(queue)
        await self._wake_all()
        if was_last and self._reader is not None:
            await self._stream.close()
            await self._reader

    async def next_items(self, queue: SubscriberQueue) -> list[Any]:  # Any: items of any stream
        """Wait for one item and return it; no item at the end. Raise the error that ended the stream."""
        if not self._queues.is_ready(queue):
            async with self._changed:
                await self._changed.wait_for(lambda: self._queues.is_ready(queue))
        return self._queues.take(queue)

    async def _read(self) -> None:
        ended_by: Exception | None = None
        try:
            async for item in self._stream:
                self._queues.put(item)
                await self._wake_all()
        except Exception as error:  # noqa: BLE001 # raised by every subscriber
            ended_by = error
        self._queues.end(ended_by)
        await self._wake_all()

    async def _wake_all(self) -> None:
        async with self._changed:
            self._changed.notify_all()
