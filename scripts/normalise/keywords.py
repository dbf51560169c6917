"""Rules for single schemas: reduce JSON Schema to the few forms that scripts/render knows.

Afterwards a schema is one of: `{}` (anything), `$ref`, a scalar `type`, `const`, `enum` of strings or of
integers, `array` with `items`, `object` with `properties` or with `additionalProperties`, and `anyOf`.
"""

from __future__ import annotations

import json
from typing import Any

from opencode_client.model import is_object
from scripts.normalise.schema import (
    META,
    Json,
    everywhere,
    map_operations,
    map_roots,
    notes_of,
    plain_text,
    referenced,
    schemas_of,
    shape,
    token,
)

_KEPT = frozenset({
    "$ref", "additionalProperties", "allOf", "anyOf", "const", "default", "description", "enum", "items",
    "nullable", "oneOf", "patternProperties", "prefixItems", "properties", "required", "type", "x-oc",
    "x-pointer", "x-item", "x-tag",
})  # fmt: skip
_OURS = frozenset({META, "x-pointer", "x-item", "x-tag"})
_TYPES = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})
_NUMBER_TEXTS = frozenset({"NaN", "Infinity", "-Infinity"})
_BOOLEAN_TEXTS = frozenset({"true", "false"})


def remove_reserved(document: Json) -> Json:
    """Remove our key from operations and responses of the document: only rules write there.

    `{"operationId": "a", "x-oc": ...}` -> `{"operationId": "a"}`
    """

    def bare(_: str, __: str, operation: Json) -> Json:
        responses = {
            status: {key: value for key, value in response.items() if key != META}
            for status, response in operation.get("responses", {}).items()
        }
        return {key: value for key, value in operation.items() if key != META} | {"responses": responses}

    return map_operations(document, bare)


def remove_reserved_keywords(schema: Json) -> Json:
    """Do the same for a schema: only for keywords, not for members with such a name.

    `{"type": "string", "x-pointer": "#/x"}` -> `{"type": "string"}`
    """
    return {key: value for key, value in schema.items() if key not in _OURS}


def boolean_schemas(document: Json) -> Json:
    """Write the schemas `true` and `false` as objects. A member whose schema is `false` is left out: it is never there.

    `{"properties": {"a": true, "b": false}}` -> `{"properties": {"a": {}}}`
    """

    def plain(schema: Any) -> Json:  # Any: a schema
        if not is_object(schema):
            return {}
        result: Json = dict(schema)
        for key in ("items", "additionalProperties"):
            if isinstance(result.get(key), dict) or (key == "items" and key in result):
                result[key] = plain(result[key])
        for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            if isinstance(result.get(key), list):
                result[key] = [plain(child) for child in result[key] if child is not False]
        for key in ("properties", "patternProperties"):
            if isinstance(result.get(key), dict):
                result[key] = {
                    name: plain(child) for name, child in result[key].items() if child is not False
                }
        return result

    return map_roots(document, lambda _, schema: plain(schema))


def mark_pointers(document: Json) -> Json:
    """Write into every schema its place in the server's document: later rules move schemas.

    `{"type": "object"}` -> `{"type": "object", "x-pointer": "#/components/schemas/Session"}`
    """

    def mark(at: str, schema: Json) -> Json:
        result = dict(schema)
        for key in ("items", "additionalProperties"):
            if isinstance(result.get(key), dict):
                result[key] = mark(f"{at}/{key}", result[key])
        for key in ("anyOf", "oneOf", "allOf"):
            if isinstance(result.get(key), list):
                result[key] = [mark(f"{at}/{key}/{index}", child) for index, child in enumerate(result[key])]
        for key in ("properties", "patternProperties"):
            if isinstance(result.get(key), dict):
                result[key] = {
                    name: mark(f"{at}/{key}/{token(name)}", child) for name, child in result[key].items()
                }
        if "$ref" not in result:
            result.setdefault("x-pointer", at)
        return result

    return map_roots(document, mark)


def one_way_members(document: Json) -> Json:
    """Let members be optional that only requests or only responses have.

    `{"properties": {"id": {"readOnly": true}}, "required": ["id"]}` -> `{"properties": {"id": {...}}, "required": []}`
    """

    def loosened(schema: Json) -> Json:
        parts = [schema, *schema.get("allOf", ())]
        members = {name: part for one in parts for name, part in one.get("properties", {}).items()}
        one_way = {name for name, part in members.items() if part.get("readOnly") or part.get("writeOnly")}
        if not one_way:
            return schema
        result = without(schema, one_way)
        if "allOf" in schema:
            result["allOf"] = [without(part, one_way) for part in schema["allOf"]]
        return result

    def without(schema: Json, names: set[str]) -> Json:
        if "required" not in schema:
            return dict(schema)
        return {**schema, "required": [name for name in schema["required"] if name not in names]}

    return everywhere(loosened)(document)


def drop_noise(schema: Json) -> Json:
    """Keep only keywords that affect a Python type: not `pattern`, `minimum`, `title`, `format` ...

    `{"type": "string", "pattern": "^ses"}` -> `{"type": "string"}`
    """
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    result = {key: value for key, value in schema.items() if key in _KEPT}
    if isinstance(result.get("description"), str):
        result["description"] = plain_text(result["description"])
    return result


def document_default(schema: Json) -> Json:
    """Move a default into the description: the client must not send it, as a newer server may change it.

    `{"type": "number", "default": 5000}` -> `{"type": "number", "description": "Server default: 5000."}`
    """
    if "default" not in schema:
        return schema
    value = json.dumps(schema["default"], ensure_ascii=False)
    text = f"{schema.get('description', '')}\nServer default: {plain_text(value)}.".strip()
    return {key: v for key, v in schema.items() if key != "default"} | {"description": text}


def one_of_as_any_of(schema: Json) -> Json:
    """Turn `oneOf`, `nullable` and lists of types into `anyOf`.

    `{"type": ["string", "null"]}` -> `{"anyOf": [{"type": "string"}, {"type": "null"}]}`; where there are both `oneOf`
    and `anyOf`, both have to hold: `{"allOf": [{"anyOf": ...}], "anyOf": ...}`
    """
    rest = {key: value for key, value in schema.items() if key not in notes_of(schema)}
    if "oneOf" in rest and "anyOf" in rest:
        rest["allOf"] = [*rest.get("allOf", []), {"anyOf": rest.pop("oneOf")}]
    elif "oneOf" in rest:
        rest["anyOf"] = rest.pop("oneOf")
    nullable = rest.pop("nullable", False)
    if isinstance(rest.get("type"), list):
        kinds = rest.pop("type")
        rest = {"anyOf": [{"type": "null"} if k == "null" else {**rest, "type": k} for k in kinds]}
    if nullable:
        rest = {"anyOf": [rest, {"type": "null"}]}
    return {**notes_of(schema), **rest}


def plain_enums(schema: Json) -> Json:
    """Simplify enums: one value is a constant, null becomes a type, values of several types are anything.

    `{"type": "string", "enum": ["text"]}` -> `{"const": "text"}`
    """
    if "const" not in schema and "enum" not in schema:
        return schema
    notes = notes_of(schema)
    values = [schema["const"]] if "const" in schema else schema["enum"]
    if any(isinstance(value, dict | list) for value in values):
        return notes
    values = list({(type(value).__name__, value): value for value in values}.values())  # True equals 1
    if values == [None]:
        return {**notes, "type": "null"}
    if None in values:
        rest = plain_enums({**notes, "enum": [value for value in values if value is not None]})
        return {**notes, "anyOf": [rest, {"type": "null"}]}
    if any(isinstance(value, int) and abs(value) >> 63 for value in values):
        return {**notes, "type": "integer"} if all(type(value) is int for value in values) else notes
    if len(values) == 1 and isinstance(values[0], str | int):
        return {**notes, "const": values[0]}
    if values and all(isinstance(value, str) for value in values):
        return {**notes, "type": "string", "enum": values}
    if values and all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return {**notes, "type": "integer", "enum": values}
    if len(values) == 2 and all(isinstance(value, bool) for value in values):
        return {**notes, "type": "boolean"}
    return notes


def open_objects_as_maps(document: Json) -> Json:
    """Turn an object into a map if all its members are optional and the ones without a name have a documented kind.

    `{"properties": {"bash": A}, "additionalProperties": {"anyOf": [A, B]}}` ->
    `{"type": "object", "additionalProperties": {"anyOf": [A, B]}}`

    The order of the members can count: of the permissions `{"*": "allow", "bash": "deny"}` the last match decides. A
    class would write them in its own order, and its constructor would not take the members without a name.
    """
    schemas = schemas_of(document)

    def convert(schema: Json) -> Json:
        members: dict[str, Json] = schema.get("properties", {})
        others: Json | bool = schema.get("additionalProperties", {})
        if not members or schema.get("required") or isinstance(others, bool) or not shape(others):
            return schema
        known = [shape(variant) for variant in _variants(others, schemas)]
        odd = [member for member in members.values() if shape(member) not in known]
        names = f"Documented members: {', '.join(members)}."
        return {
            **notes_of(schema),
            "description": f"{schema.get('description', '')}\n{names}".strip(),
            "type": "object",
            "additionalProperties": {"anyOf": [others, *odd]} if odd else others,
        }

    return everywhere(convert)(document)


def _variants(schema: Json, schemas: dict[str, Json]) -> list[Json]:
    """Return a schema, and the variants of its union if it is or names one."""
    target = schemas.get(referenced(schema) or "", schema)
    return [schema, *target.get("anyOf", ())]


def plain_objects(schema: Json) -> Json:
    """Make an object either named members or a map, and a tuple an array of anything.

    `{"type": "object", "patternProperties": {"^ses": A}}` -> `{"type": "object", "additionalProperties": A}`
    """
    result: Json = dict(schema)
    if not result.keys() & {"type", "anyOf", "$ref", "const", "enum"}:
        if result.keys() & {"properties", "patternProperties"} or isinstance(
            result.get("additionalProperties"), dict
        ):
            result["type"] = "object"
        elif "items" in result:
            result["type"] = "array"
    if "prefixItems" in result:
        result = notes_of(schema) | {"type": "array", "items": {}}
    if result.get("type") == "array":
        result.setdefault("items", {})
    else:
        result.pop("items", None)
    patterns = list(result.pop("patternProperties", {}).values())
    if result.get("type") != "object":
        for key in ("properties", "required", "additionalProperties"):
            result.pop(key, None)
        return result
    if result.get("properties"):
        result.pop("additionalProperties", None)
        members = result["properties"]
        undescribed: Json = {name: {} for name in result.setdefault("required", []) if name not in members}
        result["properties"] = members | undescribed
        return result
    result.pop("properties", None)
    result.pop("required", None)
    others = result.get("additionalProperties")
    if patterns:
        result["additionalProperties"] = patterns[0] if len(patterns) == 1 and not others else {}
    elif not isinstance(others, dict):
        result["additionalProperties"] = {}
    return result


def plain_unions(schema: Json) -> Json:
    """Flatten unions, merge equal variants, and drop strings such as "NaN" beside a number.

    `{"anyOf": [number, {"enum": ["NaN"]}]}` -> `number`; `{"anyOf": [{}, null]}` -> `{}`;
    `{"anyOf": [{"anyOf": [A, B]}, B]}` -> `{"anyOf": [A, B]}`
    """
    if "anyOf" not in schema:
        return schema
    notes = notes_of(schema)
    tags = [part["x-tag"] for part in (schema, *schema["anyOf"]) if "x-tag" in part]
    variants = [part for variant in schema["anyOf"] for part in variant.get("anyOf", [variant])]
    variants = _without_text_forms(_merged_texts(_distinct(variants)))
    if not variants or any(not shape(variant) for variant in variants):
        return notes
    if len(variants) == 1:
        return variants[0] if "$ref" in variants[0] else {**variants[0], **notes}
    return {**notes, **({"x-tag": tags[0]} if len(tags) == 1 else {}), "anyOf": variants}


def _distinct(variants: list[Json]) -> list[Json]:
    shapes = [shape(variant) for variant in variants]
    return [variant for index, variant in enumerate(variants) if shapes[index] not in shapes[:index]]


def _merged_texts(variants: list[Json]) -> list[Json]:
    """Merge the strings of a union: constants and enums into one enum; all into a plain string if there is one."""
    texts = [v for v in variants if isinstance(v.get("const"), str) or v.get("type") == "string"]
    if len(texts) < 2:
        return variants
    merged: Json = {"type": "string"}
    if all("const" in text or "enum" in text for text in texts):
        values = [value for text in texts for value in text.get("enum", [text.get("const")])]
        merged = {"type": "string", "enum": list(dict.fromkeys(values))}
    first = variants.index(texts[0])
    rest = [v for v in variants if v not in texts]
    return [*rest[:first], merged, *rest[first:]]


def _without_text_forms(variants: list[Json]) -> list[Json]:
    kinds = {variant.get("type") for variant in variants}
    dropped: frozenset[str] = frozenset()
    if kinds & {"number", "integer"}:
        dropped |= _NUMBER_TEXTS
    if "boolean" in kinds:
        dropped |= _BOOLEAN_TEXTS

    def is_text_form(variant: Json) -> bool:
        texts = variant.get("enum") or [variant.get("const")]
        return all(text in dropped for text in texts)

    return [variant for variant in variants if not is_text_form(variant)]


def known_types(schema: Json) -> Json:
    """Replace a schema without a known type by `{}`.

    `{"not": {}}` -> `{}`
    """
    known = schema.keys() & {"$ref", "anyOf", "const", "enum"} or schema.get("type") in _TYPES
    return schema if known else notes_of(schema)
