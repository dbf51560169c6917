"""Texts about a body: is it required, and is an empty object enough?"""

from __future__ import annotations

from typing import Any

from opencode_client.model import is_object
from scripts.normalise.schema import referenced
from scripts.reference.entries import Entry
from scripts.reference.shapes import Shapes
from scripts.reference.untrusted import list_at, object_at, objects_at, variants_of
from scripts.reference.words import Words

_MAY_BE_LEFT_OUT = frozenset({
    "POST /experimental/worktree", "POST /session", "POST /session/{sessionID}/fork",
})  # fmt: skip
"""Operations that real servers of all versions accept without a body. tests/live/test_bodies.py tries all others."""


def body_words(entry: Entry, shapes: Shapes, words: Words) -> str:
    """Return `required`, `optional`, or that no field is required but the request needs a body.

    OpenAPI says that a body may be left out if `required` is missing, but servers refuse that.
    """
    body = object_at(entry.operation, "requestBody")
    content = object_at(body, "content")
    if body.get("required") is False or (entry.is_measured and entry.name in _MAY_BE_LEFT_OUT):
        return words.optional
    needs = any(has_required(object_at(content, media).get("schema"), shapes) for media in content)
    return words.required if needs else words.empty_object


def has_required(schema: Any, shapes: Shapes, above: frozenset[str] = frozenset()) -> bool:
    """Return True if a schema has a required member in each of its variants, or accepts no object."""
    name = referenced(schema) if is_object(schema) else None
    if not is_object(schema) or name in above:
        return False
    above, resolved = above | {name} if name else above, shapes.resolve(schema)
    if variants := variants_of(resolved):
        return all(has_required(variant, shapes, above) for variant in variants)
    if parts := objects_at(resolved, "allOf"):
        return any(has_required(part, shapes, above) for part in parts)
    return bool(list_at(resolved, "required")) or resolved.get("type", "object") != "object"
