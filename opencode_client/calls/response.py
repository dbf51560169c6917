"""Turn a response into a value or an error. No I/O; shared by the sync and the async client."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import httpx
from attrs import fields

from ..decoding import json_text
from ..errors import EmptyResponseError, ResponseDecodeError, StatusError, error_class
from ..model import OpencodeModel, is_array, reader_of
from .operation import JSON_OR_NOTHING, Operation
from .request_builder import Prepared

if TYPE_CHECKING:
    from ..decoding.shapes import Shape


def is_web_page(operation: Operation[Any], response: httpx.Response) -> bool:
    """Return True if the server's web application responded. It handles every route that the server does not have.

    Always False for an operation that documents HTML, or that returns files: a file may be a web page.

    Source: 1.18.33.
    """
    if operation.web_page or operation.at(response.status_code).returns == "bytes":
        return False
    kind: str = response.headers.get("content-type", "")
    return kind.lower().startswith("text/html")


class EventStreamFound(httpx.RequestError):
    """The response is an event stream. Reading all of it would never end."""


def check_ends(status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raise EventStreamFound for an event stream.

    Only `send` gets one, from a route that the document lacks. An error status has a body that ends.
    """
    if status < 400 and any(value.startswith(b"text/event-stream") for _, value in headers):
        raise EventStreamFound("an event stream, which `send` cannot read")


def decode(prepared: Prepared, response: httpx.Response, *, strict: bool) -> Any:  # Any: see returns
    """Return the value of a successful response.

    Raises:
        EmptyResponseError: the body is empty or null, although the document promises a value.
        ResponseDecodeError: the body is not JSON, or not the documented kind of JSON. With `strict`, also any
            other difference from the document.
    """
    operation, content = prepared.operation, response.content
    if operation.others:
        operation = operation.at(response.status_code)
        prepared = Prepared(operation, prepared.http, prepared.text, prepared.sent, prepared.given)
    returns = operation.returns
    if returns == "None" or (returns == JSON_OR_NOTHING and not content):
        return None
    if returns == "bytes":
        return content
    if operation.plain:
        return content.decode("utf-8", "replace")
    if not content:
        raise _empty_response(prepared, response.status_code, "an empty body")
    try:
        return _read(prepared, response, strict=strict)
    except ResponseDecodeError as error:
        if content == b"null":
            raise _empty_response(prepared, response.status_code, "null") from None
        error.operation, error.method, error.url = operation.id, operation.method, prepared.url
        error.status, error.headers, error.body = response.status_code, dict(response.headers), content
        error.response = _without_secrets(response, prepared)
        raise


def _without_secrets(response: httpx.Response, prepared: Prepared) -> httpx.Response:
    """Return a copy of the response for an error, which people may log. Its request has only the method and the URL."""
    public = copy(response)
    public.request = httpx.Request(prepared.operation.method, prepared.url)
    public.next_request = None  # the redirected request: httpx copies the headers into it
    return public


def _empty_response(prepared: Prepared, status: int, found: str) -> EmptyResponseError:
    from .error_hints import hints  # only errors need it

    operation = prepared.operation
    return EmptyResponseError(
        f"{operation.id}: {status} with {found}: servers send this if something in the request does not exist"
        f"{hints(prepared)}",
        operation=operation.id,
        method=operation.method,
        url=prepared.url,
        status=status,
    )


def _read(prepared: Prepared, response: httpx.Response, *, strict: bool) -> Any:  # Any: `operation.returns`
    operation = prepared.operation
    try:
        data = json_text.loads(response.content)
    except ValueError as error:
        # `from None`, because the error of the JSON parser holds the whole body, which may hold secrets
        raise ResponseDecodeError(
            operation.label, "$", "JSON", _not_json(prepared, response, error)
        ) from None
    try:
        if not strict and (read := _fast_reader(operation.returns)):
            if not operation.returns.startswith("list["):
                if type(data) is dict:
                    return read(data)
            elif is_array(data) and all(type(item) is dict for item in data):
                return [read(item) for item in data]
        return _read_by_shape(operation, data, strict=strict)
    except RecursionError:
        raise ResponseDecodeError(operation.id, "$", "less nesting", "more than Python can read") from None


def _not_json(prepared: Prepared, response: httpx.Response, error: ValueError) -> str:
    """Describe a body that is not JSON: size, reason, status, type and the beginning of the text."""
    from .error_text import body_text, status_text  # only errors need it

    kind = response.headers.get("content-type", "no content-type")
    return (
        f"{len(response.content)} bytes that are not JSON ({str(error)[:60]}) "
        f"with {status_text(response.status_code)}, {kind}: {body_text(prepared, response.content)}"
    )


@cache
def _fast_reader(annotation: str) -> Callable[[Any], Any] | None:
    """Return the generated reader of a model, for `Session` and `list[Session]`; None for other annotations."""
    from ..models import MODULES, module_of  # nothing needs it before the first response

    name = annotation.removeprefix("list[").removesuffix("]")
    found: object = vars(module_of(name)).get(name) if name in MODULES else None
    return reader_of(found) if isinstance(found, type) and issubclass(found, OpencodeModel) else None


def _shape_of(annotation: str) -> Shape:
    from ..decoding.annotations import shape_of  # only maps, unions, errors and strict reading need it
    from ..models import __name__ as package  # as above

    return shape_of(package, annotation)


def _read_by_shape(operation: Operation[Any], data: Any, *, strict: bool) -> Any:  # Any: see returns
    from ..decoding.shapes import json_type

    shape = _shape_of(operation.returns)
    if strict:
        shape.check(data, "$", operation.id)
    elif not (json_type(data) in shape.expected.split(" or ") or shape.fits(data)):
        raise ResponseDecodeError(operation.id, "$", shape.expected, json_type(data))
    return shape.read(data, (operation.id, ""))


def _unchanged(value: Any) -> Any:  # Any: JSON
    return value


def event_reader(annotation: str) -> Callable[[Any], Any]:
    """Return the fastest function that reads one value of a type, for the many events of a stream."""
    from ..decoding.annotations import ModelOf, Tagged
    from ..decoding.shapes import Anything

    shape = _shape_of(annotation)
    if isinstance(shape, Anything):
        return _unchanged
    if isinstance(shape, Tagged):
        return shape.union.read
    if isinstance(shape, ModelOf):
        return reader_of(shape.model) or shape.model.from_dict
    return partial(shape.read, where=(annotation, ""))


def only_class(annotation: str) -> type[OpencodeModel] | None:
    """Return the class of all values of a type; None if they have several."""
    from ..decoding.annotations import ModelOf

    shape = _shape_of(annotation)
    return shape.model if isinstance(shape, ModelOf) else None


def status_error(prepared: Prepared, response: httpx.Response) -> StatusError:
    """Return the error for an error status. No body makes this raise an exception."""
    from .error_text import error_text, status_text  # only errors need it

    operation, status, content = prepared.operation, response.status_code, response.content
    try:
        data = json_text.loads(content) if content else None
    except ValueError:
        data = None
    try:
        text = error_text(prepared, response, data)
    except RecursionError:
        text = ": a body that is nested too deeply to be shown"
    return error_class(status)(
        f"{operation.label}: {status_text(status)}{text}",
        operation=operation.id,
        method=operation.method,
        url=prepared.url,
        status=status,
        headers=dict(response.headers),
        body=content,
        data=data,
        error=_documented_error(operation, status, data),
        response=_without_secrets(response, prepared),
    )


def _documented_error(operation: Operation[Any], status: int, data: object) -> OpencodeModel | None:
    """Return the first documented model that the body matches. Most error bodies match none: return None."""
    for name in operation.errors.get(str(status), ()):
        shape = _shape_of(name)
        try:
            shape.check(data, "$", name)
            model = shape.read(data, (name, ""))
        except (ResponseDecodeError, RecursionError):
            continue
        if isinstance(model, OpencodeModel) and _has_its_constants(model):
            return model
    return None


def _has_its_constants(model: OpencodeModel) -> bool:
    """Return True if all constant members have their documented value, which reading does not check.

    Constants distinguish the error bodies.
    """
    constants = (field for field in fields(type(model)) if isinstance(field.default, str))
    return all(getattr(model, field.name) == field.default for field in constants)
