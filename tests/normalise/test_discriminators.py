"""Discriminators: the values become constants of the variants."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.normalise import discriminators, keywords
from scripts.normalise.schema import Json
from scripts.normalise.support import UnsupportedDocumentError
from tests.normalise.small_documents import document, obj, reference, schemas_in

TEXT: Json = {"type": "string"}
CAT, DOG = obj("kind", kind=TEXT, name=TEXT), obj(kind=TEXT, name=TEXT)
BOTH: Json = {"Cat": CAT, "Dog": DOG}


def _union(discriminator: Json, *variants: Json) -> Json:
    given = variants or (reference("Cat"), reference("Dog"))
    return {"oneOf": list(given), "discriminator": {"propertyName": "kind", **discriminator}}


def _obeyed(schemas: Json) -> dict[str, Any]:
    return schemas_in(discriminators.obey(document(schemas)))


@pytest.mark.parametrize(
    ("mapping", "cat", "dog"),
    [
        ({}, {"const": "Cat"}, {"const": "Dog"}),
        ({"mapping": {"c": "Cat", "d": "#/components/schemas/Dog"}}, {"const": "c"}, {"const": "d"}),
        ({"mapping": {"c": "Cat", "k": "Cat"}}, {"enum": ["c", "k"]}, {"const": "Dog"}),
    ],
)
def test_discriminator_values_are_constants_of_required_members(mapping: Json, cat: Json, dog: Json) -> None:
    found = _obeyed({**BOTH, "Pet": _union(mapping)})
    assert (found["Cat"]["properties"]["kind"], found["Dog"]["properties"]["kind"]) == (cat, dog)
    assert (found["Dog"]["required"], found["Pet"]["x-tag"]) == (["kind"], "kind")


def test_a_constant_of_the_variant_wins_over_its_name() -> None:
    cat = obj("kind", kind={"const": "cat"})
    found = _obeyed({"Cat": cat, "Dog": DOG, "Pet": _union({})})
    assert found["Cat"]["properties"]["kind"] == {"const": "cat"}


def test_a_variant_with_all_of_gets_one_more_part() -> None:
    found = _obeyed({"Cat": {"allOf": [reference("Base")]}, "Base": CAT, "Dog": DOG, "Pet": _union({})})
    assert found["Cat"]["allOf"][1] == obj("kind", kind={"const": "Cat"})


def test_a_component_that_others_extend_becomes_a_union() -> None:
    schemas = {
        "Pet": {**CAT, "discriminator": {"propertyName": "kind", "mapping": {"d": "Dog"}}},
        "Cat": {"allOf": [reference("Pet"), obj(claws=TEXT)]},
        "Dog": {"allOf": [reference("Pet"), obj(bark=TEXT)]},
        "Puppy": {"allOf": [reference("Dog"), obj(age=TEXT)]},
    }
    found = _obeyed(schemas)
    assert found["Pet"] == {
        "oneOf": [reference(name) for name in ("Pet.base", "Cat", "Dog", "Puppy")],
        "x-tag": "kind",
    }
    assert found["Pet.base"]["properties"]["kind"] == {"const": "Pet"}
    assert found["Cat"]["allOf"][0] == CAT
    assert [found[name]["allOf"][2]["properties"]["kind"]["const"] for name in ("Cat", "Dog", "Puppy")] == [
        "Cat",
        "d",
        "Puppy",
    ]


def test_a_component_that_is_not_extended_keeps_its_members() -> None:
    assert _obeyed({"Pet": {**CAT, "discriminator": {"propertyName": "kind"}}})["Pet"] == CAT


@pytest.mark.parametrize(
    ("schemas", "text"),
    [
        ({"Pet": _union({"mapping": {"x": "Gone"}})}, "'Gone', which is no variant"),
        ({"Pet": _union({}, reference("Cat"), obj(a=TEXT))}, "a variant without a constant for 'kind'"),
        ({"Pet": _union({}, reference("Cat"), reference("Other")), "Other": TEXT}, "no object"),
        ({"Pet": _union({}), "Cat": obj(kind={"type": "integer"})}, "is no text"),
        ({"Pet": _union({"mapping": {"c": "Cat"}}), "Cat": obj(kind={"const": "x"})}, "other values of 'kind'"),
        ({"Pet": _union({}, reference("Any")), "Any": {"oneOf": [reference("Cat")]}}, "'Any' is a union"),
        ({"Pet": {**CAT, "discriminator": {"propertyName": "kind", "mapping": {"c": "Cat"}}}}, "without variants"),
    ],
)  # fmt: skip
def test_an_unusable_discriminator_is_refused_with_its_pointer(schemas: Json, text: str) -> None:
    given = keywords.mark_pointers(document({**BOTH, **schemas}))
    with pytest.raises(UnsupportedDocumentError, match=rf"\n  /components/schemas/(Pet|Cat): .*{text}"):
        discriminators.obey(given)
