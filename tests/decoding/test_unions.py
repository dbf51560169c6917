"""Unions of a package generated from a small document: one lookup selects the variant, unknown variants are kept."""

from __future__ import annotations

import copy
import importlib
from types import ModuleType
from typing import Any

import pytest

from opencode_client.errors import ResponseDecodeError
from opencode_client.model import OpencodeModel, Unknown, UnknownEvent
from tests.support.small_package import session as _session


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
def test_data_of_an_unknown_variant_is_read_as_unknown_and_kept(models: ModuleType, wire: Any) -> None:
    part = models.Session.from_dict(_session(parts=[wire])).parts[0]
    assert isinstance(part, models.UnknownPart)
    assert part.raw_ == wire


def test_another_value_of_a_second_constant_is_an_unknown_variant(models: ModuleType) -> None:
    wire = [{"type": "twice", "aggregate": "session"}, {"type": "twice", "aggregate": "project"}]
    parts = models.Session.from_dict(_session(parts=wire)).parts
    assert [type(part).__name__ for part in parts] == ["Twice", "UnknownPart"]


def test_a_boolean_tag_is_not_a_number(models: ModuleType) -> None:
    read_outcome = importlib.import_module(f"{models.__name__}.outcome").read_outcome

    read: list[Any] = [
        read_outcome.read(wire) for wire in ({"success": False, "error": "x"}, {"success": 0, "error": "x"})
    ]
    assert [type(outcome).__name__ for outcome in read] == ["OutcomeVariant2", "UnknownOutcome"]


def test_the_tag_of_an_unknown_variant_compares_with_no_known_value(models: ModuleType) -> None:
    part = models.UnknownPart({"type": "new"})
    assert (part.type, part.tag) == ("__unknown__", "new")


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
def test_a_union_without_a_tag_selects_its_variant_by_the_kind_of_json(
    models: ModuleType, it: Any, kind: str
) -> None:
    read = models.HasBlend.from_dict({"it": copy.deepcopy(it)})
    assert read.to_dict() == {"it": it}
    assert type(read.it).__name__ == kind


@pytest.mark.parametrize(("kind", "name"), [("hut", "Hut"), ("inn", "Inn"), ("tent", "Camp"), ("new", "Hut")])
def test_a_union_without_a_tag_selects_the_variant_that_lists_the_value(
    models: ModuleType, kind: str, name: str
) -> None:
    read = models.HasLodging.from_dict({"it": {"kind": kind, "beds": 2}})
    assert type(read.it).__name__ == name


def test_a_union_without_a_tag_is_checked_strictly(models: ModuleType) -> None:
    with pytest.raises(
        ResponseDecodeError, match="expected string or boolean or object or array, got number"
    ):
        models.HasBlend.from_dict({"it": 5}, strict=True)


def test_the_reader_of_a_union_without_a_tag_can_be_strict(models: ModuleType) -> None:
    read_blend = importlib.import_module(models.HasBlend.__module__).read_blend
    assert read_blend([{"type": "leaf"}], strict=True) == [models.Leaf()]
    with pytest.raises(ResponseDecodeError, match=r"Blend: \$\[0\]: expected object, got number"):
        read_blend([5], strict=True)


def test_a_strict_check_tries_every_variant_that_seems_to_fit(models: ModuleType) -> None:
    wire = {"it": {"type": "text", "text": {"a": "b"}}}  # no text, but an object of texts and objects
    assert models.HasJson.from_dict(copy.deepcopy(wire), strict=True).to_dict() == wire


def test_a_strict_check_reports_the_error_of_the_last_variant(models: ModuleType) -> None:
    with pytest.raises(ResponseDecodeError, match=r"\$\.it\.text: expected string or object, got number"):
        models.HasJson.from_dict({"it": {"type": "text", "text": 5}}, strict=True)


def test_an_alias_is_a_union_at_run_time(models: ModuleType) -> None:
    assert isinstance(models.TextPart(text=""), models.Part)
    assert models.Text == str | list[str]


def test_a_union_may_contain_itself(models: ModuleType) -> None:
    wire = {"it": {"a": {"b": "text"}}}
    assert models.HasJson.from_dict(copy.deepcopy(wire), strict=True).to_dict() == wire
    assert isinstance("text", models.Json.__args__[0])


def test_a_reader_is_callable_and_may_be_strict(models: ModuleType) -> None:
    read_part = importlib.import_module(f"{models.__name__}.part").read_part
    assert read_part({"type": "text", "text": "a"}, strict=True) == models.TextPart(text="a")
    with pytest.raises(ResponseDecodeError, match=r"Part: \$\.text: expected string, got nothing"):
        read_part({"type": "text"}, strict=True)
    assert repr(read_part) == "<reader of Part>"


@pytest.mark.parametrize("tag", [5, None, True, [], {}])
def test_a_strict_reader_refuses_a_tag_of_another_type(models: ModuleType, tag: Any) -> None:
    with pytest.raises(ResponseDecodeError, match=r"\$\.parts\[0\]\.type: expected string, got"):
        models.Session.from_dict(_session(parts=[{"type": tag}]), strict=True)


_STAR = {"type": "star", "ownerID": "me", "at": {"x": 1}, "size": 5, "spikes": 7}


def test_an_unknown_variant_has_the_members_that_all_variants_share(models: ModuleType) -> None:
    star = models.UnknownFigure(_STAR)
    assert (star.owner_id, star.at, star.size) == ("me", models.Spot(x=1), 5)


@pytest.mark.parametrize(
    "raw", [{"type": "star"}, {"ownerID": 5, "at": [], "size": {}}, {"ownerID": None}, 5, None]
)
def test_a_missing_or_wrong_shared_member_is_none(models: ModuleType, raw: Any) -> None:
    star = models.UnknownFigure(raw)
    assert (star.owner_id, star.at, star.size) == (None, None, None)


@pytest.mark.parametrize("name", ["spikes", "ownerID", "__deepcopy__", "tags"])
def test_an_unknown_variant_has_no_other_members(models: ModuleType, name: str) -> None:
    with pytest.raises(AttributeError, match=f"'UnknownFigure' object has no attribute '{name}'"):
        getattr(models.UnknownFigure(_STAR), name)


def test_an_unknown_variant_can_be_copied(models: ModuleType) -> None:
    star = models.UnknownFigure(_STAR)
    again = copy.deepcopy(star)
    assert (again == star, again.owner_id) == (True, "me")


def test_an_unknown_event_has_the_members_of_all_events() -> None:
    event = UnknownEvent({"id": "e", "type": "new", "properties": {"a": 1}})
    assert (event.id, event.properties, event.data, event.metadata) == ("e", {"a": 1}, None, None)
    event = UnknownEvent({"type": "new", "data": {}, "durable": {"seq": 1}, "location": {"directory": "/"}})
    assert (event.id, event.data, event.durable, event.location) == (None, {}, {"seq": 1}, {"directory": "/"})


def test_the_repr_of_an_unknown_variant_shows_its_tag_or_its_type(models: ModuleType) -> None:
    shown = [repr(models.UnknownPart(raw)) for raw in ({"type": "new"}, 5)]
    assert shown == ["UnknownPart(tag='new')", "UnknownPart(raw_=int)"]


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
        "Figure",
        "HasLodgingIt",
    }
