"""Refuse schemas that no rule handles."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType
from typing import Any

from scripts.normalise.schema import COMPONENTS, Json, map_roots, walk
from scripts.normalise.support import refuse

_KEYWORDS = ("if", "then", "else", "dependentSchemas", "$dynamicRef", "$recursiveRef")


_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "boolean": (bool,), "integer": (int, float), "number": (int, float), "array": (list,),
    "object": (dict,),
}  # fmt: skip


def refuse_schemas(document: Json) -> Json:
    """Return the document, if the rules handle all its schemas, which are marked with their places.

    Raises:
        UnsupportedDocumentError: `/components/schemas/A: has the keyword 'if' ...`
    """
    found: list[str] = []

    def look(at: str, schema: Json) -> Json:
        for part in walk(schema):
            place = str(part.get("x-pointer", at)).removeprefix("#")  # a reference is not marked
            found.extend(f"{place}: {text}" for text in _in_schema(part))
        return schema

    map_roots(document, look)
    refuse(found)
    return document


def _in_schema(schema: Json) -> Iterator[str]:
    for keyword in _KEYWORDS:
        if keyword in schema:
            yield f"has the keyword {keyword!r}, which is not supported: describe the possible values with anyOf"
    if isinstance(schema.get("unevaluatedProperties"), dict):
        yield "has a schema as unevaluatedProperties, which is not supported: use additionalProperties"
    values: list[Any] = [schema["const"]] if "const" in schema else schema.get("enum", [])
    kinds = _KINDS.get(str(schema.get("type")), (object,))
    if values and not any(isinstance(value, (*kinds, NoneType)) for value in values):
        yield f"has only values that are not of its type {schema['type']!r}: correct one of them"
    reference = schema.get("$ref", COMPONENTS)
    if not str(reference).startswith(COMPONENTS):
        yield f"refers to {reference!r}, which is no schema: refer to one in {COMPONENTS}"
