"""The parts of a document that the report compares: operations and models, after the pipeline's own document rules."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from opencode_client.model import is_array, is_object
from scripts.normalise import DOCUMENT_RULES
from scripts.normalise.members import references
from scripts.normalise.schema import META, Json, operations, schemas_of

_STRUCTURE = frozenset({"$ref", "additionalProperties", "const", "enum", "nullable", "required", "type"})

Media = tuple[str, Json] | None
"""The media type and the schema of a body or a response; None without content."""


@frozen
class Contents:
    """One document: operations by id as (method, path, operation), models by name, and which are sent or received."""

    operations: dict[str, tuple[str, str, Json]]
    models: dict[str, Json]
    sent: frozenset[str]
    received: frozenset[str]


def read_contents(document: Json) -> Contents:
    """Normalise `document` as far as no class names are needed; {} has no operations and no models.

    Class names are left out because the report uses the document's names. So is observed.json: it says what older
    servers leave out, not what this document requires.
    """
    if not document:
        return Contents({}, {}, frozenset(), frozenset())
    for rule in DOCUMENT_RULES:
        document = rule(document)
    models = schemas_of(document)
    found = {op["operationId"]: (method.upper(), path, op) for path, method, op in operations(document)}
    graph = {name: references(schema) for name, schema in models.items()}
    sent = [name for _, _, operation in found.values() for s in _sent(operation) for name in references(s)]
    received = [
        name for _, _, operation in found.values() for s in _received(operation) for name in references(s)
    ]
    return Contents(found, models, reachable(graph, sent), reachable(graph, received))


def parameters(operation: Json) -> dict[tuple[str, str], tuple[str, Json]]:
    """The parameters by place and Python name, as (name in the document, parameter): `sessionID` is `session_id`."""
    names = operation[META]["parameters"]
    return {(p["in"], p["name"]): (names[p["name"]]["wire"], p) for p in operation["parameters"]}


def media_of(holder: Json | None) -> Media:
    """The media type and schema of a body or a response."""
    return next(((kind, m["schema"]) for kind, m in (holder or {}).get("content", {}).items()), None)


def _sent(operation: Json) -> Iterator[Json]:
    yield from (parameter["schema"] for parameter in operation["parameters"])
    if body := media_of(operation.get("requestBody")):
        yield body[1]


def _received(operation: Json) -> Iterator[Json]:
    yield from (media[1] for response in operation["responses"].values() if (media := media_of(response)))


def reachable(graph: Mapping[str, Iterable[str]], start: Iterable[str]) -> frozenset[str]:
    """The names in `graph` that can be reached from `start`, itself included."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name in graph and name not in found:
            found.add(name)
            waiting += graph[name]
    return frozenset(found)


def notes_of(value: Any) -> Counter[str]:  # Any: a piece of a document
    """Everything in a piece of a document except its types, in any order: descriptions, limits, tags, defaults."""
    found: Counter[str] = Counter()
    if is_object(value):
        for key, member in value.items():
            if is_object(member) or (is_array(member) and key not in _STRUCTURE):
                found += notes_of(member)
            elif key not in _STRUCTURE:
                found[json.dumps([key, member])] += 1
    elif is_array(value):
        for member in value:
            found += notes_of(member)
    else:
        found[json.dumps(value)] += 1
    return found
