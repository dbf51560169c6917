"""A document in the few forms that comparing knows: how it spells a type and in which order is no change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from opencode_client.model import is_array, is_object
from scripts.normalise import keywords, operations, parameters, unions
from scripts.normalise.members import references
from scripts.normalise.schema import Json, everywhere, schemas_of
from scripts.normalise.schema import operations as walk_operations

_RULES = (
    keywords.remove_reserved,
    parameters.own_parameters,
    operations.stream_items,
    keywords.inline_references_in_all_of,
    everywhere(keywords.drop_noise),
    everywhere(lambda schema: {key: v for key, v in schema.items() if key not in ("default", "description")}),
    everywhere(keywords.one_of_as_any_of),
    everywhere(keywords.merge_all_of),
    everywhere(keywords.plain_enums),
    everywhere(keywords.plain_objects),
    everywhere(keywords.known_types),
    everywhere(keywords.plain_unions),
    operations.operation_ids,
    operations.readable_contents,
    unions.lone_references,
)
"""Those of the pipeline's rules that leave the document's names and its structure alone."""

_STRUCTURE = frozenset({"$ref", "additionalProperties", "const", "enum", "nullable", "required", "type"})


@frozen
class Plain:
    """A document: its operations by id as (method, path, operation), its models, and who sends or receives them."""

    operations: dict[str, tuple[str, str, Json]]
    models: dict[str, Json]
    sent: frozenset[str]
    received: frozenset[str]


def plain(document: Json) -> Plain:
    """`document` in plain forms; an empty one has nothing."""
    if not document:
        return Plain({}, {}, frozenset(), frozenset())
    for rule in _RULES:
        document = rule(document)
    models = schemas_of(document)
    every = {op["operationId"]: (method.upper(), path, op) for path, method, op in walk_operations(document)}
    roots = [(list(_sent(op)), list(_received(op))) for _, _, op in every.values()]
    return Plain(
        every,
        models,
        _reached(models, [schema for sent, _ in roots for schema in sent]),
        _reached(models, [schema for _, received in roots for schema in received]),
    )


def content(holder: Json | None) -> tuple[str, Json] | None:
    """The media type and the schema of a body or a response."""
    for kind, media in (holder or {}).get("content", {}).items():
        return kind, media["schema"]
    return None


def _sent(operation: Json) -> Iterator[Json]:
    yield from (parameter.get("schema", {}) for parameter in operation["parameters"])
    body = content(operation.get("requestBody"))
    if body:
        yield body[1]


def _received(operation: Json) -> Iterator[Json]:
    yield from (found[1] for response in operation["responses"].values() if (found := content(response)))


def _reached(models: dict[str, Json], roots: list[Json]) -> frozenset[str]:
    found: set[str] = set()
    waiting = [name for root in roots for name in references(root)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += references(models.get(name, {}))
    return frozenset(found)


def notes_of(value: Any) -> Counter[str]:  # Any: a piece of a document
    """What a piece of a document says besides its types, in any order: descriptions, limits, tags, defaults."""
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
