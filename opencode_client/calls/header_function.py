"""Support for `headers=` as a function, which is called for each request: changing credentials, signatures. No I/O."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx
from attrs import field, frozen

from ..errors import ArgumentError, HeadersError
from .options import checked_headers

if TYPE_CHECKING:
    from .request_builder import Prepared


@frozen
class OutgoingRequest:
    """The argument of a `headers=` function: the request that needs headers. A signature may depend on its members.

    `operation` is the operation's id, `url` the full URL (`ws://...` for a terminal) and `content` the body. Neither
    the URL nor the body is in the `repr`: they may hold secrets.
    """

    operation: str
    method: str
    url: str = field(repr=False)
    content: bytes = field(repr=False)


HeadersFunction: TypeAlias = Callable[[OutgoingRequest], Mapping[str, str]]
"""Returns the headers of one request."""

AsyncHeadersFunction: TypeAlias = Callable[
    [OutgoingRequest], Mapping[str, str] | Awaitable[Mapping[str, str]]
]
"""Returns the headers of one request of an `AsyncOpencodeClient`. It may be a coroutine function."""


def outgoing(prepared: Prepared, url: str | None) -> OutgoingRequest:
    """Return the argument of the function. `url` replaces the request's URL."""
    http, operation = prepared.http, prepared.operation
    return OutgoingRequest(operation.id, operation.method, url or prepared.text, http.content)


@contextmanager
def function_errors(prepared: Prepared) -> Generator[None]:
    """Raise HeadersError in place of an error of the function, which may be of any class."""
    try:
        yield
    except Exception as error:  # a function of a user may raise anything
        text = f"{prepared.operation.id}: the function passed as headers raised {type(error).__name__}"
        attempt = "" if prepared.attempt == 1 else f" for attempt {prepared.attempt}"
        raise HeadersError(f"{text}; nothing was sent{attempt}") from error


def set_headers(prepared: Prepared, found: Any) -> None:  # Any: callers without types
    """Set the headers that the function has returned. Headers of the operation and of the call win over them.

    Raises:
        ArgumentError: it returned something else, or HTTP does not allow a header.
    """
    if isawaitable(found):
        getattr(found, "close", lambda: None)()  # else Python warns that the coroutine was never awaited
        raise ArgumentError("headers takes a coroutine function only in an AsyncOpencodeClient")
    operation = prepared.operation
    kept = {*operation.headers, *map(str.lower, prepared.given or ())}
    if operation.body and operation.body != "bytes":
        kept.add("content-type")
    if prepared.plain is None:
        prepared.plain = prepared.http.headers
    headers = httpx.Headers(prepared.plain)
    headers.update({name: value for name, value in checked_headers(found).items() if name not in kept})
    prepared.http.headers = headers
