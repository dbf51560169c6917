"""Ways to read items that streams, filters and subscriptions have in common. `async_items.py` has them for tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from ..errors import StreamClosedError
from .checks import checked_timeout

T = TypeVar("T")


class Items(Generic[T]):
    """Items that arrive one after the other. Iterated, or read by `get`, by one thread at a time."""

    def get(self, timeout: float | None = None) -> T:
        """Wait for the next item and return it.

        Args:
            timeout: Seconds to wait. None waits without limit.

        Raises:
            StreamTimeoutError: no item in time. Nothing is lost: the next call returns the next item.
            StreamClosedError: there are no more items.
            OpencodeError: as the iteration.
        """
        items = self.take(checked_timeout(timeout))
        if not items:
            raise StreamClosedError("this stream has ended; subscribe again")
        return items[0]

    def close(self) -> None:
        """Close it. An iteration that waits for an item ends."""
        raise NotImplementedError

    def take(self, timeout_s: float | None) -> list[T]:
        """Return the next item; no item at the end. Raises StreamTimeoutError. `get` is for programs."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        items = self.take(None)
        if not items:
            raise StopIteration
        return items[0]

    def __exit__(self, *_: object) -> None:
        self.close()
