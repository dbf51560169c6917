"""Faults that are planted into the generator: the random documents have to find each of them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from scripts import normalise
from scripts.normalise import (
    discriminators,
    keywords,
    merging,
    methods,
    operations,
    parameters,
    references,
    support,
    support_schemas,
    unions,
)
from scripts.normalise.kinds import Kind
from scripts.normalise.schema import Json, everywhere, map_operations
from scripts.render import models, namespaces
from scripts.render.operations import Described, Parameter
from scripts.render.python_types import Types
from scripts.render.views import NamespaceView

Fault = Callable[[], AbstractContextManager[None]]


def _unchanged(document: Json, *_: object) -> Json:
    return document


def _rule(name: str, instead: Callable[[Json], Json]) -> Fault:
    """Replace a rule, found by its name, by another."""

    @contextmanager
    def planted() -> Generator[None]:
        rules = tuple(instead if rule.__name__ == name else rule for rule in normalise.DOCUMENT_RULES)
        assert rules != normalise.DOCUMENT_RULES, f"there is no rule {name}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(normalise, "DOCUMENT_RULES", rules)
            yield

    return planted


def _function(holder: Any, name: str, instead: Any) -> Fault:  # Any: a module or a class, and what it holds
    """Replace a function of a module, or a method of a class."""

    @contextmanager
    def planted() -> Generator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(holder, name, instead)
            yield

    return planted


def _without(*keys: str) -> Callable[[Json], Json]:
    return everywhere(lambda schema: {key: value for key, value in schema.items() if key not in keys})


def _last_part(schema: Json) -> Json:
    """An earlier merge of `allOf`: if two parts have the same member, the last one wins."""
    if "allOf" not in schema:
        return schema
    merged: Json = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        merged |= {**part, "properties": {**merged.get("properties", {}), **part.get("properties", {})}}
    return merged


def _one_id(document: Json) -> Json:
    def change(_: str, __: str, operation: Json) -> Json:
        return {**operation, "operationId": operation.get("operationId", "x.y")}

    return map_operations(document, change)


def _giving(value: object) -> Callable[..., object]:
    return lambda *_, **__: value  # pyright: ignore[reportUnknownLambdaType] # of no use


def _plain_kind(_: object, operation: Json) -> Kind:
    return Kind(id=operation["operationId"], reason="")


def _only_models(types: Types, schema: Json) -> bool:
    return types.is_model(schema)


def _module_of_its_own(node: Json, _: object) -> NamespaceView:
    return _NAMESPACE(node, () if node["methods"] else {node["path"]})


def _first_value(schema: Json) -> Json:
    if "enum" not in schema:
        return schema
    return {"const": schema["enum"][0]}


def _swapped(objects: list[tuple[str, Json]], key: str) -> list[Json] | None:
    rows = _ROWS(objects, key)
    names = [row["class"] for row in rows or () if "class" in row]
    return rows and [row | {"class": name} for row, name in zip(rows, reversed(names), strict=True)]


_ROWS = unions._rows  # pyright: ignore[reportPrivateUsage] # the fault calls the function that it replaces
_NAMESPACE = namespaces._namespace  # pyright: ignore[reportPrivateUsage] # as above

FAULTS: dict[str, Fault] = {
    "references to bodies and so on are not followed": _rule(references.inline_parts.__name__, _unchanged),
    "nothing is refused in operations": _rule(support.refuse_unsupported.__name__, _unchanged),
    "nothing is refused in schemas": _rule(support_schemas.refuse_schemas.__name__, _unchanged),
    "a path's parameters are lost": _rule(parameters.own_parameters.__name__, _unchanged),
    "event streams are JSON": _rule(operations.stream_items.__name__, _unchanged),
    "what is beside a reference is lost": _rule(merging.siblings_of_references.__name__, _unchanged),
    "discriminators are not obeyed": _rule(discriminators.obey.__name__, _without("discriminator")),
    "readOnly is ignored": _rule(keywords.one_way_members.__name__, _unchanged),
    "nullable is ignored": _rule(keywords.drop_noise.__name__, _without("nullable")),
    "the last part of allOf wins": _rule(merging.merge_parts.__name__, everywhere(_last_part)),
    "the first value of an enum is a constant": _rule(keywords.plain_enums.__name__, everywhere(_first_value)),
    "boolean schemas are lost": _rule(keywords.boolean_schemas.__name__, _unchanged),
    "all bodies are members": _rule(operations.whole_bodies.__name__, _unchanged),
    "operationIds may be there twice": _rule(
        operations.operation_ids.__name__,
        _one_id,
    ),
    "no header has a media type": _function(methods, "_headers", _giving({})),
    "a WebSocket is a GET": _function(methods, "_kind", _plain_kind),
    "the status of an answer is ignored": _function(Described, "others", _giving({})),
    "null is never sent": _function(Parameter, "nullable", False),
    "items are not read": _function(Types, "needs_reading", _only_models),
    "members have their Python names": _function(models, "_wire_names", _giving(())),
    "tags select the wrong class": _function(unions, "_rows", _swapped),
    "namespaces are imported from a module of their own": _function(namespaces, "_namespace", _module_of_its_own),
    "error bodies have no class": _function(operations, "referenced", _giving(None)),
}  # fmt: skip
