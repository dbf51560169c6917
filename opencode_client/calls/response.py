"""What came back, as a value or as an error: pure, shared by the synchronous and the asynchronous client."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Generic, TypeVar

import httpx
from attrs import frozen

from ..decoding import json_text
from ..errors import ArgumentError, EmptyResponseError, ResponseDecodeError, StatusError, error_class
from ..model import OpencodeModel, is_array, reader_of
from .operation import Operation
from .request_builder import Prepared

T = TypeVar("T")
MODELS = __name__.replace(".calls.response", ".models")

_LARGE = 1_000_000
"""Bytes of a body from which on Python's garbage collector waits until it is read: a sixth of the time."""


@frozen(eq=False)
class Response(Generic[T]):
    """What `raw` gives: the parsed `value` with `status`, `headers` (names in lower case) and the `body` as it came."""

    value: T
    status: int
    headers: Mapping[str, str]
    body: bytes


def check_single(pending: object) -> None:
    """Check that `pending` is what an operation with one response returns, awaited or not.

    Raises:
        ArgumentError: it is a stream or a terminal.
    """
    if hasattr(pending, "__enter__") or hasattr(pending, "__aenter__"):
        raise ArgumentError("raw takes an operation with one response, not a stream or a terminal")


def is_web_page(operation: Operation[Any], answer: httpx.Response) -> bool:
    """Whether the server's web application answered: it takes every route that the server does not have.

    Source: 1.18.33. Files, which may be pages, are read as bytes.
    """
    return operation.returns != "bytes" and answer.headers.get("content-type", "").startswith("text/html")


def decode(
    prepared: Prepared, status: int, content: bytes, *, strict: bool
) -> Any:  # Any: `operation.returns`
    """The value of a success.

    Raises:
        EmptyResponseError: nothing came where the document promises something, or null.
        ResponseDecodeError: no JSON, or not of the documented kind; with `strict`, anything not as documented.
    """
    operation = prepared.operation
    returns = operation.returns
    if returns == "None":
        return None
    if returns == "bytes":
        return content
    if operation.plain:
        return content.decode("utf-8", "replace")
    if not content:
        raise _nothing(prepared, status, "an empty body")
    paused = len(content) > _LARGE and gc.isenabled()
    if paused:
        gc.disable()  # it would look through all that is being made, again and again, and find nothing
    try:
        return _value(operation, content, strict=strict)
    except ResponseDecodeError as error:
        if content == b"null":
            raise _nothing(prepared, status, "null") from None
        error.body = content
        raise
    finally:
        if paused:
            gc.enable()


def _nothing(prepared: Prepared, status: int, what: str) -> EmptyResponseError:
    operation = prepared.operation
    return EmptyResponseError(
        f"{operation.id}: {status} with {what}: servers answer so when what was named does not exist",
        operation=operation.id,
        method=operation.method,
        url=prepared.url,
        status=status,
    )


def _value(operation: Operation[Any], content: bytes, *, strict: bool) -> Any:  # Any: `operation.returns`
    try:
        data = json_text.loads(content)
    except ValueError as error:
        # not the cause: it holds the body, which may hold anything
        what = f"{len(content)} bytes that are none ({str(error)[:60]})"
        raise ResponseDecodeError(operation.id, "$", "JSON", what) from None
    try:
        if not strict and (read := _object_reader(operation.returns)):
            if not operation.returns.startswith("list["):
                if type(data) is dict:
                    return read(data)
            elif is_array(data) and all(type(item) is dict for item in data):
                return [read(item) for item in data]
        from .response_shapes import read_by_shape  # which most calls have no use for

        return read_by_shape(operation, data, strict=strict)
    except RecursionError:
        raise ResponseDecodeError(operation.id, "$", "less nesting", "more than Python recurses") from None


@cache
def _object_reader(annotation: str) -> Callable[[Any], Any] | None:
    """What reads a model in straight lines, for `Session` and `list[Session]`; None for what is neither."""
    name = annotation.removeprefix("list[").removesuffix("]")
    home: str | None = import_module(MODELS).MODULES.get(name)
    found: object = vars(import_module(f"{MODELS}.{home}")).get(name) if home else None
    if isinstance(found, type) and issubclass(found, OpencodeModel):
        return reader_of(found)
    return None


def status_error(prepared: Prepared, status: int, headers: Mapping[str, str], content: bytes) -> StatusError:
    """The error for a status that says no; whatever the body is, there is no second error."""
    from .error_text import error_text, status_text  # as above
    from .response_shapes import documented_error

    operation = prepared.operation
    try:
        data = json_text.loads(content) if content else None
    except ValueError:
        data = None
    try:
        text = error_text(data, content, headers.get("content-type", ""), prepared.sent)
    except RecursionError:
        text = "a body nested too deeply to be told"
    given = "authorization" in prepared.http.headers
    hint = " (these credentials were refused)" if given else " (no password was given)"
    return error_class(status)(
        f"{operation.id}: {status_text(status)}{': ' if text else ''}{text}{hint if status == 401 else ''}",
        operation=operation.id,
        method=operation.method,
        url=prepared.url,
        status=status,
        headers=headers,
        body=content,
        data=data,
        error=documented_error(operation, status, data),
    )
