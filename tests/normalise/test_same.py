"""Shapes that mean the same: same.toml, the main class, and its aliases."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.normalise import NameCollisionError, normalise
from scripts.normalise.hoist import hoist_components, name_components
from scripts.normalise.names import Namer, read_pins
from scripts.normalise.same import SAME, add_aliases, read_same
from scripts.normalise.schema import Json
from scripts.recordings import document as served
from tests.normalise.small_documents import document, obj, reference, schemas_in

_SAME = {"OwnerAsked": "Request"}
_TEXT: Json = {"type": "string"}


def _namer(*, strict: bool = False, same: dict[str, str] | None = None) -> Namer:
    return Namer({}, strict, _SAME if same is None else same)


def test_a_listed_equal_shape_uses_the_main_class() -> None:
    names = _namer()
    assert names.claim("#/request", "Request", obj(id=_TEXT)) == ("Request", True)
    assert names.claim("#/asked", "OwnerAsked", obj(id=_TEXT)) == ("Request", False)


def test_the_main_class_may_be_defined_later() -> None:
    names = _namer()
    assert names.claim("#/asked", "OwnerAsked", obj(id=_TEXT)) == ("Request", True)
    assert names.claim("#/request", "Request", obj(id=_TEXT)) == ("Request", False)


def test_a_reference_counts_as_its_target() -> None:
    names = _namer()
    names.claim("#/when", "When", obj(key=_TEXT))
    names.claim("#/request", "Request", obj(when=reference("When")))
    assert names.claim("#/asked", "OwnerAsked", obj(when=obj(key=_TEXT))) == ("Request", False)


def test_unlisted_equal_shapes_remain_two_classes() -> None:
    names = _namer(same={})
    names.claim("#/request", "Request", obj(id=_TEXT))
    assert names.claim("#/asked", "OwnerAsked", obj(id=_TEXT)) == ("OwnerAsked", True)


def test_shapes_that_differ_fail_the_build_with_the_pointers_of_both() -> None:
    names = _namer(strict=True)
    names.claim("#/request", "Request", obj(id=_TEXT))
    names.claim("#/asked", "OwnerAsked", obj(id=_TEXT, more=_TEXT))
    with pytest.raises(NameCollisionError) as raised:
        names.raise_collisions()
    assert "#/request\n" in str(raised.value)
    assert "#/asked\n" in str(raised.value)
    assert "Remove OwnerAsked from scripts/normalise/same.toml" in str(raised.value)


def test_shapes_that_differ_in_another_document_are_two_classes() -> None:
    names = _namer()
    names.claim("#/request", "Request", obj(id=_TEXT))
    assert names.claim("#/asked", "OwnerAsked", obj()) == ("OwnerAsked", True)
    assert names.report == ["#/asked is called OwnerAsked: its shape is not that of Request"]


@pytest.mark.parametrize(("title", "joined"), [(_TEXT, True), ({"type": "number"}, False)])
@pytest.mark.parametrize("order", [1, -1])
def test_components_are_compared_with_the_components_in_them(
    title: Json, order: int, *, joined: bool
) -> None:
    schemas = {
        "Request": obj(info=reference("Info")),
        "RequestV2": obj(info=reference("InfoV2")),
        "Info": obj(title=_TEXT),
        "InfoV2": obj(title=title),
    }
    names = _namer(same={"RequestV2": "Request", "InfoV2": "Info"})
    found = schemas_in(name_components(document(dict([*schemas.items()][::order])), names))
    assert (set(found) == {"Request", "Info"}) is joined
    assert ("RequestV2" in found) is not joined


def _aliases(schemas: dict[str, Json], names: Namer) -> dict[str, dict[str, str]]:
    for name, schema in schemas.items():
        names.claim(f"#/{name}", name, schema)
    found = schemas_in(add_aliases(hoist_components(document(schemas), names), names))
    return {name: schema["x-oc"]["aliases"] for name, schema in found.items() if "x-oc" in schema}


def test_the_other_name_is_an_alias() -> None:
    found = _aliases({"Request": obj(), "Owner": obj(asked=obj())}, _namer())
    assert found == {"Request": {"OwnerAsked": "Request"}}


def test_a_class_that_the_document_lacks_has_no_alias() -> None:
    assert _aliases({"Owner": obj()}, _namer()) == {}


def test_a_name_with_its_own_class_is_not_an_alias() -> None:
    assert _aliases({"Request": obj(), "OwnerAsked": obj(id=_TEXT)}, _namer()) == {}


def test_an_unknown_variant_has_its_aliases_in_its_union() -> None:
    union: Json = {**obj(), "x-oc": {"kind": "union", "unknown": "UnknownKind"}}
    found = add_aliases(document({"Kind": union}), _namer(same={"UnknownOther": "UnknownKind"}))
    assert schemas_in(found)["Kind"]["x-oc"]["aliases"] == {"UnknownOther": "UnknownKind"}


def test_every_name_in_the_file_belongs_to_a_shape_in_the_document() -> None:
    found = normalise(served("1.18.33"), strict=False, pins=read_pins(), observed=[]).document
    metas = [schema.get("x-oc", {}) for schema in schemas_in(found).values()]
    assert read_same().keys() - {*schemas_in(found), *(meta.get("unknown") for meta in metas)} == set()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('name = "A"\naliases = ["B"]', "an entry has name, reason and aliases"),
        ('name = "A"\nreason = ""\naliases = ["B"]', "an entry has name, reason and aliases"),
        ('name = "A"\nreason = "r"\naliases = []', "an entry has name, reason and aliases"),
        ('name = "A"\nreason = "r"\naliases = ["A"]', "A is there 2 times"),
        ('name = "A"\nreason = "r"\naliases = ["a"]', "'a' cannot be the name of a generated class"),
        ('name = "A"\nreason = "r"\naliases = ["Unknown"]', "'Unknown' cannot be the name"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, entry: str, message: str) -> None:
    path = tmp_path / SAME.name
    path.write_text(f"[[class]]\n{entry}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"same\.toml: ") as caught:
        read_same(path)
    assert message in str(caught.value)
