# The source of fan_out.py, which `make generate` writes.
"""Give the items of one stream to many subscribers."""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..errors import EventTooLargeError
from .async_background import AsyncBackground, AsyncWaiters, here
from .owner import Owner
from .subscriber_queue import SubscriberQueue, SubscriberQueues, no_item_yet

if TYPE_CHECKING:
    from .async_stream import AsyncEventStream


class AsyncFanOut:
    """Reads one stream in the background, from the first subscriber to the last. Not reusable."""

    def __init__(self, stream: AsyncEventStream[Any]) -> None:
        self._stream = stream
        self._queues = SubscriberQueues()
        self._owner = Owner()
        self._opening = asyncio.Lock()  # held while the first subscriber opens the stream
        self._using = Lock()  # held while items are put and taken; a lock for threads: nothing waits in it
        self._waiters = AsyncWaiters()
        self._reader: AsyncBackground | None = None

    async def join(self, queue: SubscriberQueue) -> None:
        """Add a subscriber. The first one opens the stream; others wait until it is open."""
        self._owner.enter(here())
        async with self._opening:
            self._queues.check_joinable(queue)
            is_first = self._reader is None
            if is_first:
                await self._stream.__aenter__()
            self._queues.add(queue)
            if is_first:  # after `add`, so that this subscriber gets the first item
                self._reader = AsyncBackground(self._read, "opencode-events")

    async def leave(self, queue: SubscriberQueue) -> None:
        """Remove a subscriber, and end its iteration. The last one closes the stream."""
        if not self._owner.is_here(here()):
            return  # the parent process uses the stream, or its event loop has ended
        async with self._opening:
            was_last = self._queues.remove(queue)
        self._waiters.wake()
        if was_last and self._reader is not None:
            await self._reader.end(self._stream.close)

    # Any: items of any stream
    async def next_items(self, queue: SubscriberQueue, timeout_s: float | None) -> list[Any]:
        """Wait for one item and return it; no item at the end. Raise the error that ended the stream.

        Raises:
            StreamTimeoutError: no item in time.
        """
        self._owner.enter(here())
        if not await self._waiters.wait_until(lambda: self._queues.is_ready(queue), timeout_s):
            raise no_item_yet(timeout_s)
        with self._using:
            return self._queues.take(queue)

    async def _read(self) -> None:
        ended_by: BaseException | None = None
        items = aiter(self._stream)
        try:
            while True:
                try:
                    item: object = await anext(items)
                except EventTooLargeError as error:  # the stream goes on after it
                    item = error
                with self._using:
                    self._queues.put(item)
                self._waiters.wake()
        except StopAsyncIteration:
            pass
        except BaseException as error:  # noqa: BLE001 # raised by every subscriber
            ended_by = error
        self._queues.end(ended_by)
        self._waiters.wake()
