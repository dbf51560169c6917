"""The rules together, over documents of a few lines."""

from __future__ import annotations

import tomllib

import pytest

from scripts.normalise import NameCollisionError, Normalised, normalise
from scripts.normalise.names import read_pins
from scripts.normalise.schema import COMPONENTS, Json, schemas_of
from scripts.normalise.wire import read_observed
from tests.normalise.small_documents import document, obj, ok

_STRING: Json = {"type": "string"}

_COLLIDING = document(
    {"Thing": obj(time=obj(a={"type": "string"})), "ThingTime": obj(b={"type": "string"})},
    {
        "/things": {
            "get": {"operationId": "thing.list", "responses": ok({"$ref": "#/components/schemas/Thing"})}
        }
    },
)


def _collision() -> str:
    with pytest.raises(NameCollisionError) as raised:
        normalise(_COLLIDING, strict=True, pins={}, observed=[])
    return str(raised.value)


def test_a_collision_names_both_pointers() -> None:
    assert "    #/components/schemas/Thing/properties/time\n" in _collision()
    assert "    #/components/schemas/ThingTime\n" in _collision()


def test_the_pin_that_a_collision_prints_makes_the_build_pass() -> None:
    printed = _collision()
    [entry] = tomllib.loads(printed[printed.index("[[name]]") :])["name"]
    pinned = normalise(_COLLIDING, strict=True, pins={entry["pointer"]: entry["name"]}, observed=[])
    assert schemas_of(pinned.document)["Thing"]["properties"]["time"] == {"$ref": COMPONENTS + entry["name"]}


def test_a_collision_in_another_document_gets_the_name_that_would_be_pinned() -> None:
    loose = normalise(_COLLIDING, strict=False, pins={}, observed=[])
    [entry] = tomllib.loads(_collision()[_collision().index("[[name]]") :])["name"]
    assert entry["name"] in schemas_of(loose.document)


def test_a_collision_in_another_document_is_a_line_of_the_report() -> None:
    [line] = normalise(_COLLIDING, strict=False, pins={}, observed=[]).report
    assert line.startswith("#/components/schemas/Thing/properties/time is called ")


def test_an_empty_operation_gets_an_id_and_a_response() -> None:
    described = normalise({"paths": {"/a": {"get": {}}}}, strict=True).document["paths"]["/a"]["get"]
    assert (described["operationId"], list(described["responses"])) == ("get_a", ["200"])


def test_a_normalised_document_is_openapi_3_1() -> None:
    assert normalise({**document({}), "openapi": "3.0.3"}, strict=True).document["openapi"] == "3.1.0"


def test_a_class_has_its_module_and_other_components_a_hidden_one() -> None:
    schemas = {
        "Thing": obj(kind={"type": "string", "enum": ["a", "b"]}),
        "List": {"type": "array", "items": _STRING},
    }
    modules = normalise(document(schemas), strict=True).class_overrides
    [hidden] = modules.keys() - {"Thing", "List"}
    assert modules == {
        "Thing": {"module_name": "thing"},
        "List": {"module_name": "list_"},
        hidden: {"module_name": "hidden"},
    }


def test_the_committed_pins_are_the_default() -> None:
    pointer, name = next((p, n) for p, n in read_pins().items() if p.count("/") == 3)
    given = document({pointer.removeprefix(COMPONENTS): obj(a=_STRING)})
    assert list(schemas_of(normalise(given, strict=True).document)) == [name]
    assert name not in schemas_of(normalise(given, strict=True, pins={}).document)


def test_the_committed_deviations_are_the_default() -> None:
    entry = next(entry for entry in read_observed() if entry["seen"] == ["missing"])
    operation = {"operationId": "session.list", "responses": ok({"type": "string"})}
    schemas = {entry["model"]: obj(entry["member"], **{entry["member"]: _STRING})}
    given = document(schemas, {"/session": {"get": operation}})
    other = document(schemas, {"/session/all": {"get": operation}})  # this is not opencode's session.list

    def required(found: Normalised) -> list[str]:
        described: list[str] = schemas_of(found.document)[entry["model"]]["required"]
        return described

    assert required(normalise(given, strict=True, pins={})) == []
    assert required(normalise(given, strict=True, pins={}, observed=[])) == [entry["member"]]
    assert required(normalise(other, strict=True, pins={})) == [entry["member"]]
