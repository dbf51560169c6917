# The source of items.py, which `make generate` writes.
"""The base class of streams, filters and subscriptions: iterate, or get one item."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from ..errors import StreamClosedError
from ..misuse import AsyncWith
from ..signatures import explain_call
from .checks import checked_timeout

T = TypeVar("T")


class AsyncItems(AsyncWith, Generic[T]):
    """Items that arrive one after the other. Iterate over them, or call `get`, in one task at a time.

    An interrupted wait loses nothing: the next call returns the next item.
    """

    @explain_call
    async def get(self, timeout: float | None = None) -> T:
        """Wait for the next item and return it.

        Args:
            timeout: Seconds to wait. None waits without limit.

        Raises:
            StreamTimeoutError: no item in time. Nothing is lost: the next call returns the next item.
            StreamClosedError: there are no more items.
            OpencodeError: the stream failed; the iteration raises the same error.
        """
        items = await self.take(checked_timeout(timeout))
        if not items:
            raise StreamClosedError("there are no more items: it has ended or was closed")
        return items[0]

    async def close(self) -> None:
        """Receive no more items. An iteration that waits for an item ends."""
        raise NotImplementedError  # abstract: each kind of stream has its own

    async def aclose(self) -> None:  # the sync twin has no such line
        """Receive no more items, as `close`. For `contextlib.aclosing`."""  # the sync twin has no such line
        await self.close()  # the sync twin has no such line

    async def take(self, timeout_s: float | None) -> list[T]:
        """Return the next item; no item at the end. Raises StreamTimeoutError. Programs use `get`."""
        raise NotImplementedError  # abstract: each kind of stream has its own

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        items = await self.take(None)
        if not items:
            raise StopAsyncIteration
        return items[0]

    async def __aexit__(self, *_: object) -> None:
        await self.close()
