"""Compare values that servers sent with a normalised document: members that were missing, null or of another type."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from opencode_client.decoding.shapes import json_type
from opencode_client.model import is_array, is_object
from scripts.normalise.schema import META, Json, operations, referenced, schemas_of

Place = tuple[str, str]
"""A class and the wire name of one of its members."""


def json_kind(value: object) -> str:
    """The JSON Schema type of `value`."""
    whole = type(value) is int or (type(value) is float and value.is_integer())
    return "integer" if whole else json_type(value)


def response_schemas(document: Json) -> dict[str, Json]:
    """Return {operationId: schema} of the successful JSON response of each operation."""
    found: dict[str, Json] = {}
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            media = response.get("content", {}).get("application/json")
            if status.startswith("2") and media is not None:
                found[response[META]["operation"]] = media["schema"]
    return found


@define
class Observer:
    """Compares values with a normalised document, and collects deviations by class and member.

    `deviations[place][kind]` are the sources of one deviation; `seen` are all members that occurred, `lacking` those
    that were missing or null at least once.
    """

    document: Json
    deviations: dict[Place, dict[str, set[str]]] = field(factory=dict)
    seen: set[Place] = field(factory=set)
    lacking: set[Place] = field(factory=set)
    schemas: dict[str, Json] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.schemas = schemas_of(self.document)

    @property
    def whole(self) -> set[Place]:
        """The members that were present, and not null, every time."""
        return self.seen - self.lacking

    def value(self, schema: Json, value: Any, source: str) -> None:
        """Compare `value` with `schema` and everything below it; a value of another type than `schema` is ignored."""
        name = referenced(schema)
        if name is not None:
            self._component(name, value, source)
        elif "anyOf" in schema:
            fitting = next((variant for variant in schema["anyOf"] if self.fits(variant, value)), None)
            if fitting is not None:
                self.value(fitting, value, source)
        elif "items" in schema and is_array(value):
            for item in value:
                self.value(schema["items"], item, source)

    def _component(self, name: str, value: Any, source: str) -> None:
        schema = self.schemas[name]
        kind = schema.get(META, {}).get("kind")
        if kind == "map" and is_object(value):
            for item in value.values():
                self.value(schema["additionalProperties"], item, source)
        elif kind == "union" and is_object(value):
            variant = _variant(schema[META], value)
            if variant is not None:
                self._component(variant, value, source)
        elif kind == "mixed":
            self.value({"anyOf": list(schema["properties"].values())}, value, source)
        elif kind in ("object", "body") and is_object(value):
            self._members(name, schema, value, source)

    def _members(self, name: str, schema: Json, value: Json, source: str) -> None:
        required = schema.get("required", [])
        for member, inner in schema["properties"].items():
            place = (name, member)
            self.seen.add(place)
            found = value.get(member)
            if found is None:
                self.lacking.add(place)
                if member in required and not (member in value and self.fits(inner, None)):
                    self._note(place, "null" if member in value else "missing", source)
            elif not self.fits(inner, found):
                self._note(place, json_kind(found), source)
            else:
                self.value(inner, found, source)

    def _note(self, place: Place, seen: str, source: str) -> None:
        self.deviations.setdefault(place, {}).setdefault(seen, set()).add(source)

    def fits(self, schema: Json, value: Any) -> bool:
        """Shallow type check: True if `value` has the type of `schema`; members are not checked."""
        name = referenced(schema)
        if name is not None:
            return self._component_fits(self.schemas[name], value)
        if "anyOf" in schema:
            return any(self.fits(variant, value) for variant in schema["anyOf"])
        if "const" in schema:
            return json_kind(value) == json_kind(schema["const"])
        kinds = {"number": ("integer", "number")}.get(schema.get("type", ""), (schema.get("type"),))
        return kinds == (None,) or json_kind(value) in kinds

    def _component_fits(self, schema: Json, value: Any) -> bool:
        kind = schema.get(META, {}).get("kind")
        if kind == "mixed":
            return any(self.fits(variant, value) for variant in schema["properties"].values())
        if kind is None:  # an enum
            return json_kind(value) == schema.get("type")
        if not is_object(value):
            return False
        return kind != "object" or not _is_other_variant(schema, value)


def _is_other_variant(schema: Json, value: Json) -> bool:
    """Return True if a constant of the class has another value here: the value belongs to another variant."""
    members = schema["properties"].items()
    return any("const" in m and name in value and value[name] != m["const"] for name, m in members)


def _variant(meta: Json, value: Json) -> str | None:
    """The class for `value` in the table of a union."""
    for row in meta["table"]:
        if row["value"] != value.get(meta["tag"]):
            continue
        if "table" not in row:
            return str(row["class"])
        inner: Any = value
        for key in row["path"]:
            inner = inner.get(key) if is_object(inner) else None
        return next((str(leaf["class"]) for leaf in row["table"] if leaf["value"] == inner), None)
    return meta.get("otherwise")
