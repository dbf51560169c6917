# The source of filtered_stream.py, which `make generate` writes.
"""Event streams that yield only some items, chosen by type and session: see `AsyncEventStream.filter`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from .event_decoder import StreamGap

if TYPE_CHECKING:
    from .async_stream import AsyncEventStream

E = TypeVar("E")


class AsyncFilteredStream(Generic[E]):
    """Some items of an `AsyncEventStream`. Opening and closing it opens and closes that stream."""

    def __init__(self, stream: AsyncEventStream[Any], is_wanted: Callable[[object], bool]) -> None:
        self._stream = stream
        self._is_wanted = is_wanted

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncGenerator[E | StreamGap]:
        async for item in self._stream:
            if self._is_wanted(item):
                wanted: Any = item  # of one of the types that the filter was made for
                yield wanted

    async def close(self) -> None:
        """Close the stream. An iteration that waits for an event ends."""
        await self._stream.close()
