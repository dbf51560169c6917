"""Walk over the schemas of an OpenAPI document, and compare them.

A *pointer* is a JSON pointer (RFC 6901) into the document as the server sent it. An early rule writes it into every
schema as `x-pointer`, so that later rules can name where a schema came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opencode_client.model import is_object

Json = dict[str, Any]
"""A JSON object: a document, an operation or a schema."""

SchemaRule = Callable[[Json], Json]
"""A rule for one schema; the rule was applied to its sub-schemas already."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
COMPONENTS = "#/components/schemas/"
META = "x-oc"
"""The key of the facts that rules find out, which scripts/render reads."""

_NOTES = frozenset({"description", "x-pointer", "x-item", META})
_SINGLE = ("items", "additionalProperties", "not")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_MAPS = ("properties", "patternProperties")


def token(text: str) -> str:
    """Return one segment of a JSON pointer, escaped."""
    return text.replace("~", "~0").replace("/", "~1")


def plain_text(text: str) -> str:
    """Return `text` without lone surrogates, which JSON allows and UTF-8 does not: they become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def children(schema: Json) -> Iterator[tuple[str, Json]]:
    """Yield the direct sub-schemas with their pointers relative to `schema`."""
    for key in _SINGLE:
        if isinstance(schema.get(key), dict):
            yield f"/{key}", schema[key]
    for key in _LISTS:
        for index, child in enumerate(schema.get(key) or ()):
            yield f"/{key}/{index}", child
    for key in _MAPS:
        members: dict[str, Json] = schema.get(key) or {}
        for name, child in members.items():
            yield f"/{key}/{token(name)}", child


def rewrite(schema: Json, rule: SchemaRule) -> Json:
    """Return `schema` with `rule` applied to every sub-schema, then to itself."""
    result = dict(schema)
    for key in _SINGLE:
        if isinstance(result.get(key), dict):
            result[key] = rewrite(result[key], rule)
    for key in _LISTS:
        if isinstance(result.get(key), list):
            result[key] = [rewrite(child, rule) for child in result[key]]
    for key in _MAPS:
        if isinstance(result.get(key), dict):
            result[key] = {name: rewrite(child, rule) for name, child in result[key].items()}
    return rule(result)


def everywhere(rule: SchemaRule) -> Callable[[Json], Json]:
    """Turn a rule for one schema into a rule for the document."""

    def over_document(document: Json) -> Json:
        return map_roots(document, lambda _, schema: rewrite(schema, rule))

    over_document.__name__ = rule.__name__
    over_document.__doc__ = rule.__doc__
    return over_document


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield every operation as (path, method, operation), in the document's order."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def map_operations(document: Json, change: Callable[[str, str, Json], Json]) -> Json:
    """Return the document with `change(path, method, operation)` in place of every operation."""
    paths = {
        path: {key: change(path, key, value) if key in METHODS else value for key, value in item.items()}
        for path, item in document["paths"].items()
    }
    return {**document, "paths": paths}


def map_roots(document: Json, change: Callable[[str, Json], Json]) -> Json:
    """Return the document with `change(pointer, schema)` in place of every outermost schema."""
    schemas = {
        name: change(f"{COMPONENTS}{token(name)}", schema) for name, schema in schemas_of(document).items()
    }
    return map_operation_roots(with_schemas(document, schemas), change)


def map_operation_roots(document: Json, change: Callable[[str, Json], Json]) -> Json:
    """Do the same, but only for the schemas of operations: of parameters, bodies and responses."""
    return map_operations(
        document,
        lambda path, method, operation: _operation_roots(
            operation, f"#/paths/{token(path)}/{method}", change
        ),
    )


def _operation_roots(operation: Json, at: str, change: Callable[[str, Json], Json]) -> Json:
    result = dict(operation)
    if "parameters" in result:
        result["parameters"] = [
            {**parameter, "schema": change(f"{at}/parameters/{index}/schema", parameter["schema"])}
            if "schema" in parameter
            else parameter
            for index, parameter in enumerate(result["parameters"])
        ]
    if "content" in result.get("requestBody", {}):
        result["requestBody"] = _map_content(result["requestBody"], f"{at}/requestBody", change)
    result["responses"] = {
        status: _map_content(response, f"{at}/responses/{status}", change)
        for status, response in result.get("responses", {}).items()
    }
    return result


def _map_content(holder: Json, at: str, change: Callable[[str, Json], Json]) -> Json:
    if "content" not in holder:
        return holder
    content = {
        kind: {**media, "schema": change(f"{at}/content/{token(kind)}/schema", media["schema"])}
        if "schema" in media
        else media
        for kind, media in holder["content"].items()
    }
    return {**holder, "content": content}


def schemas_of(document: Json) -> dict[str, Json]:
    """Return the component schemas by name."""
    result: dict[str, Json] = document.get("components", {}).get("schemas", {})
    return result


def with_schemas(document: Json, schemas: dict[str, Json]) -> Json:
    """Return the document with other component schemas."""
    return {**document, "components": {**document.get("components", {}), "schemas": schemas}}


def notes_of(schema: Json) -> Json:
    """Return the description and the pointer of a schema, for a rule that replaces the schema."""
    return {key: schema[key] for key in ("description", "x-pointer") if key in schema}


def reference(name: str) -> Json:
    """Return a `$ref` to a component."""
    return {"$ref": COMPONENTS + name}


def referenced(schema: Json) -> str | None:
    """Return the name of the component in a `$ref`; None for any other schema."""
    ref = schema.get("$ref")
    return ref.removeprefix(COMPONENTS) if isinstance(ref, str) else None


def followed(schema: Any, schemas: Mapping[str, Json]) -> Json:  # Any: JSON
    """Return the component that a schema refers to; the schema itself if it refers to none."""
    seen: set[str] = set()
    while is_object(schema) and (name := referenced(schema)) is not None and name not in seen:
        seen.add(name)
        schema = schemas.get(name, {})
    return schema if is_object(schema) else {}


def walk(schema: Json) -> Iterator[Json]:
    """Yield `schema` and everything below it, without following references."""
    yield schema
    for _, child in children(schema):
        yield from walk(child)


def shape(schema: Json) -> Json:
    """Return `schema` without descriptions and the like: schemas with equal shapes are one class."""

    def bare(part: Json) -> Json:
        kept = {key: value for key, value in part.items() if key not in _NOTES}
        if "required" in kept:
            kept["required"] = sorted(kept["required"])
        if isinstance(kept.get("const"), bool):
            kept["type"] = "boolean"  # for Python, true is 1
        return kept

    return rewrite(schema, bare)


def expanded(schema: Json, shapes: Mapping[str, Json], depth: int = 8) -> Json:
    """Return `schema` with shapes in place of references, down to a depth that ends circles."""

    def target(part: Json) -> Json:
        found = shapes.get(referenced(part) or "")
        return part if found is None or not depth else expanded(found, shapes, depth - 1)

    return rewrite(schema, target)
