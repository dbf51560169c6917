"""Members of unknown variants: those that all variants of the union have."""

from __future__ import annotations

from scripts.normalise.names import snake
from scripts.normalise.schema import META, Json, schemas_of, shape, with_schemas

_TAKEN = ("tag", "tag_name")
"""Attributes of every unknown variant."""
_SCALARS = {bool: "boolean", int: "integer", float: "number", str: "string"}


def share_members(document: Json) -> Json:
    """Note the members that all variants of a union have: its unknown variants have them too.

    `Message = UserMessage | AssistantMessage` -> `x-oc.shared = {"id": string, "sessionID": string, ...}`
    """
    schemas = schemas_of(document)
    shared = {name: _shared(schema[META], schemas) for name, schema in schemas.items() if _has_own(schema)}
    changed = {
        name: {**schemas[name], META: {**schemas[name][META], "shared": members}}
        for name, members in shared.items()
        if members
    }
    return with_schemas(document, schemas | changed)


def _has_own(schema: Json) -> bool:
    return str(schema.get(META, {}).get("unknown", "UnknownEvent")) != "UnknownEvent"


def _shared(union: Json, schemas: dict[str, Json]) -> dict[str, Json]:
    names = [leaf["class"] for row in union["table"] for leaf in row.get("table", [row])]
    if union["otherwise"]:
        names.append(union["otherwise"])
    first, *others = [schemas[name]["properties"] for name in names]
    return {
        key: _any_of([members[key] for members in (first, *others)])
        for key in first
        if snake(key) not in (union["tag_member"], *_TAKEN) and all(key in members for members in others)
    }


def _any_of(members: list[Json]) -> Json:
    variants: list[Json] = []
    for member in members:
        form = shape(member)
        if "const" in form:
            form = {"type": _SCALARS[type(form["const"])]}
        if form not in variants:
            variants.append(form)
    return variants[0] if len(variants) == 1 else {"anyOf": variants}
