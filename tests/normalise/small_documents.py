"""Documents of a few lines for the tests of one rule."""

from __future__ import annotations

from typing import Any

from scripts.normalise.names import Namer
from scripts.normalise.schema import Json, operations, reference
from tests.support.generated_packages import document

__all__ = ["document", "namer", "obj", "ok", "one_operation", "only", "reference"]


def obj(*required: str, **properties: Json) -> Json:
    """Return an object schema with these members."""
    return {"type": "object", "properties": properties, "required": list(required)}


def ok(schema: Json, kind: str = "application/json") -> Json:
    """Return the responses of an operation with this schema for 200."""
    return {"200": {"description": "", "content": {kind: {"schema": schema}}}}


def one_operation(operation: Json, path: str = "/a", schemas: Json | None = None) -> Json:
    """Return a document with one GET."""
    full: Json = {"operationId": "a.get", "parameters": [], "responses": {}, **operation}
    return document(schemas or {}, {path: {"get": full}})


def only(found: Json) -> Json:
    """Return the one operation of a document."""
    [(_, _, operation)] = operations(found)
    return operation


def namer(*, strict: bool = False, pins: dict[str, str] | None = None) -> Namer:
    """Return a namer with only these pins."""
    return Namer(pins or {}, strict)


def schemas_in(found: Json) -> dict[str, Any]:  # Any: tests reach deep into schemas
    """Return the component schemas."""
    result: dict[str, Any] = found["components"]["schemas"]
    return result
