"""What came back, as a value or as an error: pure, shared by the synchronous and the asynchronous client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

import httpx
from attrs import fields, frozen

from opencode_client import json_text
from opencode_client.errors import EmptyResponseError, ResponseDecodeError, StatusError, error_class
from opencode_client.messages import error_text, status_text
from opencode_client.model import OpencodeModel, reader_of
from opencode_client.operation import Operation
from opencode_client.reading import shape_of
from opencode_client.requests import Prepared
from opencode_client.shapes import ModelOf, Shape, Tagged, json_type

T = TypeVar("T")
_MODELS = f"{__package__}.models"


@frozen(eq=False)
class Response(Generic[T]):
    """What `raw` gives: the parsed `value` with `status`, `headers` (names in lower case) and the `body` as it came."""

    value: T
    status: int
    headers: Mapping[str, str]
    body: bytes


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
        EmptyResponseError: nothing came where the document promises something.
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
        raise EmptyResponseError(
            f"{operation.id}: {status} with an empty body: servers 1.1.x answer so when what was named does not exist",
            operation=operation.id,
            method=operation.method,
            url=prepared.url,
            status=status,
        )
    try:
        return _value(operation, content, strict=strict)
    except ResponseDecodeError as error:
        error.body = content
        raise


def _value(operation: Operation[Any], content: bytes, *, strict: bool) -> Any:  # Any: `operation.returns`
    shape = shape_of(_MODELS, operation.returns)
    try:
        data = json_text.loads(content)
    except ValueError as error:
        # not the cause: it holds the body, which may hold anything
        what = f"{len(content)} bytes that are none ({str(error)[:60]})"
        raise ResponseDecodeError(operation.id, "$", "JSON", what) from None
    try:
        if strict:
            shape.check(data, "$", operation.id)
        elif not _fits(shape, data):
            raise ResponseDecodeError(operation.id, "$", shape.expected, json_type(data))
        return shape.read(data, (operation.id, ""))
    except RecursionError:
        raise ResponseDecodeError(operation.id, "$", "less nesting", "more than Python recurses") from None


def reader_of_shape(annotation: str) -> Callable[[Any], Any]:
    """What reads one value of a type that the models name, without ado: for streams, which read many."""
    shape = shape_of(_MODELS, annotation)
    if isinstance(shape, Tagged):
        read: Callable[[Any], Any] = shape.union.read
        return read
    if isinstance(shape, ModelOf):
        return reader_of(shape.model) or shape.model.from_dict
    return partial(shape.read, where=(annotation, ""))


def _fits(shape: Shape, data: object) -> bool:
    return json_type(data) in shape.expected.split(" or ") or shape.fits(data)


def status_error(prepared: Prepared, status: int, headers: Mapping[str, str], content: bytes) -> StatusError:
    """The error for a status that says no; whatever the body is, there is no second error."""
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
        error=_documented(operation, status, data),
    )


def _documented(operation: Operation[Any], status: int, data: object) -> Any:  # Any: one of several models
    """The first documented model that the body is; None for the many shapes that no document has."""
    for name in operation.errors.get(str(status), ()):
        shape = shape_of(_MODELS, name)
        try:
            shape.check(data, "$", name)
            model = shape.read(data, (name, ""))
        except (ResponseDecodeError, RecursionError):
            continue
        if isinstance(model, OpencodeModel) and _has_its_constants(model):
            return model
    return None


def _has_its_constants(model: OpencodeModel) -> bool:
    """Whether the members of one value have it: reading takes any, but they tell error bodies apart."""
    constants = (member for member in fields(type(model)) if member.init and isinstance(member.default, str))
    return all(getattr(model, member.name) == member.default for member in constants)
