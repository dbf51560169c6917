"""Parse OpenAPI documents, and compare their operations."""

from __future__ import annotations

import json
from typing import Any

from opencode_client.model import is_object
from scripts.normalise.schema import METHODS, Json


class SpecError(Exception):
    """The file is not an OpenAPI document; the message says what is wrong."""


def parse_document(body: bytes, name: str) -> Json:
    """Return the parsed document.

    Raises:
        SpecError: `body` is not JSON, no object, not OpenAPI 3.x or without paths; the message starts with `name`.
    """
    try:
        document: Any = json.loads(body, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        raise SpecError(f"{name} is not JSON: {start_of(body)}") from None
    if not is_object(document):
        raise SpecError(f"{name} is JSON but no object: {start_of(body)}")
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith("3."):
        raise SpecError(f"{name} is not OpenAPI 3.x: openapi is {version!r}: {start_of(body)}")
    if not is_object(document.get("paths")):
        raise SpecError(f"{name} is OpenAPI {version} without paths: {start_of(body)}")
    return document


def _reject_constant(constant: str) -> None:
    raise ValueError(constant)


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
