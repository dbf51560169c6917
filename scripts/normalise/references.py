"""Check that every reference has a target, and put the targets of all but schemas in their places.

The generator would stop at the others, or leave something out without notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from opencode_client.model import is_array, is_object
from scripts.normalise.schema import METHODS, Json, token

_VALUES = frozenset({"default", "const", "enum", "example", "examples"})
"""Keywords with any JSON as value, in which `$ref` is no reference."""
_OF_NAMES = re.compile(r"/(properties|patternProperties|responses|components/\w+)$")
"""The places of objects whose keys are names, not keywords."""
_PART = re.compile(r"#/components/[^/]+/[^/]+")
_LISTED = 10


class MissingReferenceError(ValueError):
    """A document has references without a target; the message lists them with their places."""


def check_references(document: Json) -> Json:
    """Return the document, if every `$ref` has a target. References are written without escapes.

    `#/components/schemas/my%2Dname` -> `#/components/schemas/my-name`

    Raises:
        MissingReferenceError: `/paths/~1a/get/responses/200: refers to #/components/responses/Gone: ...`
    """
    refs = list(_references(document, ""))
    missing = [
        f"{place}: refers to {ref}: {_hint(ref)}" for place, ref in refs if _found(ref, document) is None
    ]
    if missing:
        more = [f"... and {len(missing) - _LISTED} more"] if len(missing) > _LISTED else []
        listed = "\n  ".join([*missing[:_LISTED], *more])
        raise MissingReferenceError(f"has references that cannot be followed:\n  {listed}")
    plain = {ref: plain for _, ref in refs if (plain := _plain(ref, document)) != ref}
    result: Json = _renamed(document, plain) if plain else document
    return result


def _hint(ref: str) -> str:
    """Return what to do about a reference that cannot be followed."""
    if _PART.fullmatch(ref):
        return "the document does not have it: add it"
    return "move the target to #/components/<kind>/<name> of this document"


def _renamed(value: Any, names: dict[str, str]) -> Any:  # Any: JSON
    if is_object(value):
        return {
            key: names[child]
            if key == "$ref" and isinstance(child, str) and child in names
            else _renamed(child, names)
            for key, child in value.items()
        }
    return [_renamed(child, names) for child in value] if is_array(value) else value


def _references(value: Any, pointer: str) -> Iterator[tuple[str, str]]:  # Any: JSON
    if is_object(value):
        ref: object = value.get("$ref")
        if isinstance(ref, str):
            yield pointer, ref
        for name, child in value.items():
            if _OF_NAMES.search(pointer) or not (name in _VALUES or name.startswith("x-")):
                yield from _references(child, f"{pointer}/{token(name)}")
    elif is_array(value):
        for index, child in enumerate(value):
            yield from _references(child, f"{pointer}/{index}")


def _found(ref: str, document: Json) -> Any:  # Any: JSON
    """Return the target of `#/components/<kind>/<name>`; None if there is none."""
    start, _, rest = _plain(ref, document).partition("#/components/")
    kind, _, name = rest.partition("/")
    components: Json = {} if start else document.get("components", {}).get(kind, {})
    return components.get(name)


def _plain(ref: str, document: Json) -> str:
    """Return a reference without escapes, unless a component has such a name."""
    kind, _, name = ref.removeprefix("#/components/").partition("/")
    if name in document.get("components", {}).get(kind, {}):
        return ref
    return (
        f"#/components/{kind}/{unquote(name).replace('~1', '/').replace('~0', '~')}"
        if _PART.fullmatch(ref)
        else ref
    )


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
    schemas = document.get("components", {}).get("schemas", {})  # the generator reads the other kinds, too
    return {**document, "paths": paths, "components": {"schemas": schemas}}
