"""Obey `discriminator`: its values become constants of the variants, by which unions are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scripts.normalise.schema import (
    COMPONENTS,
    Json,
    everywhere,
    reference,
    referenced,
    schemas_of,
    with_schemas,
)
from scripts.normalise.support import unsupported

_BASE = ".base"
_UNIONS = ("oneOf", "anyOf")


def obey(document: Json) -> Json:
    """Write the values of discriminators into the variants, and mark each union with the name of that member.

    `{"oneOf": [Cat, Dog], "discriminator": {"propertyName": "kind", "mapping": {"c": Cat}}}` -> `Cat.kind: const "c"`,
    `Dog.kind: const "Dog"`, and `{"oneOf": [Cat, Dog], "x-tag": "kind"}`

    Raises:
        UnsupportedDocumentError: the variants cannot be told apart in this way.
    """
    document = _parents_as_unions(document)
    schemas = dict(schemas_of(document))
    for schema in _all_schemas(document):
        if _is_discriminated(schema):
            found = _values_of(schema, schemas)
            plain = {name: schemas[name] for name in found}
            for name, values in found.items():
                schemas[name] = _with_values(schema, _extending_plain(plain[name], plain), values)
    document = with_schemas(document, schemas)
    return everywhere(_marked)(document)


def _extending_plain(schema: Json, plain: dict[str, Json], depth: int = 20) -> Json:
    """Return a variant that extends other variants without their values, which exclude its own."""
    parts = [
        _extending_plain(plain[name], plain, depth - 1)
        if depth and (name := referenced(part) or "") in plain
        else part
        for part in schema.get("allOf", ())
    ]
    return {**schema, "allOf": parts} if parts else schema


def _marked(schema: Json) -> Json:
    if "discriminator" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key != "discriminator"}
    return {**rest, "x-tag": schema["discriminator"]["propertyName"]} if _is_discriminated(schema) else rest


def _all_schemas(document: Json) -> Iterator[Json]:
    found: list[Json] = []

    def collect(schema: Json) -> Json:
        found.append(schema)
        return schema

    everywhere(collect)(document)
    return iter(found)


def _is_discriminated(schema: Json) -> bool:
    return "discriminator" in schema and any(key in schema for key in _UNIONS)


def _target(text: str, schemas: dict[str, Json]) -> str:
    """Return the component that a value of `mapping` names: by its name, or by a reference."""
    return text if text in schemas else text.removeprefix(COMPONENTS).replace("~1", "/").replace("~0", "~")


def _values_of(union: Json, schemas: dict[str, Json]) -> dict[str, tuple[str, list[str], bool]]:
    """Return for each component of a union: the member, its values, and True if `mapping` has them."""
    key, mapping = union["discriminator"]["propertyName"], union["discriminator"].get("mapping", {})
    variants = [variant for kind in _UNIONS for variant in union.get(kind, ())]
    names = [name for variant in variants if (name := referenced(variant)) is not None]
    mapped: dict[str, list[str]] = {}
    for value, text in mapping.items():
        mapped.setdefault(_target(text, schemas), []).append(value)
    if lost := sorted(mapped.keys() - set(names)):
        text = f"has a discriminator whose mapping names {lost[0]!r}, which is no variant: add it to the variants"
        raise unsupported(union, text)
    for variant in variants:
        if referenced(variant) is None and variant.get("type") != "null" and not _listed(variant, key):
            raise unsupported(
                union,
                f"has a discriminator, and a variant without a constant for {key!r}: make it a component",
            )
    found: dict[str, tuple[str, list[str], bool]] = {}
    for name in names:
        values, is_mapped = mapped.get(name, [name]), name in mapped
        if any(kind in schemas[name] for kind in _UNIONS):
            inner = schemas[name].get("discriminator", {}).get("propertyName")
            if is_mapped or inner != key:
                text = f"has a discriminator, and the variant {name!r} is a union: list the variants of that"
                raise unsupported(union, text)
        else:
            found[name] = (key, values, is_mapped)
    return found


def _listed(schema: Json, key: str) -> list[Any]:  # Any: JSON
    """Return the values that a schema lists for a member, in itself or in its parts."""
    for part in (schema, *schema.get("allOf", ())):
        member = part.get("properties", {}).get(key, {})
        if "const" in member:
            return [member["const"]]
        if "enum" in member:
            return list(member["enum"])
    return []


def _with_values(union: Json, schema: Json, found: tuple[str, list[str], bool]) -> Json:
    """Return a variant with its values as constants of the member that tells variants apart."""
    key, values, is_mapped = found
    if "properties" not in schema and "allOf" not in schema and schema.get("type", "object") != "object":
        raise unsupported(union, "has a discriminator, and a variant that is no object: remove one of them")
    own = _listed(schema, key)
    if own and (not is_mapped or set(own) <= set(values)):
        values = own  # what the variant itself says is more exact
    elif own and not set(own) & set(values):
        raise unsupported(
            schema, f"has other values of {key!r} than the mapping of a discriminator: correct them"
        )
    kind = schema.get("properties", {}).get(key, {}).get("type", "string")
    if kind != "string" and not own:
        raise unsupported(
            schema, f"has a discriminator {key!r} that is no text: list its values as constants"
        )
    constant: Json = {"const": values[0]} if len(values) == 1 else {"enum": values}
    if "properties" not in schema:
        return {**schema, "allOf": [*schema.get("allOf", ()), _object_with(key, constant)]}
    member = {
        name: value for name, value in schema["properties"].get(key, {}).items() if name == "description"
    }
    return {
        **schema,
        "properties": {**schema["properties"], key: {**member, **constant}},
        "required": list(dict.fromkeys([*schema.get("required", ()), key])),
    }


def _object_with(key: str, constant: Json) -> Json:
    return {"type": "object", "properties": {key: constant}, "required": [key]}


def _parents_as_unions(document: Json) -> Json:
    """Turn a component with a discriminator, that others extend with `allOf`, into the union of itself and these.

    `Pet: {properties, discriminator}`, `Dog: {allOf: [Pet, ...]}` -> `Pet: {oneOf: [Pet.base, Dog]}`,
    `Dog: {allOf: [{properties}, ...]}`
    """
    schemas = schemas_of(document)
    parents = [
        name
        for name, schema in schemas.items()
        if "discriminator" in schema and not _is_discriminated(schema)
    ]
    children = {parent: _children(parent, schemas) for parent in parents}
    unions: dict[str, Json] = {}
    for parent, names in children.items():
        schema = schemas[parent]
        rest = {key: value for key, value in schema.items() if key != "discriminator"}
        mapping: dict[str, str] = schema["discriminator"].get("mapping", {})
        if not names:
            if mapping:
                raise unsupported(schema, "has a discriminator without variants: list them in its oneOf")
            unions[parent] = rest
            continue
        if nested := sorted({*names} & {*parents}):
            raise unsupported(schemas[nested[0]], "has a discriminator below another one: remove one of them")
        base = f"{parent}{_BASE}"
        own = [value for value, text in mapping.items() if _target(text, schemas) == parent] or [parent]
        targets = {value: text for value, text in mapping.items() if value not in own}
        unions[base] = rest
        unions[parent] = {
            **{key: rest[key] for key in ("description", "x-pointer") if key in rest},
            "oneOf": [reference(base), *map(reference, names)],
            "discriminator": {
                **schema["discriminator"],
                "mapping": {**targets, **dict.fromkeys(own, base)},
            },
        }
    bases = {name: unions[f"{name}{_BASE}"] for name, names in children.items() if names}
    return with_schemas(
        document, {name: _extending_base(schema, bases) for name, schema in {**schemas, **unions}.items()}
    )


def _children(parent: str, schemas: dict[str, Json]) -> list[str]:
    """Return the components that extend a component, directly or not."""
    found = [parent]
    for name in found:
        found += [
            child
            for child, schema in schemas.items()
            if child not in found and any(referenced(part) == name for part in schema.get("allOf", ()))
        ]
    return found[1:]


def _extending_base(schema: Json, bases: dict[str, Json]) -> Json:
    """Return a schema that extends the parents' own members, not the union of all who extend them."""
    if "allOf" not in schema:
        return schema
    return {**schema, "allOf": [bases.get(referenced(part) or "", part) for part in schema["allOf"]]}
