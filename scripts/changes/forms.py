"""Questions about one normalised schema: its kind, its values, its variants, and a short text for it."""

from __future__ import annotations

import json
from typing import Any

from scripts.normalise.schema import Json, plain_text, referenced

NUMBERS = ("integer", "number")
_SHOWN = 6


def kind_of(schema: Json) -> str:
    """`any`, `reference`, `union`, `object` (named members), `map`, `array`, or the name of a scalar."""
    if "$ref" in schema:
        return "reference"
    if "anyOf" in schema:
        return "union"
    if "const" in schema:
        value = schema["const"]
        return "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "string"
    if schema.get("type") == "object":
        return "object" if "properties" in schema else "map"
    found: str = schema.get("type", "any")
    return found


def values_of(schema: Json) -> list[Any] | None:  # Any: JSON scalars
    """The values that a scalar can have; None for no limit."""
    found: list[Any] | None = [schema["const"]] if "const" in schema else schema.get("enum")  # Any: as above
    return found


def variants_of(schema: Json) -> list[Json]:
    """The variants of a union without null; any other schema is its own only variant."""
    every: list[Json] = schema.get("anyOf", [schema])
    return [variant for variant in every if variant.get("type") != "null"]


def is_nullable(schema: Json) -> bool:
    """Return True if null is one of the variants."""
    return len(variants_of(schema)) < len(schema.get("anyOf", [schema]))


def tags_of(schema: Json) -> dict[str, Any]:  # Any: JSON scalars
    """The required members of an object that have one possible value: they identify a variant of a union."""
    properties: dict[str, Json] = schema.get("properties", {})
    required: list[str] = schema.get("required", [])
    return {name: properties[name]["const"] for name in required if "const" in properties.get(name, {})}


def short_type(schema: Json) -> str:
    """A type in a few words: `Part[]`, `"asc" | "desc"`, `{string: Part} | null`."""
    kind, values = kind_of(schema), values_of(schema)
    if kind == "reference":
        return plain_text(referenced(schema) or "")
    if kind == "union":
        return _joined([short_type(variant) for variant in schema["anyOf"]])
    if values is not None:
        return _joined([plain_text(json.dumps(value, ensure_ascii=False)) for value in values])
    if kind == "array":
        items = short_type(schema["items"])
        return f"({items})[]" if " | " in items else f"{items}[]"
    if kind == "map":
        return f"{{string: {short_type(schema['additionalProperties'])}}}"
    if kind == "object":
        return plain_text(
            "object " + "/".join(f"{n}={json.dumps(v)}" for n, v in tags_of(schema).items())
        ).strip()
    return kind


def _joined(parts: list[str]) -> str:
    more = [f"{len(parts) - _SHOWN} more"] if len(parts) > _SHOWN + 1 else []
    return " | ".join([*(parts[:_SHOWN] if more else parts), *more])
