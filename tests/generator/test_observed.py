"""Recorded responses of real servers match the types of the models."""

from __future__ import annotations

import copy
import logging
from typing import Any

import pytest
from attrs import NOTHING, fields_dict

from opencode_client import models
from opencode_client.model import to_plain
from scripts import derive_observed
from scripts.normalise.names import pascal
from scripts.normalise.schema import META, Json, schemas_of
from scripts.normalise.wire import OBSERVED, read_observed
from scripts.recordings import DOCUMENTED, RECORDED, document
from tests.support.recorded_payloads import normalised, reader_of, recorded


def _entries() -> dict[tuple[str, str], Json]:
    return {(entry["model"], entry["member"]): entry for entry in read_observed()}


def _is_optional(model: str, member: str) -> bool:
    return fields_dict(getattr(models, model))[member].default is None


@pytest.mark.parametrize("version", RECORDED)
def test_every_recording_round_trips_without_a_warning(
    version: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opencode_client.decoding.shapes._warned", set[tuple[str, str]]())
    caplog.set_level(logging.WARNING, "opencode_client.decoding")
    different = [
        where
        for where, reader, payload in recorded(version)
        if to_plain(reader(copy.deepcopy(payload), strict=False)) != payload
    ]
    assert different == []
    assert caplog.messages == []


@pytest.mark.parametrize("version", RECORDED)
def test_every_recording_can_be_read_strictly(version: str) -> None:
    for _, reader, payload in recorded(version):
        reader(copy.deepcopy(payload), strict=True)


@pytest.mark.documents
def test_the_committed_file_is_as_derived() -> None:
    assert derive_observed.main(["--check"]) == 0


def test_every_measured_member_is_an_entry() -> None:
    assert derive_observed.MEASURED.keys() - _entries().keys() == set()


def test_every_entry_names_an_existing_member() -> None:
    schemas = schemas_of(normalised())
    assert [place for place in _entries() if place[1] not in schemas[place[0]]["properties"]] == []


def test_every_entry_has_versions_and_a_source() -> None:
    assert [place for place, entry in _entries().items() if not (entry["versions"] and entry["source"])] == []
    assert OBSERVED.read_text(encoding="utf-8").isascii()


def test_no_tag_of_a_union_is_optional() -> None:
    schemas = schemas_of(normalised())
    loose = [
        (name, tag)
        for name, schema in schemas.items()
        for tag in schema.get(META, {}).get("tags", [])
        if tag not in schema.get("required", [])
    ]
    assert loose == []


def test_no_member_that_contains_a_tag_is_optional() -> None:
    deciding = derive_observed.deciding_members(normalised())
    assert ("SyncEventSessionCreated", "syncEvent") in deciding
    assert deciding & _entries().keys() == set()


def test_every_event_of_the_versions_without_ids_has_an_optional_id() -> None:
    old = {name for version in DOCUMENTED[:3] for name in schemas_of(document(version)) if "Event." in name}
    here = {pascal(name) for name in old} & schemas_of(normalised()).keys()
    assert len(here) > 30
    assert {name for name in here if not _is_optional(name, "id")} == set()


def test_an_entry_names_only_versions_whose_document_has_the_class() -> None:
    assert _entries()["SessionNextMovedData", "timestamp"]["versions"] == ["1.18.33"]


def test_a_class_that_only_shares_its_name_with_an_older_one_is_unchanged() -> None:
    assert [place for place in _entries() if place[0] == "FileDiff"] == []


@pytest.mark.parametrize(
    ("model", "member"),
    [
        ("SessionsResponse", "data"),
        ("SessionMessagesResponse", "data"),
        ("EventSessionCreated", "id"),
        ("EventMessageUpdated", "id"),
        ("MessageUpdatedData", "session_id"),
        ("MessagePartUpdatedData", "session_id"),
        ("MessagePartUpdatedData", "time"),
        ("SessionUpdatedData", "session_id"),
        ("ModelApi", "url"),
        ("AppSkillsResponseItem", "content"),
        ("GlobalEvent", "directory"),
        ("SnapshotFileDiff", "patch"),
        ("SessionsResponseCursor", "previous"),
        ("SessionMessagesResponseCursor", "next"),
        ("Command", "agent"),
        ("VcsInfo", "branch"),
        ("V2IntegrationGetResponse", "data"),
    ],
)
def test_a_member_that_a_supported_server_leaves_out_is_optional(model: str, member: str) -> None:
    assert _is_optional(model, member)


@pytest.mark.parametrize(
    ("model", "member"),
    [
        ("AssistantMessage", "parent_id"),
        ("AssistantMessage", "cost"),
        ("Session", "time"),
        ("MessageWithParts", "parts"),
    ],
)
def test_a_member_that_every_server_sends_remains_required(model: str, member: str) -> None:
    assert fields_dict(getattr(models, model))[member].default is NOTHING


def test_the_wrong_shell_response_of_1_1_31_makes_no_member_optional() -> None:
    assert ("MessageWithParts", "info") not in _entries()


def test_a_command_of_an_mcp_prompt_has_an_object_for_a_template() -> None:
    assert models.Command.__annotations__["template"] == "str | JsonObject"


def test_a_session_next_event_has_its_time_in_two_forms() -> None:
    assert models.SessionNextPromptedData.__annotations__["timestamp"] == "float | str"


def test_a_prompt_with_no_reply_returns_the_user_message() -> None:
    data: dict[str, Any] = next(
        body for where, _, body in recorded("1.18.33") if where == "session.prompt [noReply]"
    )
    answer = reader_of("session.prompt")(copy.deepcopy(data), strict=True)
    assert isinstance(answer.info, models.UserMessage)
