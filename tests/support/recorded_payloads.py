"""Readers for recorded responses and events, for tests that compare models with recordings."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from attrs import frozen

from opencode_client.decoding.annotations import shape_of
from opencode_client.model import is_array, is_object
from scripts.derive_observed import recorded_events
from scripts.generate import SPEC
from scripts.normalise import normalise
from scripts.normalise.schema import META, Json, referenced, schemas_of
from scripts.observe import response_schemas
from scripts.recordings import RECORDED, answers

_PACKAGE = "opencode_client.models"
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


@frozen
class Reader:
    """A function that reads one kind of JSON into models, lenient or strict. Test ids show `name`."""

    name: str
    annotation: str

    def __call__(self, data: Any, *, strict: bool) -> Any:
        """Read `data` into models."""
        shape = shape_of(_PACKAGE, self.annotation)
        if strict:
            shape.check(data, "$", self.name)
        return shape.read(data, (self.name, ""))


@cache
def normalised() -> Json:
    """Return openapi.json after the rules of the pipeline."""
    return normalise(json.loads(SPEC.read_text(encoding="utf-8")), strict=True).document


def annotation_of(schema: Json) -> str:
    """Return the Python type of a normalised schema."""
    name = referenced(schema)
    if name is not None:
        target = schemas_of(normalised())[name]
        kind = target.get(META, {}).get("kind")
        if kind is None:
            return "str"
        return f"dict[str, {annotation_of(target['additionalProperties'])}]" if kind == "map" else name
    if "anyOf" in schema:
        return " | ".join(annotation_of(variant) for variant in schema["anyOf"])
    if "items" in schema:
        return f"list[{annotation_of(schema['items'])}]"
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    return _SCALARS.get(schema.get("type", ""), "Any")


@cache
def readers() -> dict[str, Reader]:
    """Return the readers of all operations with JSON responses, by operationId."""
    return {
        operation: Reader(operation, annotation_of(schema))
        for operation, schema in response_schemas(normalised()).items()
    }


def reader_of(operation_id: str) -> Reader:
    """Return the reader of an operation's success response."""
    return readers()[operation_id]


Payload = tuple[str, Reader, Any]
"""The place of the recording, the reader, and the recorded JSON."""


def recorded(version: str) -> list[Payload]:
    """Return every recorded success response and event of a version."""
    found: list[Payload] = [
        (f"{operation} [{tag}]", reader_of(operation), body)
        for operation, tag, status, body in answers(version)
        if 200 <= status < 300 and operation in readers()
    ]
    found += [(stream, Reader(name, name), event) for stream, name, event in recorded_events(version)]
    return found


def recorded_payloads() -> list[tuple[Reader, Any]]:
    """Return one payload of each kind for every operation and event of both versions, for property tests."""
    kinds: dict[tuple[str, str], tuple[Reader, Any]] = {}
    for version in RECORDED:
        for where, reader, payload in recorded(version):
            event: Any = payload.get("payload", payload) if is_object(payload) else {}
            if is_object(payload) or is_array(payload):
                kinds.setdefault(
                    (where, str(event.get("type") if is_object(event) else None)), (reader, payload)
                )
    return list(kinds.values())
