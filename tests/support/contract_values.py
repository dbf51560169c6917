"""Values for the schemas of openapi.json, for test_contract. This uses neither the package nor the generator."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]  # Any: parsed JSON
"""A JSON object."""

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT: Json = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
HOSTILE = "a/b?c#d%20é&e=f+g;h\\"
"""A text that breaks a path or a query if it is not encoded."""
UNNAMED = "not named in the document"

_KEYWORDS = frozenset({
    "$ref", "additionalProperties", "anyOf", "const", "description", "enum", "exclusiveMinimum", "format", "items",
    "maxItems", "maximum", "minItems", "minimum", "oneOf", "pattern", "patternProperties", "prefixItems", "properties",
    "required", "type",
})  # fmt: skip
_PATTERN = re.compile(r"\^([a-z_]+)")


class Described(dict[str, Any]):  # Any: parsed JSON
    """An object with members that the document names, unlike a map."""


def instances(schema: Json, above: frozenset[str] = frozenset()) -> list[Any]:  # Any: parsed JSON
    """Return values for a schema: all variants, all enum values, objects with all members and with the required ones.

    A schema inside itself has no values, so an optional member of its own type is left out.
    """
    assert schema.keys() <= _KEYWORDS, f"this oracle does not know all of {sorted(schema)}"
    match schema:
        case {"$ref": str(reference)}:
            name = reference.removeprefix("#/components/schemas/")
            return [] if name in above else instances(DOCUMENT["components"]["schemas"][name], above | {name})
        case {"anyOf": variants} | {"oneOf": variants}:
            return [value for variant in variants for value in instances(variant, above)]
        case {"enum": values}:
            return list(values)
        case {"const": value}:
            return [value]
        case {"type": "object", "properties": named} if named:
            return _objects(schema, above)
        case {"type": "object"}:
            return _maps(schema, above)
        case {"type": "array", "prefixItems": items}:
            return [[instances(item, above)[0] for item in items]]
        case {"type": "array"}:
            items = instances(schema["items"], above)
            few = [items[start : start + 5] for start in range(0, len(items), 5)]
            return few if "minItems" in schema else [*few, []]
        case {"type": "string"}:
            return [_text(schema.get("pattern", ""))]
        case {"type": "boolean"}:
            return [True, False]
        case {"type": "null"}:
            return [None]
        case {"type": "integer" | "number" as kind}:
            least = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
            return [least, schema.get("maximum", 2**53 - 1), *([1.5] if kind == "number" else [])]
        case {"type": kind}:
            raise AssertionError(f"this oracle does not know the type {kind}")
        case _:
            return [Json(anything=[1, None, {"é": "x"}]), "text", 1.5, False, []]


def _objects(schema: Json, above: frozenset[str]) -> list[Any]:  # Any: parsed JSON
    more = schema.get("additionalProperties")
    parts: Json = schema["properties"] | ({UNNAMED: more} if isinstance(more, dict) else {})
    values = {wire: found for wire, part in parts.items() if (found := instances(part, above))}
    required = schema.get("required", [])
    if not values.keys() >= set(required):
        return []
    made = dict[str, Any] if isinstance(more, dict) and more and not required else Described
    full = [
        made({wire: found[turn % len(found)] for wire, found in values.items()})
        for turn in range(max(map(len, values.values())))
    ]
    return [*full, made({wire: full[0][wire] for wire in values if wire in required})]


def _maps(schema: Json, above: frozenset[str]) -> list[Any]:  # Any: parsed JSON
    parts: Json = dict(schema.get("patternProperties", {})) or {"": schema.get("additionalProperties") or {}}
    return [
        {
            f"{_text(pattern)} {number}": value
            for pattern, part in parts.items()
            for number, value in enumerate(instances(part, above))
        },
        {},
    ]


def _text(pattern: str) -> str:
    if pattern == "^#[0-9a-fA-F]{6}$":
        return "#09afAF"
    prefix = _PATTERN.fullmatch(pattern)
    assert prefix or not pattern, f"this oracle does not know the pattern {pattern}"
    return f"{prefix[1] if prefix else ''}{HOSTILE}\n\u2028🜁"
