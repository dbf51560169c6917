"""Calls of operations: what they ended as, in words that a table can hold, and what went over the wire meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import ParamSpec, TypeAlias, TypeVar

import httpx
import pytest
from attrs import field, frozen

from opencode_client.errors import OpencodeError, StatusError
from opencode_client.model import is_array, is_object

P = ParamSpec("P")
T = TypeVar("T")

Exchange: TypeAlias = tuple[httpx.Request, httpx.Response | None]
"""None where no answer came."""

_CASE = re.compile(r" \[[^]]+\]$")


@frozen
class Outcome:
    """What a call ended as, and the exchanges that it made, in order."""

    text: str
    exchanges: tuple[Exchange, ...] = field(repr=False)


def operation_of(case: str) -> str:
    """The operationId of `session.get` and of `session.get [unknown]`."""
    return _CASE.sub("", case)


def described(value: object) -> str:
    """The type of a value; of a list or a map, the types of what is in it; None and booleans are themselves."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if is_array(value):
        return f"list[{_types(value)}]"
    if is_object(value):
        return f"dict[{_types(list(value.values()))}]"
    return type(value).__name__


def _types(values: list[object]) -> str:
    return " | ".join(sorted({type(value).__name__ for value in values}))


def failed(error: OpencodeError) -> str:
    """The class of an error, and the model of its body where it has one: `NotFoundError 404 NotFoundErrorBody`."""
    if not isinstance(error, StatusError):
        return type(error).__name__
    body = type(error.error).__name__ if error.error is not None else ""
    return f"{type(error).__name__} {error.status} {body}".rstrip()


class Record:
    """The outcomes of calls by case: an operationId, with something in brackets where it is called again."""

    def __init__(self, exchanges: list[Exchange]) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._exchanges = exchanges

    def call(self, case: str, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The value of an operation; None if it raised, too."""
        try:
            return self.need(case, method, *args, **kwargs)
        except OpencodeError:
            return None

    def need(self, case: str, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The value of an operation that others cannot be called without."""
        assert case not in self.outcomes, f"{case} is recorded already"
        before = len(self._exchanges)
        try:
            value = method(*args, **kwargs)
        except OpencodeError as error:
            self.outcomes[case] = Outcome(failed(error), tuple(self._exchanges[before:]))
            raise
        self.outcomes[case] = Outcome(described(value), tuple(self._exchanges[before:]))
        return value


@contextmanager
def recorded_exchanges() -> Generator[list[Exchange], None, None]:
    """Everything that any httpx transport sends meanwhile."""
    seen: list[Exchange] = []
    plain, driven = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

    def handle(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        seen.append((request, None))
        response = plain(self, request)
        seen[-1] = (request, response)
        return response

    async def handle_async(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        seen.append((request, None))
        response = await driven(self, request)
        seen[-1] = (request, response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "handle_request", handle)
        patch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle_async)
        yield seen
