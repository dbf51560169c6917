# The source of paginator.py, which `make generate` writes.
"""Iterate over the items of an operation that returns pages."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..errors import ArgumentError, BadRequestError

if TYPE_CHECKING:
    from .async_caller import AsyncCaller
    from .paging import Paging

T = TypeVar("T")


class AsyncPaginator(Generic[T]):
    """The items of all pages, each once. Made by `client.paginate`, read with `async for` by one task.

    A page is requested when its first item is needed. After an error, iterating again repeats the request that failed.
    Another reader that needs a page during the request gets an ArgumentError.
    """

    def __init__(self, caller: AsyncCaller, paging: Paging) -> None:
        self._caller = caller
        self._paging = paging
        self._items = deque[T]()
        self._is_reading = False

    @property
    def missing(self) -> Sequence[str]:
        """Ids of messages that the server cannot return, "" for an unknown id. Complete when the iteration has ended.

        Source: servers 1.14 to 1.18 cannot return the first message of a session if it was sent with a JSON schema.
        """
        return tuple(self._paging.missing)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while True:
            with suppress(IndexError):
                return self._items.popleft()
            if self._paging.is_done:
                raise StopAsyncIteration
            if self._is_reading:
                raise ArgumentError(
                    f"{type(self).__name__}: another thread or task reads it: call paginate again"
                )
            self._is_reading = True
            try:
                await self._read_page()
            finally:
                self._is_reading = False

    async def _read_page(self) -> None:
        paging, caller = self._paging, self._caller
        try:
            page: Any = await caller.call(paging.operation, paging.request())
        except BadRequestError as error:
            if not paging.shrink(error):
                raise
            return
        response = caller.response
        assert response is not None  # noqa: S101 # the caller keeps it
        self._items += paging.take(page, response.headers)
