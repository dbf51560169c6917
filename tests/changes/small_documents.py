"""Small documents for tests, and the report lines of two of them."""

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


def accepting(schema: dict[str, Any], **models: dict[str, Any]) -> dict[str, Any]:
    """A document with an operation whose body has the required member `it`."""
    return document(operation(body=an_object("it", it=schema)), **models)


def returning(schema: dict[str, Any], **models: dict[str, Any]) -> dict[str, Any]:
    """A document with an operation whose response is this."""
    return document(operation(response=schema), **models)


def operation(
    *parameters: dict[str, Any], body: dict[str, Any] | None = None, response: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The operation `note.add`."""
    content = {"content": {"application/json": {"schema": STRING if response is None else response}}}
    found: dict[str, Any] = {"operationId": "note.add", "parameters": list(parameters)}
    found["responses"] = {"200": {"description": "", **content}}
    if body is not None:
        found["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return found


def parameter(name: str, schema: dict[str, Any] = STRING, **more: Any) -> dict[str, Any]:
    """A query parameter."""
    return {"name": name, "in": "query", "schema": schema, **more}


def document(*operations: dict[str, Any], **models: dict[str, Any]) -> dict[str, Any]:
    """A document with these operations, each with its own path, and these models."""
    paths = {f"/{op['operationId']}": {"post": copy.deepcopy(op)} for op in operations}
    return {"openapi": "3.1.0", "info": {}, "paths": paths, "components": {"schemas": copy.deepcopy(models)}}


def report_lines(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The changes, one line each; `!` marks a breaking one."""
    return [line(change) for change in compare_documents(old, new)]


def line(change: Change) -> str:
    """`! model Note / text: removed (string)`"""
    return f"{'! ' if change.breaking else ''}{change.where}: {change.text}"
