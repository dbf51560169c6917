"""Base classes of models: readers.toml has the class, its base and the reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

from scripts.normalise.schema import META, Json, reference, referenced, schemas_of, shape, with_schemas

READERS = Path(__file__).with_name("readers.toml")


def read_readers(path: Path = READERS) -> dict[str, str]:
    """Return the committed bases by class.

    Raises:
        ValueError: an entry has no class, no base or no reason.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("class", [])
    for entry in entries:
        if set(entry) != {"name", "base", "reason"} or not all(entry.values()):
            raise ValueError(f"{path.name}: an entry has name, base and reason: {entry}")
    return {entry["name"]: entry["base"] for entry in entries}


def add_readers(document: Json) -> Json:
    """Give the classes of readers.toml their bases, where they have the members that these need.

    `MessageWithParts` -> `x-oc.base = PartReaders`; `SessionCommandResponse` -> `x-oc.base = MessageWithParts`
    """
    schemas = dict(schemas_of(document))
    bases = read_readers()
    for name, base in bases.items():
        schema = schemas.get(name, {})
        fits = _is_narrower(schema, schemas.get(base, {}), schemas)
        if not fits:
            base = bases.get(base, base)
            fits = _fits(base, schema.get("properties", {}))
        if fits:
            schemas[name] = {**schema, META: {**schema.get(META, {}), "base": base}}
    return with_schemas(document, schemas)


def _fits(base: str, members: Json) -> bool:
    """Return True for a file with its type and URL, a model, and a list of `Part` called `parts`."""
    if base == "FromPath":
        return {"mime", "filename", "url"} <= members.keys()
    if base == "ModelAsText":
        return referenced(members.get("model", {})) == "SessionPromptModel"
    return base == "PartReaders" and referenced(members.get("parts", {}).get("items", {})) == "Part"


def _is_narrower(schema: Json, base: Json, schemas: Json) -> bool:
    """Return True if each member of `base` is in `schema`: the same, or a variant of its union."""
    if "properties" not in schema or "properties" not in base:
        return False
    given, members = schema["properties"], base["properties"]
    return set(base.get("required", ())) <= set(schema.get("required", ())) and all(
        wire in given and (shape(given[wire]) == shape(member) or given[wire] in _variants(member, schemas))
        for wire, member in members.items()
    )


def _variants(member: Json, schemas: Json) -> list[Json]:
    table: list[Json] = schemas.get(referenced(member) or "", {}).get(META, {}).get("table", [])
    return [reference(row["class"]) for row in table if "class" in row]
