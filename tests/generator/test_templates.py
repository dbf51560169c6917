"""Classes of a package generated from a small document, used as its users would."""

from __future__ import annotations

import copy
import importlib
import pickle
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from opencode_client import to_datetime, to_epoch_ms
from opencode_client.errors import ResponseDecodeError
from tests.support.small_package import session as _session


def test_members_have_snake_case_names_and_the_servers_values(models: ModuleType) -> None:
    session = models.Session.from_dict(_session())
    assert (session.id, session.project_id, session.time.created) == ("ses_1", "p", 1)


def test_a_missing_optional_member_reads_as_none(models: ModuleType) -> None:
    assert models.Session.from_dict(_session()).title is None


@pytest.mark.parametrize(
    "data",
    [
        _session(),
        _session(title=None, parts=None),
        _session(unknown={"a": [1]}, parts=[{"type": "text", "text": "hi", "more": 1}, {"type": "new"}]),
        _session(byName={"a": {"type": "leaf", "next": {"type": "leaf"}}}, open={"x": None}),
        _session(grid=[[{"type": "leaf"}], []]),
    ],
)
def test_to_dict_returns_the_json_that_was_read(models: ModuleType, data: dict[str, Any]) -> None:
    assert models.Session.from_dict(copy.deepcopy(data)).to_dict() == data


def test_a_date_time_is_kept_as_text_and_can_be_read_as_datetime(models: ModuleType) -> None:
    session = models.Session.from_dict(_session(due="2026-11-23T07:15:43.845Z"))
    assert session.to_dict()["due"] == session.due == "2026-11-23T07:15:43.845Z"
    assert to_datetime(session.due) == datetime(2026, 11, 23, 7, 15, 43, 845000, tzinfo=UTC)
    assert to_epoch_ms(session.due) == 1795418143845


def test_to_dict_reflects_changes_at_every_depth(models: ModuleType) -> None:
    session = models.Session.from_dict(_session(parts=[{"type": "text", "text": "hi"}], title="a", keep=1))
    session.parts[0].text = "ho"
    session.title = None
    session.project_id = "q"
    assert session.to_dict() == {
        **_session(projectID="q", keep=1),
        "parts": [{"type": "text", "text": "ho"}],
    }


def test_a_constant_is_its_members_default(models: ModuleType) -> None:
    assert models.TextPart(text="hi").to_dict() == {"type": "text", "text": "hi"}


def test_members_are_keyword_only(models: ModuleType) -> None:
    with pytest.raises(TypeError, match="without a name"):
        models.TextPart("hi")


def test_models_have_slots(models: ModuleType) -> None:
    with pytest.raises(AttributeError):
        models.TextPart(text="hi").other = 1


def test_an_unknown_enum_value_is_accepted(models: ModuleType) -> None:
    assert models.Session.from_dict(_session(mood="sleepy"), strict=True).mood == "sleepy"


def test_enums_are_open_when_read_and_closed_when_only_sent(models: ModuleType) -> None:
    assert models.Session.__annotations__["mood"] == "Literal['bad', 'good'] | str | None"
    assert models.Sent.__annotations__["mood"] == "Literal['bad', 'good']"


def test_keywords_and_taken_names_get_an_underscore_but_builtins_do_not(models: ModuleType) -> None:
    wire = {
        "class": "c",
        "list": ["l"],
        "str": "s",
        "from_dict": "f",
        "$schema": "u",
        "_tag": "t",
        "self": "x",
    }
    read = models.Keywords.from_dict(dict(wire, type="y"))
    shown = (read.class_, read.list, read.str, read.from_dict_, read.schema, read.tag, read.self_, read.type)
    assert shown == ("c", ["l"], "s", "f", "u", "t", "x", "y")
    assert read.to_dict() == dict(wire, type="y")


def test_two_members_with_one_python_name_are_both_kept(models: ModuleType) -> None:
    wire: dict[str, Any] = {
        "class": "",
        "list": [],
        "str": "",
        "from_dict": "",
        "fooBar": "1",
        "foo_bar": "2",
    }
    read = models.Keywords.from_dict(wire)
    assert sorted(getattr(read, name) for name in read.__slots__ if name.startswith("foo_bar")) == ["1", "2"]


@pytest.mark.parametrize(("tag", "got"), [("other", "'other'"), (5, "number")])
def test_strict_reading_refuses_another_value_than_the_constant(
    models: ModuleType, tag: object, got: str
) -> None:
    with pytest.raises(ResponseDecodeError, match=rf"\$\.type: expected 'text', got {got}"):
        models.TextPart.from_dict({"type": tag, "text": ""}, strict=True)


def test_a_required_member_that_is_none_is_sent_as_null(models: ModuleType) -> None:
    assert models.Nullable(a="x", b=None).to_dict() == {"a": "x", "b": None}


def test_a_map_of_another_type_is_kept_with_a_warning(
    models: ModuleType, warned: pytest.LogCaptureFixture
) -> None:
    assert models.HasMap.from_dict({"byName": [1]}).by_name == [1]
    assert warned.messages == ["HasMap.by_name is array, not object as documented"]


def test_a_required_null_reads_without_a_warning_where_the_document_admits_it(
    models: ModuleType, warned: pytest.LogCaptureFixture
) -> None:
    assert models.Nullable.from_dict({"a": None, "b": None}).to_dict() == {"a": None, "b": None}
    assert warned.messages == []


@pytest.mark.parametrize("found", ["missing", "null"])
def test_a_required_member_that_is_missing_or_null_reads_as_none_with_one_warning(
    models: ModuleType, warned: pytest.LogCaptureFixture, found: str
) -> None:
    data = {"id": "ses_1", "time": {"created": 1}} | ({"projectID": None} if found == "null" else {})
    read = [models.Session.from_dict(dict(data)) for _ in range(3)]
    assert [session.project_id for session in read] == [None] * 3
    assert [session.to_dict() for session in read] == [data] * 3
    assert warned.messages == [f"Session.project_id is {found}, not string as documented"]


def test_a_value_of_another_type_is_kept_unchanged(models: ModuleType) -> None:
    data = _session(time=5, parts="none", grid=[3], byName=[1])
    read = models.Session.from_dict(copy.deepcopy(data))
    assert (read.time, read.parts) == (5, "none")
    assert read.to_dict() == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"id": "s", "time": {"created": 1}}, "$.projectID: expected string, got nothing"),
        (_session(id=None), "$.id: expected string, got null"),
        (_session(time={"created": "x"}), "$.time.created: expected integer, got string"),
        (_session(time={"created": True}), "$.time.created: expected integer, got boolean"),
        (
            _session(parts=[{"type": "text", "text": "a"}, {"type": "text"}]),
            "$.parts[1].text: expected string, got",
        ),
        (
            _session(parts=[{"type": "leaf", "next": {"type": "leaf", "next": 1}}]),
            "$.parts[0].next.next: expected object",
        ),
        (_session(parts=[{}]), "$.parts[0].type: expected string, got nothing"),
        (_session(parts=[None]), "$.parts[0]: expected object, got null"),
        (
            _session(byName={"a b": {"type": "text", "text": 1}}),
            "$.byName['a b'].text: expected string, got number",
        ),
        (_session(grid=[[{"type": "leaf"}, 1]]), "$.grid[0][1]: expected object, got number"),
        ([], "$: expected object, got array"),
    ],
)
def test_strict_reading_names_the_path_and_the_types(models: ModuleType, data: Any, message: str) -> None:
    with pytest.raises(ResponseDecodeError) as caught:
        models.Session.from_dict(data, strict=True)
    assert message in str(caught.value)


@pytest.mark.parametrize("strict", [False, True])
def test_too_deep_nesting_raises_response_decode_error(models: ModuleType, strict: bool) -> None:
    wire: dict[str, Any] = {"type": "leaf"}
    for _ in range(5_000):
        wire = {"type": "leaf", "next": wire}
    with pytest.raises(ResponseDecodeError, match="expected less nesting"):
        models.Leaf.from_dict(wire, strict=strict)


def test_json_that_is_not_an_object_raises_in_every_mode(models: ModuleType) -> None:
    with pytest.raises(ResponseDecodeError, match=r"\$: expected object, got array"):
        models.Session.from_dict([])


def test_models_pickle_and_copy_with_unknown_members(models: ModuleType) -> None:
    session = models.Session.from_dict(
        _session(unknown=1, parts=[{"type": "text", "text": "a"}, {"type": "new"}])
    )
    for twin in (pickle.loads(pickle.dumps(session)), copy.copy(session), copy.deepcopy(session)):  # noqa: S301 # ours
        assert twin == session
        assert twin.to_dict() == session.to_dict()


def test_equality_is_of_class_and_meaning(models: ModuleType) -> None:
    read = models.TextPart.from_dict({"type": "text", "text": "a"})
    assert read == models.TextPart(text="a")
    assert read != models.TextPart(text="b")
    assert read != {"type": "text", "text": "a"}


def test_additional_properties_are_the_unknown_members(models: ModuleType) -> None:
    assert models.TextPart.from_dict({"type": "text", "text": "a", "new": 1}).additional_properties == {
        "new": 1
    }
    assert models.TextPart(text="a").additional_properties == {}


def test_a_class_derived_from_a_model_can_be_read(models: ModuleType) -> None:
    derived: Any = type("Derived", (models.Session,), {"__slots__": ()})
    read = derived.from_dict(_session(parts=[{"type": "leaf"}]), strict=True)
    assert type(read) is derived
    assert isinstance(read.parts[0], models.Leaf)


def test_a_repr_leaves_out_missing_members(models: ModuleType) -> None:
    assert repr(models.Leaf(next=models.Leaf())) == "Leaf(type='leaf', next=Leaf(type='leaf'))"


def test_descriptions_and_server_defaults_are_in_the_docstrings(models: ModuleType) -> None:
    assert "A conversation." in models.Session.__doc__
    source = importlib.import_module(models.Session.__module__).__file__
    assert source
    with open(source, encoding="utf-8") as text:
        assert 'What it is about.\n    Server default: "none".' in text.read()


def test_a_body_that_is_spread_has_no_class(models: ModuleType) -> None:
    assert "SessionCreateBody" not in models.__all__


def test_an_unknown_name_is_an_attribute_error(models: ModuleType) -> None:
    with pytest.raises(AttributeError, match="NoSuchModel"):
        _ = models.NoSuchModel


def test_the_alias_of_a_union_has_every_variant_at_run_time(models: ModuleType) -> None:
    names = [variant.__name__ for variant in models.Part.__args__]
    assert names == ["TextPart", "Leaf", "Sync1", "Sync2", "Twice", "UnknownPart"]
