"""The event types of a document's streams: what a union of events names, and what each carries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from opencode_client.model import is_object
from scripts.normalise.schema import Json, referenced
from scripts.reference.shapes import Shapes
from scripts.reference.untrusted import list_at, literals_of, object_at, variants_of

_PAYLOADS = ("properties", "data", "syncEvent")
"""Where an event has what it tells of: v1, v2, and the form in which changes are synchronised."""


@frozen
class EventType:
    """One type of event: its literal, the members of its payload, and its envelope."""

    type: str
    payload: str
    envelope: str


def variants(schema: Any, shapes: Shapes, above: frozenset[str] = frozenset()) -> Iterator[tuple[str, Json]]:
    """Every event under the schema of a stream as (type, schema), out of whatever wraps it.

    `Event` -> its variants; `{directory, payload: Event}` and `{id, event, data: <JSON of Event>}` -> the same.
    """
    name = referenced(schema) if is_object(schema) else None
    if not is_object(schema) or name in above:
        return
    below = above | {name} if name else above
    held = shapes.resolve(schema)
    for variant in variants_of(held):
        yield from variants(variant, shapes, below)
    members = object_at(held, "properties")
    literal = _literal(members)
    if literal is not None:
        yield literal, held
        return
    for inner in (held.get("contentSchema"), members.get("payload"), members.get("data")):
        yield from variants(inner, shapes, below)


def components(schema: Any, shapes: Shapes) -> set[str]:
    """The names of the components that are nothing but the stream: its unions, its wrappers, its events."""
    found: set[str] = set()
    todo: list[Any] = [schema]  # of anything: the document's
    while todo:
        part = todo.pop()
        if not is_object(part) or (name := referenced(part)) in found:
            continue
        found |= {name} if name else set()
        held = shapes.resolve(part)
        members = object_at(held, "properties")
        todo += [*variants_of(held), held.get("contentSchema")]
        if _literal(members) is None:
            todo += [members.get("payload"), members.get("data")]
    return found


def described(schema: Any, shapes: Shapes) -> list[EventType]:
    """The event types of a stream, sorted, each once."""
    found = {EventType(literal, *_payload(held, shapes)) for literal, held in variants(schema, shapes)}
    return sorted(found, key=lambda event: (event.envelope, event.type, event.payload))


def _payload(held: Json, shapes: Shapes) -> tuple[str, str]:
    members: Json = held["properties"]
    required = list_at(held, "required")
    envelope = ", ".join(f"{name}{'' if name in required else '?'}" for name in members)
    key = next((name for name in _PAYLOADS if name in members), None)
    return shapes.type(members[key]) if key else "", f"{{ {envelope} }}"


def _literal(members: Json) -> str | None:
    """The one value of the member `type`."""
    values = literals_of(object_at(members, "type"))
    return str(values[0]) if len(values) == 1 else None
