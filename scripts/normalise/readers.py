"""Hand-written base classes of models: readers.toml has the class, its base and the reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

from scripts.normalise.schema import META, Json, referenced, schemas_of, with_schemas

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

    `MessageWithParts` -> `x-oc.base = PartReaders`
    """
    schemas = dict(schemas_of(document))
    for name, base in read_readers().items():
        schema = schemas.get(name, {})
        if _fits(base, schema.get("properties", {})):
            schemas[name] = {**schema, META: {**schema.get(META, {}), "base": base}}
    return with_schemas(document, schemas)


def _fits(base: str, members: Json) -> bool:
    """Return True for a file with its type and URL, and for a list of `Part` called `parts`."""
    if base == "FromPath":
        return {"mime", "filename", "url"} <= members.keys()
    return referenced(members.get("parts", {}).get("items", {})) == "Part"
