"""Refuse what no rule handles: it would be sent or read wrongly, without notice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scripts.normalise.operations import is_event_stream
from scripts.normalise.parameters import VARIABLE
from scripts.normalise.schema import METHODS, Json, followed, operations, schemas_of, token

_FORMS = ("multipart/", "application/x-www-form-urlencoded")
_STYLES = {"query": "form", "path": "simple", "header": "simple", "cookie": "form"}
_STATUS = re.compile(r"[1-5](\d\d|XX)|default")
_IN_PATHS = frozenset({"$ref", "description", "parameters", "servers", "summary", *METHODS})
_SERVERS = "has a server of its own, which is not supported: a client has one base_url"
_LISTED = 10


class UnsupportedDocumentError(ValueError):
    """A document has something that no rule handles; the message lists each place with what to do."""


def unsupported(schema: Json, text: str) -> UnsupportedDocumentError:
    """Return the error for a schema that is marked with its place."""
    return UnsupportedDocumentError(
        f"has what cannot be generated:\n  {str(schema.get('x-pointer', '?')).removeprefix('#')}: {text}"
    )


def refuse_unsupported(document: Json) -> Json:
    """Return the document, if the rules handle all its parameters, bodies and responses.

    Raises:
        UnsupportedDocumentError: `/paths/~1a/post/requestBody: a body of multipart/form-data ...`
    """
    schemas = schemas_of(document)
    found = [
        f"/paths/{token(path)}{place}: {text}"
        for path, item in document["paths"].items()
        for place, text in _in_path(path, item, schemas)
    ]
    found += [
        f"/paths/{token(path)}/{method}{place}: {text}"
        for path, method, operation in operations(document)
        for place, text in _in_operation(path, operation, schemas)
    ]
    refuse(found)
    return document


def refuse(found: list[str]) -> None:
    """Raise UnsupportedDocumentError if anything was found."""
    if found:
        more = [f"... and {len(found) - _LISTED} more"] if len(found) > _LISTED else []
        raise UnsupportedDocumentError(
            "\n  ".join(["has what cannot be generated:", *found[:_LISTED], *more])
        )


def _in_path(path: str, item: Json, schemas: dict[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield the place and the problem for everything in a path, apart from its operations."""
    yield from _in_parameters(item, schemas)
    variables = VARIABLE.findall(path)
    if twice := sorted({name for name in variables if variables.count(name) > 1}):
        yield "", f"has the variable {twice[0]!r} twice: give each its own name"
    if not path.startswith("/") or {"?", "#"} & set(path):
        yield "", "is no path: it starts with '/', and has neither a query nor a fragment"
    for key in item.keys() - _IN_PATHS:
        if not key.startswith("x-"):
            yield (
                f"/{token(key)}",
                f"has {key!r}, which is not supported: only {', '.join(METHODS)} are methods",
            )
    if "servers" in item:
        yield "/servers", _SERVERS
    for place, holder in (
        ("", item),
        *((f"/{method}", item[method]) for method in METHODS if method in item),
    ):
        for index, parameter in enumerate(holder.get("parameters", [])):
            if parameter.get("in") == "path" and parameter.get("name") not in (*variables, "*"):
                yield (
                    f"{place}/parameters/{index}",
                    f"the parameter {parameter.get('name')!r} is not in the path",
                )


def _in_operation(path: str, operation: Json, schemas: dict[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield the place and the problem for everything in an operation that no rule handles."""
    yield from _in_parameters(operation, schemas)
    if "servers" in operation:
        yield "/servers", _SERVERS
    if operation.get("x-websocket") is True and "{" not in path:
        yield "", "a WebSocket without a variable in its path is not supported: a terminal has an id"
    kinds = list(operation.get("requestBody", {}).get("content", {}))
    if kinds and all(kind.lower().startswith(_FORMS) for kind in kinds):
        yield (
            "/requestBody/content",
            f"a body of {kinds[0]} is not supported: describe it as JSON, if the server takes JSON too",
        )
    yield from _in_responses(operation.get("responses", {}))


def _in_responses(responses: Json) -> Iterator[tuple[str, str]]:
    successful = [status for status in responses if status[0] == "2"] or ["default"]
    for status, response in responses.items():
        content: Json = response.get("content", {})
        for kind, media in content.items():
            if "itemSchema" in media:
                yield (
                    f"/responses/{status}/content/{token(kind)}/itemSchema",
                    "is of OpenAPI 3.2, which is not supported: describe one event with schema",
                )
        if not _STATUS.fullmatch(status):
            yield f"/responses/{status}", "is no status: 200, 2XX and default are examples"
        if status not in successful or not any(map(is_event_stream, content)):
            continue
        if len(content) > 1:
            others = ", ".join(sorted(kind for kind in content if not is_event_stream(kind)))
            text = f"a response that is an event stream or {others} is not supported: keep one of them"
            yield f"/responses/{status}/content", text
        if len(successful) > 1:
            text = "an event stream beside another successful response is not supported: keep one of them"
            yield f"/responses/{status}", text


def _in_parameters(holder: Json, schemas: dict[str, Json]) -> Iterator[tuple[str, str]]:
    for index, parameter in enumerate(holder.get("parameters", [])):
        for text in _in_parameter(parameter, schemas):
            yield f"/parameters/{index}", f"the parameter {parameter.get('name')!r} {text}"


def _in_parameter(parameter: Json, schemas: dict[str, Json]) -> Iterator[str]:
    place = parameter.get("in")
    if place not in _STYLES:
        yield f"has in={place!r}, which is not supported: only {', '.join(_STYLES)} are"
        return
    if "content" in parameter:
        yield "has a content, which is not supported: give it a schema"
        return
    schema = followed(parameter.get("schema", {}), schemas)
    style = parameter.get("style", _STYLES.get(place))
    if style == "deepObject":
        yield from _in_deep_object(parameter, schema, schemas)
        return
    kind = _kind(schema, schemas)
    if style != _STYLES.get(place) and kind != "value":
        yield f"has style={style!r}, which is not supported: only {_STYLES.get(place)!r} is"
    elif style in ("label", "matrix"):
        yield f"has style={style!r}, which is not supported in a path: only 'simple' is"
    elif kind == "array" and place != "query":
        yield f"is an array in the {place}, which is not supported: only a query may have arrays"
    elif kind == "array" and parameter.get("explode") is False:
        yield "has explode=false, which is not supported for an array: the client repeats the name for each item"
    elif kind == "array" and _kind(followed(schema.get("items", {}), schemas), schemas) != "value":
        yield "is an array of arrays or objects, which is not supported: only single values can be sent"
    elif kind == "object":
        yield "is an object, which is not supported: use style='deepObject', or a parameter for each member"


def _in_deep_object(parameter: Json, schema: Json, schemas: dict[str, Json]) -> Iterator[str]:
    if parameter.get("in", "query") != "query" or _kind(schema, schemas) != "object":
        yield "has style='deepObject', which only an object in the query may have"
        return
    combined = schema.keys() & {"allOf", "anyOf", "oneOf", "patternProperties"}
    if not schema.get("properties") or schema.get("additionalProperties") or combined:
        yield "has style='deepObject', and an object without named members: name them, without allOf or anyOf"
    for name, member in schema.get("properties", {}).items():
        if _kind(followed(member, schemas), schemas) != "value":
            yield f"has a member {name!r} that is no single value, which style='deepObject' does not define"


def _kind(schema: Json, schemas: dict[str, Json]) -> str:
    """Return "array", "object" or "value": what a parameter of this schema can be at most."""
    parts = [part for key in ("anyOf", "oneOf", "allOf") for part in schema.get(key, [])]
    kinds = {_kind(followed(part, schemas), schemas) for part in parts}
    types = schema.get("type", [])
    kinds |= {types} if isinstance(types, str) else set(types)
    if kinds & {"object"} or "properties" in schema:
        return "object"
    return "array" if kinds & {"array"} or "items" in schema else "value"
