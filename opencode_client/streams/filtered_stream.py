"""A stream of which somebody wants a part."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from .event_decoder import StreamGap

if TYPE_CHECKING:
    from .async_stream import AsyncEventStream
    from .stream import EventStream

E = TypeVar("E")


class FilteredStream(Generic[E]):
    """Some items of an `EventStream`; opened and closed with it."""

    def __init__(self, stream: EventStream[Any], keep: Callable[[object], bool]) -> None:
        self._stream = stream
        self._keep = keep

    def __enter__(self) -> Self:
        self._stream.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Generator[E | StreamGap]:
        for item in self._stream:
            if self._keep(item):
                wanted: Any = item  # of one of the types that were asked for
                yield wanted

    def close(self) -> None:
        """End the stream, and its iteration wherever that waits."""
        self._stream.close()


class AsyncFilteredStream(Generic[E]):
    """Some items of an `AsyncEventStream`; opened and closed with it."""

    def __init__(self, stream: AsyncEventStream[Any], keep: Callable[[object], bool]) -> None:
        self._stream = stream
        self._keep = keep

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncGenerator[E | StreamGap]:
        async for item in self._stream:
            if self._keep(item):
                wanted: Any = item  # of one of the types that were asked for
                yield wanted

    async def close(self) -> None:
        """End the stream, and its iteration wherever that waits."""
        await self._stream.close()
