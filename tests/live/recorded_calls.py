"""Calls of operations: their outcomes as short texts for a table, and their HTTP requests and responses."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import ParamSpec, TypeAlias, TypeVar

import httpx
import pytest
from attrs import field, frozen

from opencode_client.calls.async_http_connection import AsyncHttpConnection
from opencode_client.calls.http_connection import HttpConnection
from opencode_client.errors import OpencodeError, StatusError
from opencode_client.model import is_array, is_object

P = ParamSpec("P")
T = TypeVar("T")

Exchange: TypeAlias = tuple[httpx.Request, httpx.Response | None]
"""The response is None if none came."""

_CASE = re.compile(r" \[[^]]+\]$")


@frozen
class Outcome:
    """The outcome of a call, and its requests and responses in order."""

    text: str
    exchanges: tuple[Exchange, ...] = field(repr=False)


def operation_of(case: str) -> str:
    """Return the operationId of a case: `session.get` for `session.get [unknown]`."""
    return _CASE.sub("", case)


def described(value: object) -> str:
    """Return the type of a value; for a list or a map, the types of its items; for None and booleans, the value."""
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
    """Return the class of an error, its status and the model of its body: `NotFoundError 404 NotFoundErrorBody`."""
    if not isinstance(error, StatusError):
        return type(error).__name__
    body = type(error.error).__name__ if error.error is not None else ""
    return f"{type(error).__name__} {error.status} {body}".rstrip()


class Record:
    """The outcomes of calls, by case: an operationId, with a text in brackets for a second call."""

    def __init__(self, exchanges: list[Exchange]) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._exchanges = exchanges

    def call(self, case: str, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Call an operation and return its value, or None if it raised."""
        try:
            return self.need(case, method, *args, **kwargs)
        except OpencodeError:
            return None

    def need(self, case: str, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call an operation whose value later calls need, and return it."""
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
    """Record all requests: those of calls, and those of streams, which go through transports of httpx."""
    seen: list[Exchange] = []

    def recording(plain: Callable[..., httpx.Response]) -> Callable[..., httpx.Response]:
        def handle(self: object, request: httpx.Request) -> httpx.Response:
            seen.append((request, None))
            response = plain(self, request)
            seen[-1] = (request, response)
            return response

        return handle

    def recording_async(
        driven: Callable[..., Awaitable[httpx.Response]],
    ) -> Callable[..., Awaitable[httpx.Response]]:
        async def handle(self: object, request: httpx.Request) -> httpx.Response:
            seen.append((request, None))
            response = await driven(self, request)
            seen[-1] = (request, response)
            return response

        return handle

    stream, async_stream = httpx.HTTPTransport, httpx.AsyncHTTPTransport
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HttpConnection, "exchange", recording(HttpConnection.exchange))
        patch.setattr(AsyncHttpConnection, "exchange", recording_async(AsyncHttpConnection.exchange))
        patch.setattr(stream, "handle_request", recording(stream.handle_request))
        patch.setattr(
            async_stream, "handle_async_request", recording_async(async_stream.handle_async_request)
        )
        yield seen
