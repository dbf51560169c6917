"""Schemas that mean the same become one class. same.toml has the class, and its other names, which stay as aliases."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

from scripts.normalise.names import HANDWRITTEN, Namer, pascal
from scripts.normalise.schema import META, Json, schemas_of, with_schemas

SAME = Path(__file__).with_name("same.toml")


def read_same(path: Path = SAME) -> dict[str, str]:
    """Return the committed classes by their other names.

    Raises:
        ValueError: an entry has no reason or no aliases, or a name is there twice or cannot be that of a class.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("class", [])
    for entry in entries:
        if set(entry) != {"name", "reason", "aliases"} or not entry["reason"] or not entry["aliases"]:
            raise ValueError(f"{path.name}: an entry has name, reason and aliases: {entry}")
    names = Counter(name for entry in entries for name in (entry["name"], *entry["aliases"]))
    for name, count in names.items():
        if count > 1:
            raise ValueError(f"{path.name}: {name} is there {count} times")
        if pascal(name) != name or name in HANDWRITTEN:
            raise ValueError(f"{path.name}: {name!r} cannot be the name of a generated class")
    return {alias: entry["name"] for entry in entries for alias in entry["aliases"]}


def add_aliases(document: Json, namer: Namer) -> Json:
    """Note the other names of classes. A name that is a class of its own is left out; the report has it.

    `MessageWithParts` -> `x-oc.aliases = {"SessionPromptResponse": "MessageWithParts"}`
    """
    schemas = dict(schemas_of(document))
    holders = {schema.get(META, {}).get("unknown"): name for name, schema in schemas.items()}
    holders |= {name: name for name in schemas}
    for alias, name in namer.same.items():
        if name in holders and alias not in namer.taken:
            schema = schemas[holders[name]]
            meta: Json = schema.get(META, {})
            aliases = {**meta.get("aliases", {}), alias: name}
            schemas[holders[name]] = {**schema, META: {**meta, "aliases": aliases}}
    return with_schemas(document, schemas)
