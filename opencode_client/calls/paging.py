"""Read a list page by page: which request is next, and which items are new. No I/O except a log.

Source: servers 1.1.31 to 1.18.33. `_spec.PAGES` has the operations; scripts/normalise/kinds.toml has the reasons.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from inspect import iscoroutine
from typing import Any, Protocol, TypeVar

from .._spec import PAGES
from ..errors import ArgumentError, BadRequestError, ResponseDecodeError
from ..logs import fields
from ..model import JsonObject, is_array, is_object
from .operation import Arguments, Operation
from .raw import rebound

logger: logging.Logger = logging.getLogger(__name__)

_PAGE_ITEMS = 100
_MAX_REPEATED = 10
"""The number of pages in a row that may have no new item. After more, the server must be ignoring its own cursors."""
_MAX_DIGITS = 18
T_co = TypeVar("T_co", covariant=True)


class Page(Protocol[T_co]):
    """A response with one page of items in `data`."""

    @property
    def data(self) -> Sequence[T_co] | None: ...


class _Recorder:
    """A caller that keeps the operation and its arguments, and sends nothing."""

    def __init__(self, wrong: ArgumentError) -> None:
        self.called: tuple[Operation[Any], Arguments] | None = None
        self._wrong = wrong

    def call(self, operation: Operation[Any], arguments: Arguments) -> _Recorder:
        self.called = operation, arguments
        return self

    def __await__(self) -> Any:  # Any: as iterators of awaitables have it
        return iter(())

    def __getattr__(self, name: str) -> Any:  # Any: never returns; streams and terminals use other attributes
        raise self._wrong


def _wrong_operation(given: str) -> ArgumentError:
    names = ", ".join(f"client.{name}" for name in PAGES)
    return ArgumentError(
        f"paginate takes an operation that pages, and then its arguments, not {given}; these page: {names}"
    )


def start(
    method: Callable[..., Any], namespace: type, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Paging]:  # Any: the caller of either client
    """Return the caller and the paging for a call of this method of a `namespace`. Nothing is sent.

    Raises:
        ArgumentError: the operation does not page, or `limit` is wrong.
    """
    wrong = _wrong_operation(getattr(method, "__qualname__", type(method).__name__))
    if not isinstance(getattr(method, "__self__", None), namespace):
        raise wrong
    recorder = _Recorder(wrong)
    pending = rebound(method, recorder)(*args, **kwargs)
    if iscoroutine(pending):
        with suppress(StopIteration):
            pending.send(None)  # runs to its end, because the recorder never waits
    if recorder.called is None:
        raise wrong
    if recorder.called[0].id not in PAGES:
        raise _wrong_operation(f"client.{recorder.called[0].id}")
    owner: Any = method.__self__  # type: ignore[attr-defined] # Any: a namespace of either client
    return owner._caller, Paging(*recorder.called)


class Paging:
    """The progress of one iteration. Call `request`, then `take` or `shrink`, until `is_done`."""

    def __init__(self, operation: Operation[Any], arguments: Arguments) -> None:
        self.operation: Operation[Any] = operation
        self.is_done: bool = False
        self.missing: list[str] = []
        self._arguments = arguments
        self._query = dict(arguments.query or {})
        self._parameter = PAGES[operation.id]
        self._cursor: object = self._query.get(self._parameter) if self._parameter != "limit" else None
        self._used: set[object] = set()
        self._limit = _checked_limit(operation, self._query.get("limit"))
        self._seen: set[str] = set()
        self._repeated = 0
        self._last: JsonObject = {}

    def request(self) -> Arguments:
        """Return the arguments of the next request."""
        query: dict[str, object] = {"limit": self._limit}
        if self._cursor is not None:
            query[self._parameter] = self._cursor
        if self._cursor is None or self.operation.returns.startswith("list["):
            query = self._query | query
        # else the cursor includes the other parameters; 1.15.13 refuses both together
        return self._arguments.changed(query=query)

    def take(self, page: Any, headers: Mapping[str, str]) -> list[Any]:  # Any: of the operation's type
        """Return the items of a page that are new, in order.

        Raises:
            ResponseDecodeError: the page has no items, or its cursor is wrong.
        """
        items = _items(self.operation, page)
        cursor = None if self._parameter == "limit" else self._next_cursor(page, items, headers)
        new = [item for item in items if self._is_new(item)]
        self._repeated = 0 if new else self._repeated + 1
        if self._repeated > _MAX_REPEATED:
            raise ResponseDecodeError(self.operation.id, "$", "new items", "the same ones, page after page")
        if items:
            self._last = _raw(items[0])
        if self._parameter == "before":
            new.reverse()
        if cursor is not None and cursor not in self._used:
            self._cursor = cursor
            self._used.add(cursor)
        elif is_array(page) and len(items) == self._limit and (cursor is not None or not self._used):
            self._limit *= 2
        else:
            self.is_done = True
        return new

    def shrink(self, error: BadRequestError) -> bool:
        """Prepare a smaller request after an error. Return False if that cannot help.

        Servers 1.14 to 1.18 fail if the last page of a session's messages has a prompt that was sent with a JSON
        schema. On other pages they do not fail. So the last page is made smaller until it has only this message. If
        that fails, too, the message is the session's first one, and its id is added to `missing`.
        """
        if self._parameter != "before" or not is_unsendable(error):
            return False
        if self._limit > 1:
            self._limit //= 2
            return True
        info = self._last.get("info")
        parent = info.get("parentID") if is_object(info) else None
        self.missing.append(parent if isinstance(parent, str) else "")
        self.is_done = True
        logger.warning(
            "%s: the server cannot return the session's first message: %s",
            self.operation.id,
            error,
            extra=fields(self.operation.id),
        )
        return True

    def _next_cursor(self, page: Any, items: list[Any], headers: Mapping[str, str]) -> str | int | None:
        """Return the cursor of the next page: from the header of a list, or from the page. None: there is none.

        Raises:
            ResponseDecodeError: it is no cursor.
        """
        if is_array(page):
            cursor = headers.get("x-next-cursor", "")
            is_time = cursor.isdecimal() and len(cursor) <= _MAX_DIGITS
            # the next page has the times before this one; plus 1, because two sessions can have the same time
            return int(cursor) + 1 if is_time else cursor or None
        if page.raw_.get("hasMore") is not None:
            if not (page.raw_["hasMore"] and items):
                return None
            durable, path = _raw(items[-1]).get("durable"), "$.data[-1].durable.seq"
            found = durable.get("seq") if is_object(durable) else None
        else:
            cursor, path = page.raw_.get("cursor"), "$.cursor.next"
            found = cursor.get("next") if is_object(cursor) and items else None
            if found is None:
                return None
        if isinstance(found, str | int):
            return found
        raise ResponseDecodeError(self.operation.id, path, "a text or a whole number", type(found).__name__)

    def _is_new(self, item: Any) -> bool:
        raw = _raw(item)
        name = raw.get("id")
        if name is None and is_object(raw.get("info")):
            name = raw["info"].get("id")
        if not isinstance(name, str):
            return True
        is_new = name not in self._seen
        self._seen.add(name)
        return is_new


def _checked_limit(operation: Operation[Any], limit: object) -> int:
    if limit is None:
        return _PAGE_ITEMS
    if isinstance(limit, bool) or not isinstance(limit, int | float) or limit < 1 or limit % 1 != 0:
        raise ArgumentError(f"{operation.id}: limit takes a whole number from 1 on, not {limit!r}")
    return int(limit)


def _items(operation: Operation[Any], page: Any) -> list[Any]:
    if is_array(page):
        return page
    data: object = page.data
    if data is None and is_array(items := page.raw_.get("items")):  # 1.15.13's name
        data = page.from_dict({**page.raw_, "data": items}).data
    if not is_array(data):
        raise ResponseDecodeError(operation.id, "$.data", "array", "nothing")
    return data


def _raw(item: Any) -> JsonObject:  # Any: an item is what the server sent
    """Return the JSON of an item; an empty object if it is not an object."""
    raw: object = getattr(item, "raw_", None)
    return raw if is_object(raw) else {}


def is_unsendable(error: BadRequestError) -> bool:
    """Return True if the server could not send its own response to a GET. Source: 1.14.48 to 1.18.33."""
    data: Any = error.data
    inner = data.get("data") if is_object(data) else None
    return error.method == "GET" and is_object(inner) and inner.get("kind") == "Body"
