"""Merge schemas that apply together into one: `allOf`, and keywords beside `$ref`, `anyOf` and `oneOf`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scripts.normalise.schema import (
    META,
    Json,
    everywhere,
    notes_of,
    referenced,
    rewrite,
    schemas_of,
    shape,
)
from scripts.normalise.support import unsupported

_NOTES = frozenset({"description", "default", "x-pointer", "x-item", META})
"""Keywords that exclude no value."""
_CIRCULAR = "is an `allOf` that contains itself: give one of the schemas its members directly"
_EXCLUSIVE = "has parts that exclude each other, so that no value fits: correct the parts"


def siblings_of_references(document: Json) -> Json:
    """Apply keywords beside a `$ref`, as OpenAPI 3.1 does. 3.0 ignores them; only `nullable` is applied there.

    `{"$ref": A, "required": ["b"]}` -> `{"allOf": [{"$ref": A}, {"required": ["b"]}]}`
    """
    ignored = str(document.get("openapi", "")).startswith("3.0")

    def split(schema: Json) -> Json:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        if "$ref" not in schema or not rest.keys() & _COUNTING:
            return schema
        ref = {"$ref": schema["$ref"]}
        nullable = rest.pop("nullable", False)
        whole: Json = ref if ignored or not _counts(rest) else {"allOf": [ref, rest]}
        return {**whole, "nullable": True} if nullable and "allOf" in whole else _or_null(whole, nullable)

    return everywhere(split)(document)


_COUNTING = frozenset({
    "additionalProperties", "allOf", "anyOf", "const", "enum", "items", "nullable", "oneOf", "patternProperties",
    "prefixItems", "properties", "required", "type",
})  # fmt: skip


def _or_null(schema: Json, nullable: bool) -> Json:
    return {"anyOf": [schema, {"type": "null"}]} if nullable else schema


def merge_parts(document: Json) -> Json:
    """Merge the parts of `allOf`, and the members beside a union into its variants.

    `{"allOf": [{"$ref": A}, {"properties": {"b": B}}]}` -> `{"properties": {<those of A>, "b": B}}`;
    `{"properties": {"a": A}, "anyOf": [B, C]}` -> `{"anyOf": [<A and B>, <A and C>]}`

    Raises:
        UnsupportedDocumentError: no value fits all parts, or a part contains itself.
    """
    merger = _Merger(schemas_of(document))
    return everywhere(merger.plain)(document)


class _Merger:
    def __init__(self, schemas: dict[str, Json]) -> None:
        self._schemas = schemas
        self._plain: dict[str, Json] = {}
        self._above: list[str] = []

    def plain(self, schema: Json) -> Json:
        """Return a schema whose parts are plain already as one schema."""
        if "allOf" not in schema and not ("anyOf" in schema and _counts(schema, "anyOf", "x-tag")):
            return schema
        rest = {key: value for key, value in schema.items() if key not in ("allOf", "anyOf", "x-tag")}
        union = {key: schema[key] for key in ("anyOf", "x-tag") if key in schema}
        parts = [*schema.get("allOf", []), *([union] if union else [])]
        try:
            merged = self._all([*parts, rest])
        except _ExclusiveError:
            raise unsupported(schema, _EXCLUSIVE) from None
        except _CircularError:
            raise unsupported(schema, _CIRCULAR) from None
        return merged if "$ref" in merged else {**merged, **notes_of(rest)}

    def _all(self, parts: Iterable[Json]) -> Json:
        first, *others = parts
        for other in others:
            first = self._both(first, other)
        return first

    def _both(self, one: Json, other: Json) -> Json:
        """Return the schema of the values that fit both."""
        if one == other or not _counts(other):
            return one if "$ref" in one else {**one, **notes_of(other)}
        if not _counts(one):
            return other
        for first, second in ((one, other), (other, one)):
            if "anyOf" in first:
                return self._with_union(first, second)
        for first, second in ((one, other), (other, one)):
            if "$ref" in first:
                return self._with_reference(first, second)
        return self._merged(one, other)

    def _with_reference(self, reference: Json, other: Json) -> Json:
        """Return the merged schema; the reference itself if the other schema adds nothing to its target."""
        name = f"{referenced(reference)} {referenced(other) or ''}"
        if name in self._above:
            raise _CircularError
        self._above.append(name)
        try:
            target = self._resolved(reference)
            merged = self._both(target, self._resolved(other))
            return reference if shape(merged) == shape(target) else merged
        finally:
            self._above.pop()

    def _resolved(self, schema: Json) -> Json:
        """Return the target of a reference, with its own parts merged; any other schema itself."""
        name = referenced(schema)
        if name is None:
            return schema
        if name not in self._plain:
            if name in self._above:
                raise _CircularError
            self._above.append(name)
            self._plain[name] = rewrite(self._schemas.get(name, {}), self.plain)
            self._above.remove(name)
        return self._resolved(self._plain[name])

    def _with_union(self, union: Json, other: Json) -> Json:
        rest = {key: value for key, value in union.items() if key not in ("anyOf", "x-tag")}
        other = self._both(rest, other)
        variants: list[Json] = []
        for variant in union["anyOf"]:
            try:
                variants.append(self._both(variant, other))
            except _ExclusiveError:  # no value of this variant fits the rest
                continue
        if not variants:
            raise _ExclusiveError
        tag = {"x-tag": union["x-tag"]} if "x-tag" in union else {}
        return {**notes_of(other), **tag, "anyOf": variants}

    def _merged(self, one: Json, other: Json) -> Json:
        merged = {**one, **other}
        kinds = _kinds(one) & _kinds(other) if _kinds(one) and _kinds(other) else None
        if kinds is not None and not kinds:
            raise _ExclusiveError
        if kinds:
            merged["type"] = next(iter(kinds))
        if values := _values(one, other):
            merged = {key: value for key, value in merged.items() if key != "const"} | {"enum": values[0]}
        for key in ("properties", "patternProperties"):
            if key in one and key in other:
                merged[key] = self._members(one[key], other[key])
        if "required" in one and "required" in other:
            merged["required"] = list(dict.fromkeys([*one["required"], *other["required"]]))
        for key in ("items", "additionalProperties"):
            if isinstance(one.get(key), dict) and isinstance(other.get(key), dict):
                merged[key] = self._both(one[key], other[key])
            elif other.get(key) is True and key in one:
                merged[key] = one[key]
        return merged

    def _members(self, one: dict[str, Json], other: dict[str, Json]) -> dict[str, Json]:
        shared = {name: self._both(one[name], other[name]) for name in one if name in other}
        return {**one, **other, **shared}


class _ExclusiveError(Exception):
    """No value fits both schemas."""


class _CircularError(Exception):
    """A schema is a part of itself."""


def _counts(schema: Json, *without: str) -> bool:
    """Return True if a schema excludes any value."""
    return bool(schema.keys() - _NOTES - set(without))


def _kinds(schema: Json) -> set[str]:
    """Return the types that a schema names; a number includes integers."""
    kind = schema.get("type")
    if kind is None and ("properties" in schema or "required" in schema):
        kind = "object"
    return {"number": {"integer", "number"}, None: set[str]()}.get(kind, {str(kind)})


def _values(one: Json, other: Json) -> list[list[Any]]:  # Any: JSON
    """Return a list with the values that both schemas allow, if both list theirs; else an empty list.

    Raises:
        _ExclusiveError: they have none in common.
    """
    listed = [
        [schema["const"]] if "const" in schema else schema["enum"]
        for schema in (one, other)
        if schema.keys() & {"const", "enum"}
    ]
    if len(listed) < 2:
        return []
    common = [v for v in listed[0] if any(type(v) is type(w) and v == w for w in listed[1])]
    if not common:
        raise _ExclusiveError
    return [common]
