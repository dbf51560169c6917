"""Correct the document where servers send something else.

`CORRECTIONS` are documented schemas that no server follows, found by hand. `observed.json` is derived
(scripts/derive_observed.py): members that a supported server leaves out, sends as null, or with another type.
"""

from __future__ import annotations

import json
from pathlib import Path

from attrs import frozen

from scripts.normalise.kinds import read_since, route
from scripts.normalise.schema import (
    COMPONENTS,
    Json,
    notes_of,
    operations,
    referenced,
    schemas_of,
    shape,
    token,
    walk,
    with_schemas,
)

OBSERVED = Path(__file__).with_name("observed.json")
_ANYTHING: dict[str, Json] = {
    "array": {"type": "array", "items": {}},
    "object": {"type": "object", "additionalProperties": {}},
}


@frozen
class Correction:
    """A schema for a place in the document; not applied if the document lacks one of its components."""

    pointer: str
    schema: Json
    reason: str


def _response(path: str, method: str, rest: str = "") -> str:
    return f"#/paths/{token(path)}/{method}/responses/200/content/application~1json/schema{rest}"


_MESSAGE = {"$ref": f"{COMPONENTS}Message"}
_WITH_PARTS = {
    "type": "object",
    "properties": {"info": _MESSAGE, "parts": {"type": "array", "items": {"$ref": f"{COMPONENTS}Part"}}},
    "required": ["info", "parts"],
}

CORRECTIONS = (
    Correction(
        _response("/session/{sessionID}/message", "post", "/properties/info"),
        _MESSAGE,
        "with noReply every server returns the user message (1.1.31 to 1.18.33)",
    ),
    Correction(
        _response("/session/{sessionID}/shell", "post"),
        _WITH_PARTS,
        "1.1.31 documents a bare AssistantMessage and sends {info, parts}",
    ),
    Correction(
        _response("/provider", "get", "/properties/all/items"),
        {"$ref": f"{COMPONENTS}Provider"},
        "1.1.31 documents models.dev's shape and sends the Provider of config.providers",
    ),
)


def correct(document: Json) -> Json:
    """Replace documented schemas that no server follows: see CORRECTIONS, each with its reason.

    `session.prompt` 200 `{info: AssistantMessage}` -> `{info: Message}`
    """
    for correction in CORRECTIONS:
        known = schemas_of(document)
        names = [name for part in walk(correction.schema) if (name := referenced(part))]
        if all(name in known for name in names):
            document = _replaced(document, correction.pointer.split("/")[1:], correction.schema)
    return document


def _replaced(holder: Json, path: list[str], value: Json) -> Json:
    key, *rest = path
    key = key.replace("~1", "/").replace("~0", "~")
    if key not in holder or (rest and not isinstance(holder[key], dict)):
        return holder
    return {**holder, key: _replaced(holder[key], rest, value) if rest else value}


def read_observed(path: Path = OBSERVED) -> list[Json]:
    """Return the committed deviations: [{model, member, seen, versions, source}]."""
    entries: list[Json] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return entries


def loosen(document: Json, observed: list[Json] | None) -> Json:
    """Make members optional, or add a type, where a supported server is known to differ.

    required, seen "missing" -> not required; `Command.template` seen "object" -> `string | object`

    Without `observed`, these are the committed deviations, if the document is one of opencode 1.x or of a fork.
    """
    if observed is None:
        places = ((one["operationId"], route(method, path)) for path, method, one in operations(document))
        observed = read_observed() if read_since().is_related(places) else []
    schemas = dict(schemas_of(document))
    for entry in observed:
        schema = schemas.get(entry["model"], {})
        if entry["member"] not in schema.get("properties", {}):
            continue
        for seen in entry["seen"]:
            schema = _loosened(schema, entry["member"], seen)
        schemas[entry["model"]] = schema
    return with_schemas(document, schemas)


def _loosened(schema: Json, name: str, seen: str) -> Json:
    if seen in ("missing", "null"):
        return {**schema, "required": [other for other in schema.get("required", []) if other != name]}
    member: Json = schema["properties"][name]
    other: Json = _ANYTHING.get(seen, {"type": seen})
    variants: list[Json] = member.get("anyOf", [member])
    if other in map(shape, variants):
        return schema
    loosened = {**notes_of(member), "anyOf": [*variants, other]}
    return {**schema, "properties": {**schema["properties"], name: loosened}}
