"""Read parts of a document that can contain anything: a value of the wrong type counts as absent."""

from __future__ import annotations

from typing import Any

from opencode_client.model import is_array, is_object
from scripts.normalise.schema import Json


def object_at(holder: Json, key: str) -> Json:
    """The object under `key`, or an empty one."""
    value = holder.get(key)
    return value if is_object(value) else {}


def objects_at(holder: Json, key: str) -> list[Json]:
    """The objects in the list under `key`."""
    return [value for value in list_at(holder, key) if is_object(value)]


def list_at(holder: Json, key: str) -> list[Any]:
    """The list under `key`, or an empty one."""
    value = holder.get(key)
    return value if is_array(value) else []


def text_at(holder: Json, key: str) -> str:
    """The text under `key`, or an empty one."""
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def literals_of(schema: Json) -> list[Any]:
    """The values that a schema lists: its constant, or its enum."""
    return [schema["const"]] if "const" in schema else list_at(schema, "enum")


def variants_of(schema: Json) -> list[Json]:
    """The alternatives of a union."""
    return objects_at(schema, "anyOf") or objects_at(schema, "oneOf")
