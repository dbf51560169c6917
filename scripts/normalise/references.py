"""Check that every reference has a target: the generator would stop, or leave something out silently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opencode_client.model import is_array, is_object
from scripts.normalise.schema import Json, token

_VALUES = frozenset({"default", "const", "enum", "example", "examples"})
"""Keywords with any JSON as value, in which `$ref` is no reference."""
_LISTED = 10


class MissingReferenceError(ValueError):
    """A document has references without a target; the message lists them with their places."""


def check_references(document: Json) -> Json:
    """Return the document, if every `$ref` has a target.

    Raises:
        MissingReferenceError: `#/components/schemas/Gone (at /paths/~1session/get/responses/200/...)`
    """
    missing = [
        f"{ref} (at {place})" for place, ref in _references(document, "") if not _is_there(ref, document)
    ]
    if missing:
        more = [f"... and {len(missing) - _LISTED} more"] if len(missing) > _LISTED else []
        listed = "\n  ".join([*missing[:_LISTED], *more])
        raise MissingReferenceError(f"refers to what is not in it:\n  {listed}")
    return document


def _references(value: Any, pointer: str) -> Iterator[tuple[str, str]]:  # Any: JSON
    if is_object(value):
        ref: object = value.get("$ref")
        if isinstance(ref, str):
            yield pointer, ref
        for name, child in value.items():
            if name not in _VALUES or pointer.endswith("/properties"):
                yield from _references(child, f"{pointer}/{token(name)}")
    elif is_array(value):
        for index, child in enumerate(value):
            yield from _references(child, f"{pointer}/{index}")


def _is_there(ref: str, document: Json) -> bool:
    """Return True if the rules can follow `#/components/<kind>/<name>`."""
    start, _, rest = ref.partition("#/components/")
    kind, _, name = rest.partition("/")
    return not start and name in document.get("components", {}).get(kind, {})
