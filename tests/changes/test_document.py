"""Changes between two documents, and which of them are breaking."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from scripts.changes.change import Change
from scripts.changes.document import compare_documents
from scripts.normalise import rules
from scripts.normalise.names import Namer
from scripts.recordings import document as recorded
from scripts.rooms import ROOT
from tests.changes.small_documents import (
    NULL,
    NUMBER,
    STRING,
    accepting,
    an_object,
    any_of,
    document,
    operation,
    parameter,
    ref,
    report_lines,
    returning,
)

_INTEGER = {"type": "integer"}
_ANY: dict[str, Any] = {}
_AB = {"type": "string", "enum": ["a", "b"]}
_A = {"type": "string", "enum": ["a"]}
_TEXT = an_object("type", type={"const": "text"}, text=STRING)
_FILE = an_object("type", type={"const": "file"})
_TOOL = an_object("type", type={"const": "tool"})
_AT_BODY, _AT_RESPONSE = "operation note.add / body.it", "operation note.add / response"


@pytest.mark.parametrize(
    ("old", "new", "text", "breaks_sending", "breaks_receiving"),
    [
        (STRING, NUMBER, "string -> number", True, True),
        (NUMBER, _INTEGER, "number -> integer", True, False),
        (_INTEGER, NUMBER, "integer -> number", False, True),
        (STRING, _ANY, "string -> any", False, True),
        (_ANY, STRING, "any -> string", True, False),
        (STRING, any_of(STRING, NULL), "can be null now", False, True),
        (any_of(STRING, NULL), STRING, "can no longer be null", True, False),
        (_AB, {"type": "string", "enum": ["a", "b", "c"]}, '"c" added', False, False),
        ({"type": "string", "enum": ["a", "b", "c"]}, _AB, '"c" removed', True, False),
        (_AB, STRING, '"a" | "b" -> string', False, False),
        (STRING, _AB, 'string -> "a" | "b"', True, False),
        (_A, _AB, '"b" added', False, True),
        (any_of(STRING, NUMBER), STRING, "variant number removed", True, False),
        (STRING, any_of(STRING, NUMBER), "variant number added", False, True),
        (any_of(_TEXT, _FILE), any_of(_TEXT, _FILE, _TOOL), 'variant object type="tool" added', False, False),
        (any_of(_TEXT, _FILE), _TEXT, 'variant object type="file" removed', True, False),
        (_TEXT, any_of(_TEXT, _FILE), 'variant object type="file" added', False, True),
        (_TEXT, STRING, 'object type="text" -> string', True, True),
    ],
)
def test_a_narrower_type_breaks_senders_and_a_wider_one_receivers(
    old: dict[str, Any], new: dict[str, Any], text: str, breaks_sending: bool, breaks_receiving: bool
) -> None:
    assert report_lines(accepting(old), accepting(new)) == [f"{'! ' * breaks_sending}{_AT_BODY}: {text}"]
    assert report_lines(returning(old), returning(new)) == [
        f"{'! ' * breaks_receiving}{_AT_RESPONSE}: {text}"
    ]


@pytest.mark.parametrize(
    ("old", "new", "text", "breaks_sending", "breaks_receiving"),
    [
        (an_object(a=STRING), an_object(a=STRING, b=STRING), "b: added, optional (string)", False, False),
        (an_object(a=STRING), an_object("b", a=STRING, b=STRING), "b: added, required (string)", True, False),
        (an_object(a=STRING, b=STRING), an_object(a=STRING), "b: removed (string)", True, True),
        (an_object("a", a=STRING), an_object(a=STRING), "a: is optional now", False, True),
        (an_object(a=STRING), an_object("a", a=STRING), "a: is required now", True, False),
    ],
)
def test_changed_members_of_a_model_break_senders_or_receivers(
    old: dict[str, Any], new: dict[str, Any], text: str, breaks_sending: bool, breaks_receiving: bool
) -> None:
    for make, breaks in ((accepting, breaks_sending), (returning, breaks_receiving)):
        before, after = make(ref("Note"), Note=old), make(ref("Note"), Note=new)
        assert report_lines(before, after) == [f"{'! ' * breaks}model Note / {text}"]


def test_a_model_inside_a_sent_model_is_sent() -> None:
    holder = {"Holder": an_object(notes={"type": "array", "items": ref("Note")})}
    old = accepting(ref("Holder"), **holder, Note=an_object(a=STRING))
    new = accepting(ref("Holder"), **holder, Note=an_object("a", a=STRING))
    assert report_lines(old, new) == ["! model Note / a: is required now"]


def test_a_change_deep_inside_has_its_path() -> None:
    def deep(leaf: dict[str, Any]) -> dict[str, Any]:
        items = {"type": "array", "items": {"type": "object", "additionalProperties": an_object(leaf=leaf)}}
        return returning(an_object(list=any_of(items, NULL)))

    assert report_lines(deep(STRING), deep(NUMBER)) == [f"! {_AT_RESPONSE}.list[]{{}}.leaf: string -> number"]


def test_a_change_inside_one_variant_names_it() -> None:
    new = an_object("type", type={"const": "text"}, text=NUMBER)
    old, changed = returning(any_of(_TEXT, _FILE)), returning(any_of(_FILE, new))
    assert report_lines(old, changed) == [f"! {_AT_RESPONSE}<type=text>.text: string -> number"]


def test_a_model_is_reported_once_for_all_its_uses() -> None:
    twice = an_object("a", "b", a=ref("Note"), b=ref("Note"))
    old, new = returning(twice, Note=an_object(x=STRING)), returning(twice, Note=an_object(x=NUMBER))
    assert report_lines(old, new) == ["! model Note / x: string -> number"]


def test_a_model_of_another_name_in_the_same_place_is_renamed_and_compared() -> None:
    old = returning(ref("Event.note"), **{"Event.note": an_object("id", "at", id=STRING, at=STRING)})
    new = returning(ref("EventNote"), EventNote=an_object("id", id=STRING, at=STRING))
    assert report_lines(old, new) == [
        "model Event.note: renamed to model EventNote",
        "! model EventNote / at: is optional now",
    ]


def test_a_renamed_model_is_not_also_removed_and_added() -> None:
    old = document(**{"A.text": _TEXT, "File": _FILE}, Union=any_of(ref("A.text"), ref("File")))
    new = document(AText=_TEXT, AFile=_FILE, Union=any_of(ref("AFile"), ref("AText")))
    assert report_lines(old, new) == [
        "model A.text: renamed to model AText",
        "! model File: renamed to model AFile",
    ]


def test_a_different_model_in_the_same_place_is_not_a_rename() -> None:
    old, new = (
        returning(ref("Note"), Note=an_object(x=STRING)),
        returning(ref("Task"), Task=an_object(a=STRING, b=STRING)),
    )
    assert "! operation note.add / response: Note -> Task" in report_lines(old, new)
    assert "! model Note: removed (object)" in report_lines(old, new)


def test_replacing_an_inline_object_by_an_equal_model_is_not_a_change() -> None:
    new = returning(ref("Note"), Note=an_object(x=STRING))
    assert report_lines(returning(an_object(x=STRING)), new) == ["model Note: added (object)"]


def test_models_that_contain_themselves_are_compared() -> None:
    def tree(name: str, leaf: dict[str, Any]) -> dict[str, Any]:
        return returning(ref(name), **{name: an_object(leaf=leaf, a=STRING, next=ref(name))})

    assert report_lines(tree("Old", STRING), tree("New", NUMBER)) == [
        "! model New / leaf: string -> number",
        "! model Old: renamed to model New",
    ]


def test_replacing_a_model_by_another_existing_one_is_one_change() -> None:
    both = {
        "Leaf": an_object(text=STRING, next=ref("Leaf")),
        "Tree": an_object(text=NUMBER, next=ref("Tree")),
    }
    assert report_lines(returning(ref("Leaf"), **both), returning(ref("Tree"), **both)) == [
        "! operation note.add / response: Leaf -> Tree"
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([], [parameter("limit")], ["operation note.add / query limit: added, optional (string)"]),
        (
            [],
            [parameter("limit", required=True)],
            ["! operation note.add / query limit: added, required (string)"],
        ),
        ([parameter("limit")], [], ["! operation note.add / query limit: removed (string)"]),
        (
            [parameter("limit")],
            [parameter("limit", required=True)],
            ["! operation note.add / query limit: is required now"],
        ),
        (
            [parameter("limit", STRING)],
            [parameter("limit", NUMBER)],
            ["! operation note.add / query limit: string -> number"],
        ),
    ],
)
def test_changed_parameters_are_reported(
    old: list[dict[str, Any]], new: list[dict[str, Any]], expected: list[str]
) -> None:
    assert report_lines(document(operation(*old)), document(operation(*new))) == expected


@pytest.mark.parametrize(("required", "mark"), [([], ""), (["x"], "! ")])
def test_a_new_body_breaks_only_when_something_in_it_is_required(required: list[str], mark: str) -> None:
    new = document(operation(body=an_object(*required, x=STRING)))
    assert report_lines(document(operation()), new) == [f"{mark}operation note.add / body: added (object)"]


def test_operations_are_added_removed_moved_and_renamed() -> None:
    old, new = document(operation()), document({**operation(), "operationId": "note.write"})
    assert report_lines(old, new) == [
        "! operation note.add: removed (POST /note.add)",
        "operation note.write: added (POST /note.write)",
    ]
    new["paths"] = {"/note.add": new["paths"]["/note.write"]}
    assert report_lines(old, new) == ["! operation note.add: renamed to operation note.write"]
    new["paths"] = {"/notes": old["paths"]["/note.add"]}
    assert report_lines(old, new) == ["operation note.add: POST /note.add -> POST /notes"]


def test_error_bodies_are_breaking_and_error_statuses_are_not() -> None:
    def failing(status: str, schema: dict[str, Any]) -> dict[str, Any]:
        found = operation()
        found["responses"][status] = {"content": {"application/json": {"schema": schema}}}
        return document(found)

    assert report_lines(document(operation()), failing("409", STRING)) == [
        "operation note.add / errors: 409 added"
    ]
    assert report_lines(failing("409", STRING), failing("409", NUMBER)) == [
        "! operation note.add / error 409: string -> number"
    ]


def test_changed_descriptions_and_limits_are_one_line_for_each_operation_and_model() -> None:
    old, new = (
        returning(ref("Note"), Note=an_object(x=STRING)),
        returning(ref("Note"), Note=an_object(x=STRING)),
    )
    new["paths"]["/note.add"]["post"]["summary"] = "Add a note"
    new["components"]["schemas"]["Note"]["properties"]["x"] = {**STRING, "maxLength": 3}
    assert report_lines(old, new) == [
        "model Note: descriptions, limits or examples changed",
        "operation note.add: descriptions, limits or examples changed",
    ]


def test_everything_is_added_to_an_empty_document() -> None:
    assert report_lines({}, returning(ref("Note"), Note=an_object(x=STRING))) == [
        "model Note: added (object)",
        "operation note.add: added (POST /note.add)",
    ]


def test_a_name_in_a_document_cannot_add_a_line_to_the_report() -> None:
    assert report_lines({}, document(**{"Note\n! model \x1b[2J\ud83d": STRING})) == [
        "model Note\\n! model \\x1b[2J\ufffd: added (string)"
    ]


@pytest.fixture(scope="module")
def history() -> list[Change]:
    """From 1.1.31 to 1.18.33."""
    return compare_documents(recorded("1.1.31"), recorded("1.18.33"))


def _operations(changes: list[Change], kind: str) -> int:
    return sum(c.where.startswith("operation ") and " / " not in c.where and c.kind == kind for c in changes)


def test_real_servers_only_added_operations(history: list[Change]) -> None:
    assert (_operations(history, "added"), _operations(history, "removed")) == (93, 0)
    assert (_operations(history, "renamed"), _operations(history, "moved")) == (0, 0)


@pytest.mark.documents
def test_the_newest_servers_only_added_operations() -> None:
    last = compare_documents(recorded("1.3.2"), recorded("1.18.33"))
    assert (_operations(last, "added"), _operations(last, "removed")) == (83, 0)


@pytest.mark.parametrize(
    ("where", "kind", "breaking"),
    [
        ("model Todo / id", "removed", True),
        ("model Command / mcp", "removed", True),
        ("model Session / agent", "added", False),
        ("model Config / keybinds", "removed", True),
        ("model VcsInfo / branch", "optional", True),
        ("operation app.skills / response[].description", "optional", True),
        ("operation auth.set / query directory", "removed", True),
        ("operation mcp.auth.start / response.oauthState", "added", False),
        ("operation session.messages / query before", "added", False),
        ("operation session.prompt / body.format", "added", False),
        ("model Worktree / branch", "optional", True),
    ],
)
def test_known_changes_of_real_servers_are_found(
    history: list[Change], where: str, kind: str, breaking: bool
) -> None:
    assert [(change.kind, change.breaking) for change in history if change.where == where] == [
        (kind, breaking)
    ]


def test_a_shape_that_the_pipeline_corrects_is_not_a_change(history: list[Change]) -> None:
    corrected = ("operation session.shell / response", "operation provider.list / response")
    assert [change.where for change in history if change.where.startswith(corrected)] == []


def test_an_inline_copy_of_a_model_in_a_union_is_not_a_change() -> None:
    union, copied = any_of(ref("Text"), ref("File")), any_of(_TEXT, ref("File"))
    old = returning(union, Text=_TEXT, File=_FILE)
    assert report_lines(old, returning(copied, Text=_TEXT, File=_FILE)) == []


def test_another_spelling_of_the_same_argument_is_not_breaking() -> None:
    old, new = operation(parameter("noteID")), operation(parameter("noteId"))
    assert report_lines(document(old), document(new)) == [
        "operation note.add: descriptions, limits or examples changed"
    ]


def test_the_report_names_no_rule_of_the_pipeline() -> None:
    every = rules(Namer({}, strict=False), [])
    names = {getattr(rule, "func", rule).__name__ for rule in every}
    assert len(names) >= 36
    for file in (ROOT / "scripts" / "changes").glob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        used = {getattr(node, "id", getattr(node, "attr", getattr(node, "name", None))) for node in nodes}
        assert names & used == set(), file.name
