"""Hand-written base classes of models: readers.toml has the class, its base and the reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

from scripts.normalise.schema import META, Json, referenced, schemas_of, with_schemas

READERS = Path(__file__).with_name("readers.toml")


def add_readers(document: Json) -> Json:
    """Give the classes of readers.toml their bases, where they have a list of `Part` called `parts`.

    `MessageWithParts` -> `x-oc.base = PartReaders`
    """
    schemas = dict(schemas_of(document))
    for entry in tomllib.loads(READERS.read_text(encoding="utf-8"))["class"]:
        schema = schemas.get(entry["name"], {})
        if referenced(schema.get("properties", {}).get("parts", {}).get("items", {})) == "Part":
            schemas[entry["name"]] = {**schema, META: {**schema.get(META, {}), "base": entry["base"]}}
    return with_schemas(document, schemas)
