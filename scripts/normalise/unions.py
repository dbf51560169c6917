"""Give unions a table by tag: one look-up at run time instead of trying every variant.

The generator copies a named union to every place of use. So a union is disguised as an object with its variants as
members `v0`, `v1`, ...; scripts/render makes an alias and a reader of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.normalise.names import Namer, snake
from scripts.normalise.schema import (
    COMPONENTS,
    META,
    Json,
    everywhere,
    map_roots,
    notes_of,
    reference,
    referenced,
    rewrite,
    schemas_of,
    shape,
    token,
    with_schemas,
)
from scripts.normalise.support import unsupported

_TAG_ORDER = ("type", "status", "role", "_tag", "name", "kind")
_PAYLOADS = frozenset({"properties", "data", "syncEvent"})
_DEPTH = 12
_FEW = 10


def inline_aliases(document: Json) -> Json:
    """Replace references to an alias, a component without objects, by its schema.

    `PermissionRuleset = array of PermissionRule`, `{"$ref": PermissionRuleset}` -> `array of PermissionRule`
    """
    schemas = schemas_of(document)
    aliases = {name: schema for name, schema in schemas.items() if _is_alias(schema, schemas)}

    def resolve(schema: Json, depth: int) -> Json:
        name = referenced(schema)
        if name not in aliases:
            return schema
        if not depth:
            return {}
        return rewrite(aliases[name], lambda part: resolve(part, depth - 1) if "$ref" in part else part)

    document = map_roots(document, lambda _, schema: rewrite(schema, lambda part: resolve(part, _DEPTH)))
    return with_schemas(
        document,
        {
            name: _alias(schema) if name in aliases else schema
            for name, schema in schemas_of(document).items()
        },
    )


def _is_alias(schema: Json, schemas: Mapping[str, Json], depth: int = _DEPTH) -> bool:
    if schema.get("type") == "object":
        return "properties" not in schema
    if "anyOf" not in schema:
        return "$ref" not in schema
    return not any(_needs_reading(part, schemas, depth) for part in schema["anyOf"])


def _needs_reading(schema: Json, schemas: Mapping[str, Json], depth: int) -> bool:
    """Return True if values of the union are models, so that the union needs a reader."""
    name = referenced(schema)
    if name is not None:
        return name not in schemas or not depth or not _is_alias(schemas[name], schemas, depth - 1)
    inner = [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    return any(_needs_reading(part, schemas, depth) for part in [*inner, *schema.get("anyOf", [])])


def _alias(schema: Json) -> Json:
    notes = notes_of(schema)
    return {
        **notes,
        "type": "object",
        "properties": {"v0": schema},
        "required": ["v0"],
        META: {"kind": "alias"},
    }


def lone_references(document: Json) -> Json:
    """Replace a component that is only a reference by its target, everywhere.

    `A = {"$ref": B}` -> references to A become references to B
    """
    schemas = schemas_of(document)

    def resolve(schema: Json) -> Json:
        seen: set[str] = set()
        while (name := referenced(schema)) is not None and "$ref" in schemas.get(name, {}):
            if name in seen:
                place = {"x-pointer": COMPONENTS + token(name)}
                raise unsupported(place, "is a reference that leads to itself: describe the schema")
            seen.add(name)
            schema = schemas[name]
        return schema

    document = everywhere(resolve)(document)
    return with_schemas(document, {n: s for n, s in schemas_of(document).items() if "$ref" not in schemas[n]})


def discriminate(document: Json, namer: Namer) -> Json:
    """Give every union component its table, and mark the constants of variants that are looked up.

    `{"anyOf": [A, B]}` -> `{"properties": {"v0": A, "v1": B}, "x-oc": {"kind": "union", "tag": "type", ...}}`
    """
    schemas = dict(schemas_of(document))
    for name, schema in list(schemas.items()):
        if "anyOf" in schema:
            schemas[name] = _union(name, schema, schemas, namer)
    unions = [schema[META] for schema in schemas.values() if schema.get(META, {}).get("kind") == "union"]
    for name, key in [mark for meta in unions for mark in _looked_up(meta, schemas)]:
        meta = schemas[name].get(META, {})
        schemas[name] = {**schemas[name], META: {**meta, "tags": sorted({*meta.get("tags", []), key})}}
    return with_schemas(document, schemas)


def _union(name: str, schema: Json, schemas: Mapping[str, Json], namer: Namer) -> Json:
    variants = _flattened(schema["anyOf"], schemas, _DEPTH)
    notes = notes_of(schema)
    result = {
        **notes,
        "type": "object",
        "properties": {f"v{index}": variant for index, variant in enumerate(variants)},
        "required": [f"v{index}" for index in range(len(variants))],
    }
    names = [referenced(variant) for variant in variants]
    objects = [(n, schemas[n]) for n in names if n is not None and "properties" in schemas.get(n, {})]
    tag = schema.get("x-tag")
    table = _table(objects, tag) if len(objects) == len(variants) else None
    if table is None and tag is not None:
        raise unsupported(schema, f"has a discriminator {tag!r} that does not tell its variants apart")
    if table is None:
        return {**result, META: {"kind": "mixed"}}
    unknown = "UnknownEvent"
    if not _is_event_union(objects):
        unknown, _ = namer.claim(
            f"{schema.get('x-pointer', name)}#unknown", f"Unknown{name}", {"union": name}
        )
    return {**result, META: {"kind": "union", "unknown": unknown, **table}}


def _flattened(variants: list[Json], schemas: Mapping[str, Json], depth: int) -> list[Json]:
    """Return the variants, with unions among them replaced by their own variants."""
    result: list[Json] = []
    for variant in variants:
        target = schemas.get(referenced(variant) or "", {})
        inner = [variant]
        if "anyOf" in target and depth:
            inner = _flattened(target["anyOf"], schemas, depth - 1)
        elif target.get(META, {}).get("kind") in ("union", "mixed"):
            inner = list(target["properties"].values())
        result += [part for part in inner if all(shape(part) != shape(other) for other in result)]
    return result


def _is_event_union(objects: list[tuple[str, Json]]) -> bool:
    return all(
        "const" in s["properties"].get("type", {}) and _PAYLOADS & s["properties"].keys() for _, s in objects
    )


def _values(schema: Json, key: str) -> list[Any]:
    member = schema["properties"].get(key, {})
    if key not in schema.get("required", []):
        return []
    return [member["const"]] if "const" in member else list(member.get("enum", []))


def _table(objects: list[tuple[str, Json]], tag: str | None = None) -> Json | None:
    """Return the tag and its table, `[{value, class, constants} | {value, path, table}]`; None without a tag.

    Args:
        tag: the tag that the document names.
    """
    keys = [tag] if tag else list(dict.fromkeys(key for _, schema in objects for key in schema["properties"]))
    keys.sort(key=lambda key: _TAG_ORDER.index(key) if key in _TAG_ORDER else len(_TAG_ORDER))
    for spared in (0, 1):
        for key in keys:
            with_tag = [item for item in objects if _values(item[1], key)]
            rest = [name for name, schema in objects if not _values(schema, key)]
            if len(with_tag) < 2 or len(rest) != spared:
                continue
            may_be_any = any(name in rest and key in schema["properties"] for name, schema in objects)
            if may_be_any and len(objects) <= _FEW:  # of many, such as events, a new one is unknown
                continue
            rows = _rows(with_tag, key)
            if rows is not None and len({row["value"] for row in rows}) > 1:
                return {
                    "tag": key,
                    "tag_member": snake(key),
                    "table": rows,
                    "otherwise": rest[0] if rest else None,
                }
    return None


def _rows(objects: list[tuple[str, Json]], key: str) -> list[Json] | None:
    holders: dict[Any, list[tuple[str, Json]]] = {}
    for name, schema in objects:
        for value in _values(schema, key):
            holders.setdefault(value, []).append((name, schema))
    rows: list[Json] = []
    for value, items in holders.items():
        if len(items) == 1:
            name, schema = items[0]
            rows.append({"value": value, "class": name, "constants": _other_constants(schema, key)})
            continue
        inner = _inner_table(items, key)
        if inner is None:
            return None
        rows.append({"value": value, **inner})
    return rows


def _other_constants(schema: Json, *used: str) -> Json:
    members = schema["properties"].items()
    required = schema.get("required", [])
    return {name: m["const"] for name, m in members if "const" in m and name not in used and name in required}


def _inner_table(items: list[tuple[str, Json]], used: str) -> Json | None:
    """Return a second level for variants that share a tag: another constant, or one inside an object of theirs."""
    for key in dict.fromkeys(key for _, schema in items for key in schema["properties"]):
        if key == used or not all(_values(schema, key) for _, schema in items):
            continue
        rows: list[Json] = [
            {"value": value, "class": name, "constants": _other_constants(s, used, key)}
            for name, s in items
            for value in _values(s, key)
        ]
        if len({row["value"] for row in rows}) == len(rows):
            return {"path": [key], "table": rows}
    return _table_of_nested_constants(items)


def _table_of_nested_constants(items: list[tuple[str, Json]]) -> Json | None:
    places = [
        (key, inner)
        for _, s in items
        for key, constants in s.get("x-item", {}).items()
        for inner in constants
    ]
    for key, inner in dict.fromkeys(places):
        values = [schema.get("x-item", {}).get(key, {}).get(inner) for _, schema in items]
        if None not in values and len(set(values)) == len(values):
            rows = zip(items, values, strict=True)
            table: list[Json] = [
                {"value": value, "class": name, "constants": {}} for (name, _), value in rows
            ]
            return {"path": [key, inner], "table": table}
    return None


def nested_tables(document: Json) -> Json:
    """Copy constants of member objects into the schema: some variants differ only there.

    `{syncEvent: {type: const "session.updated.1"}}` -> `x-item: {syncEvent: {type: "session.updated.1"}}`
    """
    schemas = schemas_of(document)
    lifted: dict[str, Json] = {}
    for name, schema in schemas.items():
        inner: Json = {}
        for key, member in schema.get("properties", {}).items():
            target = schemas.get(referenced(member) or "", {})
            constants = {
                k: m["const"]
                for k, m in target.get("properties", {}).items()
                if isinstance(m.get("const"), str) and k in target.get("required", [])
            }
            if constants:
                inner[key] = constants
        lifted[name] = {**schema, "x-item": inner} if inner else schema
    return with_schemas(document, lifted)


def _looked_up(meta: Json, schemas: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield each class with the JSON name of a member that a union's table looks up."""
    for row in meta["table"]:
        for leaf in row.get("table", [row]):
            yield leaf["class"], meta["tag"]
            if leaf is row:
                yield from ((row["class"], key) for key in row["constants"])
                continue
            name = leaf["class"]
            for key in row["path"][:-1]:
                name = referenced(schemas[name]["properties"][key]) or name
            yield name, row["path"][-1]


def hide_maps_and_enums(document: Json) -> Json:
    """Replace maps and enums by references to components without a class, named after their content.

    `{"additionalProperties": A}` -> `{"$ref": "Map3FA8C1"}`; `{"enum": ["a", "b"]}` -> `InlineEnum9C01D2`
    """
    hidden: dict[str, Json] = {}

    def hide(schema: Json) -> Json:
        kind = "InlineEnum" if "enum" in schema else "Map"
        if kind == "Map" and (schema.get("type") != "object" or "properties" in schema):
            return schema
        form = shape(schema)
        name = kind + hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()[:12].upper()
        hidden[name] = {**form, META: {"kind": "map"}} if kind == "Map" else form
        return reference(name)

    document = everywhere(hide)(document)
    return with_schemas(document, {**hidden, **schemas_of(document), **hidden})
