"""Check that every reference has a target, and put the targets of all but schemas in their places.

The generator would stop at the others, or leave something out without notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from opencode_client.model import is_array, is_object
from scripts.normalise.schema import METHODS, Json, token

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
    return _found(ref, document) is not None


def _found(ref: str, document: Json) -> Any:  # Any: JSON
    """Return the target of `#/components/<kind>/<name>`; None if there is none."""
    start, _, rest = ref.partition("#/components/")
    kind, _, name = rest.partition("/")
    components: Json = {} if start else document.get("components", {}).get(kind, {})
    plain = unquote(name).replace("~1", "/").replace("~0", "~")
    return components.get(name, components.get(plain))


def inline_parts(document: Json) -> Json:
    """Put path items, parameters, bodies and responses in the places of references to them.

    `requestBody: {$ref: "#/components/requestBodies/Prompt"}` -> `requestBody: {content: ...}`

    Raises:
        MissingReferenceError: a reference leads to itself.
    """

    def inlined(holder: Any) -> Any:  # Any: JSON
        seen: list[str] = []
        while is_object(holder) and isinstance(ref := holder.get("$ref"), str):
            if ref in seen:
                raise MissingReferenceError(f"has references that lead to themselves:\n  {ref}")
            seen.append(ref)
            beside = {key: value for key, value in holder.items() if key != "$ref"}
            holder = {**_found(ref, document), **beside}
        return holder

    def operation_of(operation: Any) -> Any:  # Any: as above
        result = dict(operation)
        if "requestBody" in result:
            result["requestBody"] = inlined(result["requestBody"])
        if "responses" in result:
            result["responses"] = {status: inlined(one) for status, one in result["responses"].items()}
        return with_parameters(result)

    def with_parameters(holder: Json) -> Json:
        if "parameters" not in holder:
            return holder
        return {**holder, "parameters": [inlined(one) for one in holder["parameters"]]}

    paths = {
        path: {
            key: operation_of(value) if key in METHODS else value
            for key, value in with_parameters(inlined(item)).items()
        }
        for path, item in document["paths"].items()
    }
    return {**document, "paths": paths}
