"""One stream for many: each subscriber has a bounded queue of its own, and a slow one hurts nobody else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Generator
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar

from attrs import field, frozen

from .event_decoder import StreamGap

if TYPE_CHECKING:
    from .async_stream import AsyncEventStream
    from .stream import EventStream

E = TypeVar("E")
DEFAULT_MAX_QUEUE = 10_000


@frozen
class StreamOverflow:
    """Here a subscriber was too slow: its queue was full and `lost` items are missing."""

    lost: int
    type: Literal["__overflow__"] = field(default="__overflow__", init=False, repr=False)


class _Queue:
    """What waits for one subscriber: at most so many items, then a count of what was lost. Not thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: deque[Any] = deque()
        self._lost = 0
        self.left = False  # by its subscriber

    def put(self, item: object) -> None:
        if self._lost or len(self._items) >= self._most:
            self._lost += 1
        else:
            self._items.append(item)

    def __len__(self) -> int:
        return len(self._items) + bool(self._lost)

    def take(self) -> Any:  # Any: what was put
        if self._items:
            return self._items.popleft()
        overflow, self._lost = StreamOverflow(self._lost), 0
        return overflow


class SharedStream(Generic[E]):
    """One connection for the subscribers of many threads. Made by `EventStream.share`.

    Opened by its first subscriber, closed by the end of its last; not reusable then. Thread-safe.
    """

    def __init__(self, stream: EventStream[E], max_queue: int) -> None:
        self._stream = stream
        self._max_queue = max_queue
        self._changed = Condition()
        self._queues: list[_Queue] = []
        self._pump: Thread | None = None
        self._ended = False
        self._error: BaseException | None = None

    def subscribe(self) -> Subscription[E]:
        """A subscriber: `with shared.subscribe() as events`."""
        return Subscription(self)

    def _join(self, queue: _Queue) -> None:
        with self._changed:
            pump = None
            if self._pump is None:
                self._stream.__enter__()
                self._pump = pump = Thread(target=self._run, daemon=True, name="opencode-events")
            self._queues.append(queue)
            if pump is not None:
                pump.start()

    def _leave(self, queue: _Queue) -> None:
        with self._changed:
            if queue not in self._queues:
                return
            self._queues.remove(queue)
            queue.left = True
            self._changed.notify_all()
            pump = None if self._queues else self._pump
        if pump is not None:  # this was the last one
            self._stream.close()
            pump.join()

    def _run(self) -> None:
        try:
            for item in self._stream:
                with self._changed:
                    for queue in self._queues:
                        queue.put(item)
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 # raised by every subscriber
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _next(self, queue: _Queue) -> list[Any]:
        """One item, or none at the end."""
        with self._changed:
            self._changed.wait_for(lambda: len(queue) or queue.left or self._ended)
            if queue.left:
                return []
            if len(queue):
                return [queue.take()]
        if self._error is not None:
            raise self._error
        return []


class Subscription(Generic[E]):
    """One subscriber's items of a `SharedStream`: those of the stream since it was opened, and `StreamOverflow`."""

    def __init__(self, shared: SharedStream[E]) -> None:
        self._shared = shared
        self._queue = _Queue(shared._max_queue)  # pyright: ignore[reportPrivateUsage] # the same module

    def __enter__(self) -> Self:
        self._shared._join(self._queue)  # pyright: ignore[reportPrivateUsage] # the same module
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Unsubscribe: ends this subscriber's iteration wherever that waits, and nobody else's. Thread-safe."""
        self._shared._leave(self._queue)  # pyright: ignore[reportPrivateUsage] # the same module

    def __iter__(self) -> Generator[E | StreamGap | StreamOverflow]:
        while item := self._shared._next(self._queue):  # pyright: ignore[reportPrivateUsage] # the same module
            yield item[0]


class AsyncSharedStream(Generic[E]):
    """One connection for the subscribers of many tasks. Made by `AsyncEventStream.share`.

    Opened by its first subscriber, closed by the end of its last; not reusable then.
    """

    def __init__(self, stream: AsyncEventStream[E], max_queue: int) -> None:
        self._stream = stream
        self._max_queue = max_queue
        self._changed = asyncio.Condition()
        self._queues: list[_Queue] = []
        self._pump: asyncio.Task[None] | None = None
        self._ended = False
        self._error: BaseException | None = None

    def subscribe(self) -> AsyncSubscription[E]:
        """A subscriber: `async with shared.subscribe() as events`."""
        return AsyncSubscription(self)

    async def _join(self, queue: _Queue) -> None:
        async with self._changed:
            if self._pump is None:
                await self._stream.__aenter__()
                self._pump = asyncio.create_task(self._run(), name="opencode-events")
            self._queues.append(queue)

    async def _leave(self, queue: _Queue) -> None:
        if queue not in self._queues:
            return
        self._queues.remove(queue)
        queue.left = True
        async with self._changed:
            self._changed.notify_all()
        if not self._queues and self._pump is not None:
            await self._stream.close()
            await self._pump

    async def _run(self) -> None:
        try:
            async for item in self._stream:
                for queue in self._queues:
                    queue.put(item)
                async with self._changed:
                    self._changed.notify_all()
        except Exception as error:  # noqa: BLE001 # raised by every subscriber
            self._error = error
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def _next(self, queue: _Queue) -> list[Any]:
        """One item, or none at the end."""
        if not len(queue):
            async with self._changed:
                await self._changed.wait_for(lambda: len(queue) or queue.left or self._ended)
        if queue.left:
            return []
        if len(queue):
            return [queue.take()]
        if self._error is not None:
            raise self._error
        return []


class AsyncSubscription(Generic[E]):
    """One subscriber's items of an `AsyncSharedStream`: those since it was opened, and `StreamOverflow`."""

    def __init__(self, shared: AsyncSharedStream[E]) -> None:
        self._shared = shared
        self._queue = _Queue(shared._max_queue)  # pyright: ignore[reportPrivateUsage] # the same module

    async def __aenter__(self) -> Self:
        await self._shared._join(self._queue)  # pyright: ignore[reportPrivateUsage] # the same module
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Unsubscribe: ends this subscriber's iteration wherever that waits, and nobody else's."""
        await self._shared._leave(self._queue)  # pyright: ignore[reportPrivateUsage] # the same module

    async def __aiter__(self) -> AsyncGenerator[E | StreamGap | StreamOverflow]:
        while item := await self._shared._next(self._queue):  # pyright: ignore[reportPrivateUsage] # the same module
            yield item[0]
