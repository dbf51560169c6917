# The source of paginator.py, which `make generate` writes.
"""Iterate over the items of an operation that returns pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..errors import BadRequestError

if TYPE_CHECKING:
    from .async_caller import AsyncCaller
    from .paging import Paging

T = TypeVar("T")


class AsyncPaginator(Generic[T]):
    """The items of all pages, each once. Made by `client.paginate`, read with `async for` by one task.

    A page is requested when its first item is needed. After an error, iterating again repeats the request that failed.
    """

    def __init__(self, caller: AsyncCaller, paging: Paging) -> None:
        self._caller = caller
        self._paging = paging
        self._items: Iterator[T] = iter(())

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
            for item in self._items:
                return item
            if self._paging.is_done:
                raise StopAsyncIteration
            self._items = iter(await self._next_page())

    async def _next_page(self) -> list[T]:
        paging, caller = self._paging, self._caller
        try:
            page: Any = await caller.call(paging.operation, paging.request())
        except BadRequestError as error:
            if not paging.shrink(error):
                raise
            return []
        response = caller.response
        assert response is not None  # noqa: S101 # the caller keeps it
        return paging.take(page, response.headers)
