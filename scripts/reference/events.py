"""The event types of a document's streams: the types that a union of events names, and their payloads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from opencode_client.model import is_object
from scripts.normalise.schema import Json, referenced
from scripts.reference.shapes import Shapes
from scripts.reference.untrusted import list_at, literals_of, object_at, variants_of

_PAYLOADS = ("properties", "data", "syncEvent")
"""The member with the payload: of v1 events, of v2 events, and of synchronised changes."""


@frozen
class EventType:
    """One type of event: the value of `type`, the members of its payload, and its envelope."""

    type: str
    payload: str
    envelope: str


def variants(schema: Any, shapes: Shapes, above: frozenset[str] = frozenset()) -> Iterator[tuple[str, Json]]:
    """Every event under the schema of a stream as (type, schema), without its wrappers.

    `Event` -> its variants; `{directory, payload: Event}` and `{id, event, data: <JSON of Event>}` -> the same.
    """
    name = referenced(schema) if is_object(schema) else None
    if not is_object(schema) or name in above:
        return
    below = above | {name} if name else above
    resolved = shapes.resolve(schema)
    for variant in variants_of(resolved):
        yield from variants(variant, shapes, below)
    members = object_at(resolved, "properties")
    literal = _literal(members)
    if literal is not None:
        yield literal, resolved
        return
    for inner in (resolved.get("contentSchema"), members.get("payload"), members.get("data")):
        yield from variants(inner, shapes, below)


def components(schema: Any, shapes: Shapes) -> set[str]:
    """The names of the components that only belong to the stream: its unions, its wrappers, its events."""
    found: set[str] = set()
    todo: list[Any] = [schema]  # of anything: the document's
    while todo:
        part = todo.pop()
        if not is_object(part) or (name := referenced(part)) in found:
            continue
        found |= {name} if name else set()
        resolved = shapes.resolve(part)
        members = object_at(resolved, "properties")
        todo += [*variants_of(resolved), resolved.get("contentSchema")]
        if _literal(members) is None:
            todo += [members.get("payload"), members.get("data")]
    return found


def event_types(schema: Any, shapes: Shapes) -> list[EventType]:
    """The event types of a stream, sorted, each one once."""
    found = {
        EventType(literal, *_payload(resolved, shapes)) for literal, resolved in variants(schema, shapes)
    }
    return sorted(found, key=lambda event: (event.envelope, event.type, event.payload))


def _payload(resolved: Json, shapes: Shapes) -> tuple[str, str]:
    members: Json = resolved["properties"]
    required = list_at(resolved, "required")
    envelope = ", ".join(f"{name}{'' if name in required else '?'}" for name in members)
    key = next((name for name in _PAYLOADS if name in members), None)
    return shapes.type(members[key]) if key else "", f"{{ {envelope} }}"


def _literal(members: Json) -> str | None:
    """The one value of the member `type`."""
    values = literals_of(object_at(members, "type"))
    return str(values[0]) if len(values) == 1 else None
