"""Parse OpenAPI documents, and compare their operations."""

from __future__ import annotations

import json
from typing import Any, cast

from openapi_python_client.schema import OpenAPI
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.tag import Tag

from opencode_client.model import is_object
from scripts.normalise.schema import METHODS, Json, token

_AROUND = 40
"""Characters to show before and after a mistake."""


class SpecError(Exception):
    """The file is not an OpenAPI document; the message says why."""


def parse_document(body: bytes, name: str) -> Json:
    """Return the parsed document: JSON, or YAML if `name` ends with `.yaml` or `.yml`.

    Raises:
        SpecError: `body` is neither, no object, not OpenAPI 3.x or without paths; the message starts with `name`.
    """
    document = _read_yaml(body, name) if name.lower().endswith((".yaml", ".yml")) else _read_json(body, name)
    if not is_object(document):
        raise SpecError(f"{name} is JSON but no object: {start_of(body)}")
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith("3."):
        found = f"openapi is {version!r}" if "openapi" in document else "it has no member openapi"
        old = ": it is Swagger 2.0, which a converter turns into OpenAPI 3" if "swagger" in document else ""
        raise SpecError(f"{name} is not OpenAPI 3.x: {found}{old}: {start_of(body)}")
    if not is_object(document.get("paths")):
        raise SpecError(f"{name} is OpenAPI {version} without paths: {start_of(body)}")
    return document


def misshapen(document: Json) -> str:
    """Return the first place where a document does not have the form of OpenAPI, or "" if none is known."""
    try:
        OpenAPI.model_validate({**document, "info": {"title": "", "version": ""}})  # nothing reads it
    except ValueError as error:
        first: Any = cast("Any", error).errors()[0]  # Any, as pydantic is no dependency of this project
        place = "/".join(token(str(part)) for part in first["loc"] if part != "other")
        return f"/{place}: {first['msg']}"
    return ""


def _read_json(body: bytes, name: str) -> Any:  # Any: JSON
    try:
        return json.loads(body, parse_constant=_reject_constant, object_pairs_hook=_without_twins)
    except json.JSONDecodeError as error:
        if error.pos == 0:
            raise SpecError(f"{name} is not JSON: {start_of(body)}") from None
        there = ascii(error.doc[max(error.pos - _AROUND, 0) : error.pos + _AROUND])
        place = f"line {error.lineno}, column {error.colno}"
        raise SpecError(f"{name} is not JSON: {place}: {error.msg}; the text there: {there}") from None
    except RecursionError:
        raise SpecError(f"{name} is not JSON that can be read: it is nested too deeply") from None
    except ValueError as error:  # NaN, or bytes that are no text
        raise SpecError(f"{name} is not JSON: {error}: {start_of(body)}") from None


def _read_yaml(body: bytes, name: str) -> Any:  # Any: JSON
    yaml: Any = YAML(typ="safe", pure=True)  # Any: untyped
    yaml.Constructor = _TextKeys
    yaml.constructor.add_constructor("tag:yaml.org,2002:timestamp", _text_of)
    try:
        return json.loads(json.dumps(yaml.load(body), allow_nan=False))
    except (YAMLError, ValueError, TypeError, RecursionError) as error:
        raise SpecError(f"{name} is not YAML with JSON's types: {error}") from None


class _TextKeys(SafeConstructor):
    """Reads keys such as the status 200 as their text, as JSON has them."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # Any: untyped
        for key, _ in node.value:
            if key.tag in _KEYS:
                key.ctag = Tag(suffix="tag:yaml.org,2002:str")
        return super().construct_mapping(node, deep=deep)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] # untyped


_KEYS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "float", "int", "null", "timestamp"))


def _text_of(_constructor: Any, node: Any) -> str:  # Any: untyped
    """Return a date as the text that it is in JSON."""
    text: str = node.value
    return text


def _without_twins(members: list[tuple[str, Any]]) -> Json:  # Any: JSON
    """Return an object. If it has a key twice, only one of the two values would be read."""
    result = dict(members)
    if len(result) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in result if names.count(name) > 1)
        raise ValueError(f"an object has the key {twice!r} twice; it has {', '.join(list(result)[:5])}")
    return result


def _reject_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def start_of(body: bytes) -> str:
    """Return the first 80 characters, for a message."""
    return ascii(body[:80].decode("utf-8", "replace"))


def operations(document: Json) -> dict[tuple[str, str], str]:
    """Return every operation: {(METHOD, path): operationId}."""
    return {
        (method.upper(), path): str(operation.get("operationId", "no operationId"))
        for path, item in document["paths"].items()
        if is_object(item)
        for method, operation in item.items()
        if method in METHODS and is_object(operation)
    }


def lost_operations(old: Json, new: Json) -> list[str]:
    """Return the operations of `old` that `new` lacks, as `METHOD path (operationId)`."""
    kept = operations(new)
    return [f"{m} {path} ({name})" for (m, path), name in operations(old).items() if (m, path) not in kept]
