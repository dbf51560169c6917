"""Schemas as Markdown: a type on one line, and the fields of a body with dotted names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from opencode_client.model import is_object
from scripts.normalise.schema import Json, referenced, schemas_of
from scripts.reference.markdown import code, escape
from scripts.reference.untrusted import list_at, literals_of, object_at, objects_at, text_at, variants_of

Linker = Callable[[str], str]
"""The name of a component -> Markdown with a link to its description."""

_KINDS: dict[type[object], str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    type(None): "null",
}
_OR = " &#124; "
_LIMITS = (
    ("pattern", "{}"),
    ("format", "{}"),
    ("minimum", "≥ {}"),
    ("exclusiveMinimum", "> {}"),
    ("maximum", "≤ {}"),
    ("exclusiveMaximum", "< {}"),
    ("minLength", "length ≥ {}"),
    ("maxLength", "length ≤ {}"),
    ("minItems", "items ≥ {}"),
    ("maxItems", "items ≤ {}"),
)
_INLINE_DEPTH = 3
_INLINE_MEMBERS = 16
_UNION = 8
"""A union names at most this many variants; of the others it gives the number."""
_FIELD_DEPTH = 3
"""The fields of a body are listed to this depth; deeper models are linked."""
_VARIANTS = 6
"""The fields of a union are listed if it has at most this many variants."""
_FIELDS = 80
"""A body with more fields than this is listed to a smaller depth."""


class Shapes:
    """The schemas of one document as Markdown; `link` makes the link to a component."""

    def __init__(self, document: Json, link: Linker, more: str) -> None:
        self._schemas = schemas_of(document)
        self._link = link
        self._more = more

    def resolve(self, schema: Json) -> Json:
        """Follow references until there is none; any other schema is returned as it is."""
        seen: set[str] = set()
        while (name := referenced(schema)) is not None and name not in seen:
            seen.add(name)
            schema = self._schemas.get(name, {})
        return schema

    def type(self, schema: Any, depth: int = _INLINE_DEPTH) -> str:
        """The type on one line: `{ info: AssistantMessage, parts: Part[] }`."""
        if not is_object(schema):
            return "never" if schema is False else "any"
        name = referenced(schema)
        if name is not None:
            return self._link(name)
        if variants := variants_of(schema):
            return self._joined(variants, _OR, depth)
        if parts := objects_at(schema, "allOf"):
            return self._joined(parts, " & ", depth)
        if values := literals_of(schema):
            return _OR.join(literal(value) for value in values)
        if "contentSchema" in schema:
            return f"JSON ({self.type(schema['contentSchema'], depth)})"
        if "not" in schema and "type" not in schema:
            return "never" if schema["not"] == {} else "any"
        kinds = list_at(schema, "type") or [schema.get("type")]
        return _OR.join(dict.fromkeys(self._simple(kind, schema, depth) for kind in kinds))

    def plain_type(self, schema: Json) -> str:
        """The type of a field without its values, which have their own column."""
        if values := literals_of(schema):
            return _OR.join(dict.fromkeys(_kind(value) for value in values))
        return self.type(schema, 0)

    def _joined(self, variants: list[Json], joint: str, depth: int) -> str:
        shown = list(dict.fromkeys(self.type(variant, depth) for variant in variants))
        if len(shown) > _UNION:
            shown = [*shown[: _UNION - 1], self._more.format(count=len(shown) - _UNION + 1)]
        return joint.join(shown)

    def _simple(self, kind: Any, schema: Json, depth: int) -> str:
        if kind == "array":
            item = self.type(schema.get("items", {}), depth)
            return f"({item})\\[\\]" if " " in item and "{" not in item else f"{item}\\[\\]"
        if kind == "object" or (
            kind is None and ("properties" in schema or "additionalProperties" in schema)
        ):
            return self._object(schema, depth)
        return escape(str(kind)) if kind else "any"

    def _object(self, schema: Json, depth: int) -> str:
        members, rest = object_at(schema, "properties"), schema.get("additionalProperties")
        if not members:
            return f"map&lt;string, {self.type(rest, depth)}&gt;" if is_object(rest) else "object"
        if depth <= 0:
            return "object"
        required = list_at(schema, "required")
        shown = [
            f"{escape(name)}{'' if name in required else '?'}: {self.type(member, depth - 1)}"
            for name, member in members.items()
        ]
        if len(shown) > _INLINE_MEMBERS:
            shown = [*shown[:_INLINE_MEMBERS], "…"]
        return f"{{ {', '.join(shown)} }}"

    def fields(self, schema: Json) -> list[Field]:
        """The fields under a schema with dotted names: `model.providerID`, `parts[](TextPartInput).text`."""
        depth = _FIELD_DEPTH
        while len(found := list(self._below(schema, "", depth, ()))) > _FIELDS and depth > 1:
            depth -= 1
        return found

    def members(self, schema: Json) -> list[Field]:
        """The fields of one model; models inside it are only linked."""
        return list(self._below(schema, "", _FIELD_DEPTH, None))

    def _below(self, schema: Json, at: str, depth: int, above: tuple[str, ...] | None) -> Iterator[Field]:
        """The fields under `schema`; `above` are the models around it, None to list no other model."""
        name = referenced(schema)
        if name is not None:
            if above is None or name in above:
                return
            above, schema = (*above, name), self.resolve(schema)
        if items := object_at(schema, "items"):
            yield from self._below(items, f"{at}[]", depth, above)
        variants = [variant for variant in variants_of(schema) if self._has_fields(variant)]
        for variant in variants if len(variants) <= _VARIANTS else ():
            label = referenced(variant) or self._tag(variant)
            shown = f"{at}({label})" if label and len(variants) > 1 else at
            yield from self._below(variant, shown, depth, above)
        for part in objects_at(schema, "allOf"):
            yield from self._below(part, at, depth, above)
        required = list_at(schema, "required")
        for key in (members := object_at(schema, "properties")):
            member = object_at(members, key)
            name = f"{at}.{key}" if at else key
            yield Field(name, self.plain_type(member), key in required, member)
            if depth > 1:
                yield from self._below(member, name, depth - 1, above)
        if depth > 1 and (rest := object_at(schema, "additionalProperties")):
            yield from self._below(rest, f"{at}.*" if at else "*", depth - 1, above)

    def _has_fields(self, schema: Json) -> bool:
        resolved = self.resolve(schema)
        return any(key in resolved for key in ("properties", "anyOf", "oneOf", "allOf", "items"))

    def _tag(self, schema: Json) -> str:
        """A label for a variant without a name: its first member with one possible value."""
        for key in (members := object_at(schema, "properties")):
            values = literals_of(object_at(members, key))
            if len(values) == 1:
                return f"{key}={values[0]}"
        return ""

    def description(self, schema: Json) -> str:
        """The description of a schema, or of the schema that it refers to."""
        return text_at(schema, "description") or text_at(self.resolve(schema), "description")


@frozen
class Field:
    """One row of a table of fields."""

    name: str
    type: str
    required: bool
    schema: Json


def default_of(schema: Json) -> str:
    """The documented default as code, or an empty string."""
    return literal(schema["default"]) if "default" in schema else ""


def values_of(schema: Json) -> str:
    """The allowed values: the enum, the pattern, the limits."""
    limited = object_at(schema, "items") or schema
    values = [literal(value) for value in literals_of(limited)]
    values += [code(text.format(limited[key])) for key, text in _LIMITS if key in limited]
    return ", ".join(values)


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "object")


def literal(value: object) -> str:
    """A JSON value as code."""
    return code(json.dumps(value, ensure_ascii=False))
