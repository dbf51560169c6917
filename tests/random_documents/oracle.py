"""An independent reading of OpenAPI documents. It imports nothing of the package and nothing of `scripts`."""

from __future__ import annotations

import keyword
import random
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, TypeAlias, TypeGuard

Json: TypeAlias = dict[str, Any]  # Any: parsed JSON
Value: TypeAlias = Any  # Any: parsed JSON

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_PARTS = frozenset({"$ref", "allOf", "anyOf", "oneOf", "nullable", "discriminator"})
_STRUCTURE = frozenset({
    "additionalProperties", "const", "enum", "items", "patternProperties", "prefixItems", "properties", "required",
    "type",
})  # fmt: skip
_WRONG: tuple[Value, ...] = ([], 0.5, "no", {})
"""Values that most schemas do not allow."""


class NoValueError(Exception):
    """No value was found for a schema: it excludes all, or contains itself."""


def python_name(wire: str) -> str:
    """Return the Python name of a segment of an operationId, a parameter or a member: `sessionID` -> `session_id`.

    A name without Latin letters and digits is `member_` and the first six digits of its SHA-256.
    """
    boundary = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[0-9])(?=[A-Za-z])|[^A-Za-z0-9]+"
    is_plain = re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", wire)
    name = wire if is_plain else re.sub("_+", "_", re.sub(boundary, "_", wire)).strip("_").lower()
    name = name or f"member_{sha256(wire.encode()).hexdigest()[:6]}"
    name = f"n{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) else name


class Reading:
    """A document and what it describes."""

    def __init__(self, document: Json) -> None:
        self.document = document

    def target(self, holder: Json) -> Json:
        """Return the place that a `$ref` names, or the object itself."""
        while "$ref" in holder:
            found: Value = self.document
            for token in holder["$ref"][2:].split("/"):
                found = found[token.replace("~1", "/").replace("~0", "~")]
            holder = found
        return holder

    def operations(self) -> Iterator[tuple[str, str, Json]]:
        """Yield path, method and operation, with the parameters of its path."""
        for path, given in self.document["paths"].items():
            item = self.target(given)
            for method in METHODS:
                if method in item:
                    operation: Json = item[method]
                    own = [self.target(one) for one in operation.get("parameters", [])]
                    known = {(one["in"], one["name"]) for one in own}
                    shared = [self.target(one) for one in item.get("parameters", [])]
                    every = [*own, *(one for one in shared if (one["in"], one["name"]) not in known)]
                    yield path, method, {**operation, "parameters": every}

    def forms(self, schema: Value, *, part: bool = False) -> list[Json]:
        """Return all forms of a schema: a value is valid if it has one of them. No form has parts or references.

        `part`: the schema is a part of an `allOf`, where the discriminator of a parent does not select anything.
        """
        if schema is True:
            return [{}]
        if schema is False:
            return []
        if "$ref" in schema and str(self.document.get("openapi", "")).startswith("3.0"):
            schema = {"$ref": schema["$ref"]}  # OpenAPI 3.0 ignores what is beside it
        found: list[Json] = [{key: value for key, value in schema.items() if key in _STRUCTURE}]
        kinds = found[0].pop("type", None)
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds:
            found = [{**found[0], "type": kind} for kind in kinds]
        if "$ref" in schema:
            found = _both(found, self._component(schema["$ref"], part=part))
        for one in schema.get("allOf", ()):
            found = _both(found, self.forms(one, part=True))
        for key in ("anyOf", "oneOf"):
            if key in schema:
                found = _both(found, list(self._variants(schema, schema[key])))
        return [*found, {"type": "null"}] if schema.get("nullable") else found

    def _component(self, reference: str, *, part: bool) -> list[Json]:
        name = reference.rpartition("/")[2]
        schema = self.target({"$ref": reference})
        if part or "discriminator" not in schema or "oneOf" in schema or "anyOf" in schema:
            return self.forms(schema, part=part)
        children = self._children(name)
        refs = [{"$ref": f"#/components/schemas/{child}"} for child in (name, *children)]
        found: list[Json] = []
        for child, ref in zip((name, *children), refs, strict=True):
            found += [self._tagged(schema, child, form) for form in self.forms(ref, part=True)]
        return found if children else self.forms(schema, part=True)

    def _children(self, parent: str) -> list[str]:
        schemas: Json = self.document.get("components", {}).get("schemas", {})
        direct = [
            name
            for name, schema in schemas.items()
            if any(part.get("$ref", "").endswith(f"/{parent}") for part in schema.get("allOf", ()))
        ]
        return [*direct, *(grandchild for child in direct for grandchild in self._children(child))]

    def _variants(self, union: Json, variants: list[Value]) -> Iterator[Json]:
        for variant in variants:
            for form in self.forms(variant):
                if "discriminator" in union and "$ref" in variant:
                    form = self._tagged(union, variant["$ref"].rpartition("/")[2], form)
                yield form

    def _tagged(self, union: Json, name: str, form: Json) -> Json:
        """Return a variant's form with the values of the discriminator, and the class that it selects."""
        key, mapping = union["discriminator"]["propertyName"], union["discriminator"].get("mapping", {})
        values = [value for value, text in mapping.items() if text.rpartition("/")[2] == name] or [name]
        tag: Json = {"type": "object", "properties": {key: {"enum": values}}, "required": [key]}
        [found] = _both([form], [tag])
        return {**found, "class": name}

    def fits(self, schema: Value, value: Value) -> bool:
        """Return True if a value is valid."""
        return any(self._has_form(form, value) for form in self.forms(schema))

    def _has_form(self, form: Json, value: Value) -> bool:
        kind = form.get("type")
        if kind and not _is_of(kind, value):
            return False
        if "const" in form and not _equal(form["const"], value):
            return False
        if "enum" in form and not any(_equal(one, value) for one in form["enum"]):
            return False
        if _is_object(value):
            return self._members_fit(form, value)
        if not is_array(value):
            return True
        return all(self.fits(form.get("items", True), item) for item in value)

    def _members_fit(self, form: Json, value: Json) -> bool:
        if any(name not in value for name in form.get("required", ())):
            return False
        named: Json = form.get("properties", {})
        if any(name in value and not self.fits(part, value[name]) for name, part in named.items()):
            return False
        others = form.get("additionalProperties", True)
        return all(
            self.fits(others, one)
            for name, one in value.items()
            if name not in named and not form.get("patternProperties")
        )

    def value(self, schema: Value, rng: random.Random, depth: int = 5) -> Value:
        """Return a random valid value.

        Raises:
            NoValueError: none was found.
        """
        forms = self.forms(schema)
        rng.shuffle(forms)
        for form in forms:
            try:
                return self._of_form(form, rng, depth)
            except NoValueError:
                continue
        raise NoValueError

    def _of_form(self, form: Json, rng: random.Random, depth: int) -> Value:
        if depth < 0:
            raise NoValueError
        if "const" in form:
            return form["const"]
        if "enum" in form:
            return rng.choice(form["enum"])
        kind = form.get("type", "object" if "properties" in form else "")
        if kind == "array":
            if "prefixItems" in form:
                return [self.value(one, rng, depth - 1) for one in form["prefixItems"]]
            count = rng.randint(0, 2) if depth else 0
            return [self.value(form.get("items", True), rng, depth - 1) for _ in range(count)]
        if kind == "object":
            return self._object(form, rng, depth)
        return _scalar(kind, rng)

    def _object(self, form: Json, rng: random.Random, depth: int) -> Json:
        found: Json = {}
        undescribed = dict.fromkeys(form.get("required", ()), True)
        for name, part in {**undescribed, **form.get("properties", {})}.items():
            needed = name in form.get("required", ())
            if part is False or not (needed or (depth > 0 and rng.random() < 0.7)):
                continue
            try:
                found[name] = self.value(part, rng, depth - 1)
            except NoValueError:
                if needed:
                    raise
        more = form.get("additionalProperties", False)
        patterns = list(form.get("patternProperties", {}).values())
        for name, part in [("other key", more), *(("x-key", one) for one in patterns)]:
            if part is not False and depth > 0:
                found[name] = self.value(part, rng, depth - 1)
        return found

    def same(self, schema: Value, value: Value, result: Value) -> bool:
        """Return True if a client that read `value` may return `result`."""
        forms = [form for form in self.forms(schema) if self._has_form(form, value)]
        return any(self._is_same(form, value, result) for form in forms)

    def _is_same(self, form: Json, value: Value, result: Value) -> bool:
        if is_array(value):
            if not is_array(result) or len(result) != len(value):
                return False
            if "items" not in form or "prefixItems" in form:
                return bool(result == value)
            pairs = zip(value, result, strict=True)
            return all(self.same(form["items"], one, other) for one, other in pairs)
        if not _is_object(value):
            return type(result) is type(value) and bool(result == value)
        return self._is_same_object(form, value, result)

    def _is_same_object(self, form: Json, value: Json, result: Value) -> bool:
        named = {name: part for name, part in form.get("properties", {}).items() if part is not False}
        others = form.get("additionalProperties")
        if not named or (_is_object(others) and others and not form.get("required")):
            return self._is_same_map(form, value, result)
        if _is_object(result) or result.to_dict() != value:
            return False
        if "class" in form and type(result).__name__ not in (form["class"], f"{form['class']}Base"):
            return False
        for name, part in named.items():
            read = getattr(result, python_name(name), NoValueError)
            if not (self.same(part, value[name], read) if name in value else read is None):
                return False
        return True

    def _is_same_map(self, form: Json, value: Json, result: Value) -> bool:
        if not _is_object(result) or result.keys() != value.keys():
            return False
        others = [form.get("additionalProperties", True), *form.get("patternProperties", {}).values()]
        named: Json = form.get("properties", {})
        return all(
            (result[name] == one and "patternProperties" in form)
            or any(
                self.same(part, one, result[name]) for part in ([named[name]] if name in named else others)
            )
            for name, one in value.items()
        )

    def corrupted(self, schema: Value, value: Value) -> Value:
        """Return a value that is no longer valid in one required member; None if there is none to spoil."""
        if not _is_object(value):
            return None
        for form in self.forms(schema):
            for name in form.get("required", ()):
                if self._is_mixed(form["properties"].get(name, True)):
                    continue
                for spoiled in _WRONG:
                    changed = {**value, name: spoiled}
                    if not self.fits(schema, changed):
                        return changed
        return None

    def _is_mixed(self, schema: Value) -> bool:
        """Return True for values of several kinds in one enum, which are not checked."""
        return any(
            len({type(one).__name__ for one in form.get("enum", ())}) > 1 for form in self.forms(schema)
        )


def _is_object(value: Value) -> TypeGuard[Json]:
    return isinstance(value, dict)


def is_array(value: Value) -> TypeGuard[list[Value]]:
    """Return True for a JSON array."""
    return isinstance(value, list)


def _both(ones: list[Json], others: list[Json]) -> list[Json]:
    return [met for one in ones for other in others if (met := _met(one, other)) is not None]


def _met(one: Json, other: Json) -> Json | None:
    """Return the form of the values that have both forms."""
    found = {**one, **other}
    if "type" in one and "type" in other:
        kinds = {one["type"], other["type"]}
        if len(kinds) > 1 and kinds != {"integer", "number"}:
            return None
        found["type"] = "integer" if len(kinds) > 1 else one["type"]
    lists = [
        [f["const"]] if "const" in f else f["enum"] for f in (one, other) if f.keys() & {"const", "enum"}
    ]
    if len(lists) == 2:
        found.pop("const", None)
        found["enum"] = [v for v in lists[0] if any(_equal(v, w) for w in lists[1])]
        if not found["enum"]:
            return None
    if "required" in one and "required" in other:
        found["required"] = [*one["required"], *other["required"]]
    for key in ("properties", "patternProperties"):
        if key in one and key in other:
            shared = {n: {"allOf": [one[key][n], other[key][n]]} for n in one[key] if n in other[key]}
            found[key] = {**one[key], **other[key], **shared}
    for key in ("items", "additionalProperties"):
        if key in one and key in other:
            found[key] = {"allOf": [one[key], other[key]]}
    return found


def _equal(one: Value, other: Value) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _is_of(kind: str, value: Value) -> bool:
    types: Json = {"array": list, "object": dict, "string": str, "boolean": bool, "null": type(None)}
    if kind in types:
        return isinstance(value, types[kind])
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and (kind == "number" or float(value).is_integer())


def _scalar(kind: str, rng: random.Random) -> Value:
    match kind:
        case "string":
            return rng.choice(["", "a b/c?d", "é&=+;%41", "plain"])
        case "integer":
            return rng.choice([0, 1, -7, 2**53 - 1])
        case "number":
            return rng.choice([0, 2, 1.5, -0.25])
        case "boolean":
            return rng.random() < 0.5
        case "null":
            return None
        case _:
            return rng.choice([{"any": [1, None]}, "text", 1.5, False, []])
