"""Members of unknown variants: those that all variants of the union have."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.normalise import normalise
from scripts.normalise.schema import Json, schemas_of
from tests.normalise.small_documents import document, obj, reference

_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer"}


def _shared(first: dict[str, Json], second: dict[str, Json]) -> Any:  # Any: the schemas of the members
    schemas = {
        "A": obj("type", type={"const": "a"}, **first),
        "B": obj("type", type={"const": "b"}, **second),
        "U": {"anyOf": [reference("A"), reference("B")]},
    }
    found = normalise(document(schemas), strict=True, pins={}, observed=[]).document
    return schemas_of(found)["U"]["x-oc"].get("shared", {})


def test_a_member_of_all_variants_is_shared() -> None:
    assert _shared({"id": _TEXT, "x": _TEXT}, {"id": _TEXT}) == {"id": _TEXT}


def test_the_tag_is_not_shared() -> None:
    assert _shared({}, {}) == {}


@pytest.mark.parametrize("name", ["tag", "Tag", "tagName", "Type"])
def test_a_name_that_every_unknown_variant_has_is_not_shared(name: str) -> None:
    assert _shared({name: _TEXT}, {name: _TEXT}) == {}


def test_a_member_of_several_types_has_them_all() -> None:
    assert _shared({"id": _TEXT}, {"id": _NUMBER}) == {"id": {"anyOf": [_TEXT, _NUMBER]}}


def test_a_constant_may_have_another_value_in_an_unknown_variant() -> None:
    assert _shared({"v": {"const": 1}}, {"v": {"const": 2}}) == {"v": _NUMBER}


def test_descriptions_are_ignored_when_types_are_compared() -> None:
    assert _shared({"id": {**_TEXT, "description": "d"}}, {"id": _TEXT}) == {"id": _TEXT}
