"""A small document to change, and what is said of that."""

from __future__ import annotations

import copy
from typing import Any

from scripts.changes.change import Change
from scripts.changes.document import compare_documents

STRING: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
NULL: dict[str, Any] = {"type": "null"}


def ref(name: str) -> dict[str, Any]:
    """A reference to a model."""
    return {"$ref": f"#/components/schemas/{name}"}


def any_of(*variants: dict[str, Any]) -> dict[str, Any]:
    """A union."""
    return {"anyOf": list(variants)}


def an_object(*required: str, **members: dict[str, Any]) -> dict[str, Any]:
    """An object with these members, some of them required."""
    return {"type": "object", "properties": members, "required": list(required)}


def taking(schema: dict[str, Any], **models: dict[str, Any]) -> dict[str, Any]:
    """A document with an operation whose body has the required member `it`."""
    return document(operation(body=an_object("it", it=schema)), **models)


def giving(schema: dict[str, Any], **models: dict[str, Any]) -> dict[str, Any]:
    """A document with an operation that answers with this."""
    return document(operation(answer=schema), **models)


def operation(
    *parameters: dict[str, Any], body: dict[str, Any] | None = None, answer: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The operation `note.add`."""
    content = {"content": {"application/json": {"schema": STRING if answer is None else answer}}}
    found: dict[str, Any] = {"operationId": "note.add", "parameters": list(parameters)}
    found["responses"] = {"200": {"description": "", **content}}
    if body is not None:
        found["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return found


def parameter(name: str, schema: dict[str, Any] = STRING, **more: Any) -> dict[str, Any]:
    """A parameter in the query."""
    return {"name": name, "in": "query", "schema": schema, **more}


def document(*operations: dict[str, Any], **models: dict[str, Any]) -> dict[str, Any]:
    """A document with these operations, each under a path of its own, and these models."""
    paths = {f"/{op['operationId']}": {"post": copy.deepcopy(op)} for op in operations}
    return {"openapi": "3.1.0", "info": {}, "paths": paths, "components": {"schemas": copy.deepcopy(models)}}


def said(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What changed, a line each; `!` for breaking."""
    return [line(change) for change in compare_documents(old, new)]


def line(change: Change) -> str:
    """`! model Note / text: removed (string)`"""
    return f"{'! ' if change.breaking else ''}{change.where}: {change.text}"
