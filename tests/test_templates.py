"""What the templates render: a package generated from a small document, used as its users would."""

from __future__ import annotations

import copy
import importlib
import logging
import pickle
from types import ModuleType
from typing import Any

import pytest

from opencode_client.errors import ResponseDecodeError
from opencode_client.model import OpencodeModel, Unknown
from tests.packages import document, load_models, write

_STRING = {"type": "string"}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        **more,
    }


_SCHEMAS: dict[str, Any] = {
    "Session": _object(
        {"id": _STRING, "projectID": _STRING, "time": _object({"created": {"type": "integer"}})},
        {
            "title": {"type": "string", "description": "What it is about.", "default": "none"},
            "parts": {"type": "array", "items": _ref("Part")},
            "byName": {"type": "object", "additionalProperties": _ref("Part")},
            "mood": {"type": "string", "enum": ["good", "bad"]},
            "open": {"type": "object"},
            "grid": {"type": "array", "items": {"type": "array", "items": _ref("Leaf")}},
        },
        description="A conversation.",
    ),
    "Part": {"anyOf": [_ref("TextPart"), _ref("Leaf"), _ref("Sync1"), _ref("Sync2"), _ref("Twice")]},
    "TextPart": _object({"type": {"const": "text"}, "text": _STRING}),
    "Leaf": _object({"type": {"enum": ["leaf"]}}, {"next": _ref("Leaf"), "part": _ref("Part")}),
    "Sync1": _object({"type": {"const": "sync"}, "inner": _object({"type": {"const": "one.1"}})}),
    "Sync2": _object({"type": {"const": "sync"}, "inner": _object({"type": {"const": "two.1"}})}),
    "Twice": _object({"type": {"const": "twice"}, "aggregate": {"const": "session"}}),
    "Keywords": _object(
        {"class": _STRING, "list": {"type": "array", "items": _STRING}, "str": _STRING, "from_dict": _STRING},
        {
            "$schema": _STRING,
            "_tag": _STRING,
            "fooBar": _STRING,
            "foo_bar": _STRING,
            "self": _STRING,
            "type": _STRING,
        },
    ),
    "Nullable": _object({"a": {"anyOf": [_STRING, {"type": "null"}]}, "b": {"type": ["integer", "null"]}}),
    "Blend": {
        "anyOf": [_STRING, {"type": "boolean"}, _ref("TextPart"), {"type": "array", "items": _ref("Leaf")}]
    },
    "HasBlend": _object({"it": _ref("Blend")}),
    "Json": {"anyOf": [_STRING, _ref("TextPart"), {"type": "object", "additionalProperties": _ref("Json")}]},
    "HasJson": _object({"it": _ref("Json")}),
    "Text": {"anyOf": [{"type": "string"}, {"type": "array", "items": _STRING}]},
    "Outcome": {
        "anyOf": [
            _object({"success": {"const": True}, "version": _STRING}),
            _object({"success": {"const": False}, "error": _STRING}),
        ]
    },
    "Sent": _object({"mood": {"type": "string", "enum": ["good", "bad"]}}),
}
_PATHS = {
    "/session": {
        "post": {
            "operationId": "session.create",
            "requestBody": {"content": {"application/json": {"schema": _object({"sent": _ref("Sent")})}}},
            "responses": {
                "200": {"description": "", "content": {"application/json": {"schema": _ref("Session")}}}
            },
        }
    }
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return load_models(write(tmp_path_factory.mktemp("small"), document(_SCHEMAS, _PATHS)), "small_client")


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """The log, with nothing warned of before."""
    monkeypatch.setattr("opencode_client.shapes._warned", set[tuple[str, str]]())
    caplog.set_level(logging.WARNING, "opencode_client.reading")
    return caplog


def _session(**more: Any) -> dict[str, Any]:
    return {"id": "ses_1", "projectID": "p", "time": {"created": 1}, **more}


def test_members_have_snake_case_names_and_the_wires_values(models: ModuleType) -> None:
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
def test_to_dict_gives_back_what_was_read(models: ModuleType, data: dict[str, Any]) -> None:
    assert models.Session.from_dict(copy.deepcopy(data)).to_dict() == data


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
    with pytest.raises(TypeError, match="positional"):
        models.TextPart("hi")


def test_models_have_slots(models: ModuleType) -> None:
    with pytest.raises(AttributeError):
        models.TextPart(text="hi").other = 1


def test_a_union_reads_the_class_of_its_tag(models: ModuleType) -> None:
    parts = models.Session.from_dict(_session(parts=[{"type": "leaf"}, {"type": "text", "text": ""}])).parts
    assert [type(part).__name__ for part in parts] == ["Leaf", "TextPart"]


def test_a_union_reads_two_levels_deep(models: ModuleType) -> None:
    wire = [{"type": "sync", "inner": {"type": f"{kind}.1"}} for kind in ("two", "one", "three")]
    parts = models.Session.from_dict(_session(parts=wire)).parts
    assert [type(part).__name__ for part in parts] == ["Sync2", "Sync1", "UnknownPart"]


@pytest.mark.parametrize(
    "wire",
    [
        {"type": "new"},
        {"type": None},
        {"type": []},
        {"type": {}},
        {"type": 1},
        {},
        5,
        "text",
        None,
        [],
        {"type": "sync"},
    ],
)
def test_what_no_variant_is_reads_as_unknown_and_keeps_everything(models: ModuleType, wire: Any) -> None:
    part = models.Session.from_dict(_session(parts=[wire])).parts[0]
    assert isinstance(part, models.UnknownPart)
    assert part.raw == wire


def test_another_value_of_a_second_constant_is_an_unknown_variant(models: ModuleType) -> None:
    wire = [{"type": "twice", "aggregate": "session"}, {"type": "twice", "aggregate": "project"}]
    parts = models.Session.from_dict(_session(parts=wire)).parts
    assert [type(part).__name__ for part in parts] == ["Twice", "UnknownPart"]


def test_a_boolean_tag_is_no_number(models: ModuleType) -> None:
    read_outcome = importlib.import_module(f"{models.__name__}.outcome").read_outcome

    read: list[Any] = [
        read_outcome.read(wire) for wire in ({"success": False, "error": "x"}, {"success": 0, "error": "x"})
    ]
    assert [type(outcome).__name__ for outcome in read] == ["OutcomeVariant2", "UnknownOutcome"]


def test_the_tag_of_an_unknown_variant_compares_with_no_known_value(models: ModuleType) -> None:
    part = models.UnknownPart({"type": "new"})
    assert (part.type, part.tag) == ("__unknown__", "new")


def test_an_unknown_enum_value_passes(models: ModuleType) -> None:
    assert models.Session.from_dict(_session(mood="sleepy"), strict=True).mood == "sleepy"


def test_what_is_read_is_open_and_what_is_only_sent_is_closed(models: ModuleType) -> None:
    assert models.Session.__annotations__["mood"] == "Literal['bad', 'good'] | str | None"
    assert models.Sent.__annotations__["mood"] == "Literal['bad', 'good']"


def test_keywords_and_taken_names_get_an_underscore_and_builtins_stay(models: ModuleType) -> None:
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


def test_two_members_with_one_python_name_are_both_there(models: ModuleType) -> None:
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


def test_a_value_of_another_type_is_kept_as_it_came(models: ModuleType) -> None:
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


def test_what_is_no_object_at_all_raises_without_strict_too(models: ModuleType) -> None:
    with pytest.raises(ResponseDecodeError, match=r"\$: expected object, got array"):
        models.Session.from_dict([])


@pytest.mark.parametrize(
    ("it", "kind"),
    [
        ("text", "str"),
        (True, "bool"),
        ({"type": "text", "text": "x"}, "TextPart"),
        ([{"type": "leaf"}], "list"),
        (5, "int"),
        ({"other": 1}, "TextPart"),
    ],
)
def test_a_mixed_union_tells_its_variants_apart_by_what_came(models: ModuleType, it: Any, kind: str) -> None:
    read = models.HasBlend.from_dict({"it": copy.deepcopy(it)})
    assert read.to_dict() == {"it": it}
    assert type(read.it).__name__ == kind


def test_a_mixed_union_is_strict_too(models: ModuleType) -> None:
    with pytest.raises(
        ResponseDecodeError, match="expected string or boolean or object or array, got number"
    ):
        models.HasBlend.from_dict({"it": 5}, strict=True)


def test_an_alias_is_a_real_union(models: ModuleType) -> None:
    assert isinstance(models.TextPart(text=""), models.Part)
    assert models.Text == str | list[str]


def test_models_pickle_and_copy_with_what_they_do_not_know(models: ModuleType) -> None:
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


def test_additional_properties_are_what_the_class_does_not_know(models: ModuleType) -> None:
    assert models.TextPart.from_dict({"type": "text", "text": "a", "new": 1}).additional_properties == {
        "new": 1
    }
    assert models.TextPart(text="a").additional_properties == {}


def test_a_union_may_be_made_of_itself(models: ModuleType) -> None:
    wire = {"it": {"a": {"b": "text"}}}
    assert models.HasJson.from_dict(copy.deepcopy(wire), strict=True).to_dict() == wire
    assert isinstance("text", models.Json.__args__[0])


def test_a_class_derived_from_a_model_reads_too(models: ModuleType) -> None:
    derived: Any = type("Derived", (models.Session,), {"__slots__": ()})
    read = derived.from_dict(_session(parts=[{"type": "leaf"}]), strict=True)
    assert type(read) is derived
    assert isinstance(read.parts[0], models.Leaf)


def test_a_reader_may_be_called_and_strictly(models: ModuleType) -> None:
    read_part = importlib.import_module(f"{models.__name__}.part").read_part
    assert read_part({"type": "text", "text": "a"}, strict=True) == models.TextPart(text="a")
    with pytest.raises(ResponseDecodeError, match=r"Part: \$\.text: expected string, got nothing"):
        read_part({"type": "text"}, strict=True)
    assert repr(read_part) == "<reader of Part>"


@pytest.mark.parametrize("tag", [5, None, True, [], {}])
def test_a_tag_of_another_type_is_no_new_variant_to_a_strict_reader(models: ModuleType, tag: Any) -> None:
    with pytest.raises(ResponseDecodeError, match=r"\$\.parts\[0\]\.type: expected string, got"):
        models.Session.from_dict(_session(parts=[{"type": tag}]), strict=True)


def test_an_unknown_variant_shows_its_tag_or_what_it_is(models: ModuleType) -> None:
    shown = [repr(models.UnknownPart(raw)) for raw in ({"type": "new"}, 5)]
    assert shown == ["UnknownPart(tag='new')", "UnknownPart(raw=int)"]


def test_a_repr_shows_what_is_there(models: ModuleType) -> None:
    assert repr(models.Leaf(next=models.Leaf())) == "Leaf(type='leaf', next=Leaf(type='leaf'))"


def test_descriptions_and_server_defaults_are_in_the_docstrings(models: ModuleType) -> None:
    assert "A conversation." in models.Session.__doc__
    source = importlib.import_module(models.Session.__module__).__file__
    assert source
    with open(source, encoding="utf-8") as text:
        assert 'What it is about.\n    Server default: "none".' in text.read()


def test_a_body_that_is_spread_has_no_class(models: ModuleType) -> None:
    assert "SessionCreateBody" not in models.__all__


def test_every_public_name_is_a_model_an_alias_or_an_unknown(models: ModuleType) -> None:
    values = {name: getattr(models, name) for name in models.__all__}
    classes = [value for value in values.values() if isinstance(value, type)]
    assert all(issubclass(value, OpencodeModel | Unknown) for value in classes)
    assert {name for name, value in values.items() if value not in classes} == {
        "Part",
        "Blend",
        "Text",
        "Outcome",
        "Json",
    }


def test_an_unknown_name_is_an_attribute_error(models: ModuleType) -> None:
    with pytest.raises(AttributeError, match="NoSuchModel"):
        _ = models.NoSuchModel
