"""Correct the document where servers send something else."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.normalise import wire
from scripts.normalise.schema import Json
from scripts.normalise.wire import CORRECTIONS, correct, loosen
from scripts.recordings import DOCUMENTED
from scripts.recordings import document as recorded
from tests.normalise.small_documents import document, obj, ok, one_operation, reference, schemas_in

STRING: Json = {"type": "string"}


def _prompt(info: Json, *components: str) -> Json:
    answer = {"post": {"operationId": "session.prompt", "responses": ok(obj(info=info))}}
    schemas = {name: obj() for name in components}
    return document(schemas, {"/session/{sessionID}/message": answer})


def test_a_documented_shape_that_no_server_sends_is_replaced() -> None:
    given = _prompt(reference("AssistantMessage"), "AssistantMessage", "Message")
    assert correct(given) == _prompt(reference("Message"), "AssistantMessage", "Message")


def test_a_correction_of_an_unknown_component_is_ignored() -> None:
    given = _prompt(reference("AssistantMessage"), "AssistantMessage")
    assert correct(given) == given


def test_a_document_without_the_corrected_pointer_is_unchanged() -> None:
    given = one_operation(
        {"responses": ok(obj())}, schemas={"Message": obj(), "Part": obj(), "Provider": obj()}
    )
    assert correct(given) == given


@pytest.mark.parametrize("correction", CORRECTIONS, ids=lambda correction: correction.pointer)
def test_every_correction_changes_a_committed_document(correction: wire.Correction) -> None:
    def at(place: Any) -> Any:  # Any: any JSON
        for key in correction.pointer.split("/")[1:]:
            place = place.get(key.replace("~1", "/").replace("~0", "~"), {})
        return place

    assert [version for version in DOCUMENTED if at(correct(recorded(version))) != at(recorded(version))]


def test_every_correction_has_a_reason() -> None:
    assert [correction for correction in CORRECTIONS if not correction.reason.strip()] == []


def _loosened(schema: Json, *seen: str, member: str = "a") -> Json:
    entry = {
        "model": "S",
        "member": member,
        "seen": list(seen),
        "versions": ["1.1.31"],
        "source": ["document"],
    }
    found: Json = schemas_in(loosen(document({"S": schema}), [entry]))["S"]
    return found


@pytest.mark.parametrize("seen", ["missing", "null"])
def test_a_member_that_a_server_leaves_out_or_sends_as_null_is_not_required(seen: str) -> None:
    assert _loosened(obj("a", "b", a=STRING, b=STRING), seen) == obj("b", a=STRING, b=STRING)


@pytest.mark.parametrize(
    ("seen", "schema"),
    [
        ("number", {"type": "number"}),
        ("object", {"type": "object", "additionalProperties": {}}),
        ("array", {"type": "array", "items": {}}),
    ],
)
def test_a_member_that_a_server_sends_as_another_type_allows_both(seen: str, schema: Json) -> None:
    assert _loosened(obj("a", a=STRING), seen) == obj("a", a={"anyOf": [STRING, schema]})


def test_a_type_that_the_member_has_already_is_not_added() -> None:
    schema = obj(a={**STRING, "description": "d"})
    assert _loosened(schema, "string") == schema


def test_a_loosened_member_keeps_its_notes() -> None:
    member = _loosened(obj(a={**STRING, "description": "d"}), "number")["properties"]["a"]
    assert member["description"] == "d"


def test_a_member_that_is_a_union_gets_one_more_variant() -> None:
    union = {"anyOf": [STRING, {"type": "null"}]}
    assert _loosened(obj(a=union), "number") == obj(a={"anyOf": [*union["anyOf"], {"type": "number"}]})


def test_several_deviations_of_one_member_are_all_applied() -> None:
    loosened = _loosened(obj("a", a=STRING), "missing", "number")
    assert loosened == obj(a={"anyOf": [STRING, {"type": "number"}]})


def test_a_deviation_of_a_missing_member_is_ignored() -> None:
    schema = obj("a", a=STRING)
    assert _loosened(schema, "missing", member="gone") == schema


def test_a_deviation_of_an_unknown_member_is_skipped() -> None:
    entries = [{"model": "S", "member": member, "seen": ["missing"]} for member in ("gone", "a")]
    assert schemas_in(loosen(document({"S": obj("a", a=STRING)}), entries))["S"]["required"] == []


def test_a_deviation_of_a_missing_model_is_ignored() -> None:
    given = document({"Other": obj("a", a=STRING)})
    assert loosen(given, [{"model": "S", "member": "a", "seen": ["missing"]}]) == given
