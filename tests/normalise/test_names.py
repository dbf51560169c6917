"""Names of classes, members and modules."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from scripts.normalise.names import (
    HANDWRITTEN,
    PINS,
    NameCollisionError,
    Namer,
    member_names,
    module,
    pascal,
    read_pins,
    singular,
    snake,
)
from tests.normalise.small_documents import namer, obj

HOSTILE = [
    "",
    " ",
    "*",
    "class",
    "1a",
    "a\x00b",
    "\ud83d",
    "éè漢字🙂",
    "__init__",
    "a" * 300,
    "'; import os #",
    "../x",
]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("session.status", "SessionStatus"),
        ("Event.tui.toast.show", "EventTuiToastShow"),
        ("Over200k", "Over200K"),
        ("1password", "N1Password"),
        ("***", ""),
    ],
)
def test_a_class_name_consists_of_the_texts_letters_and_digits(text: str, name: str) -> None:
    assert pascal(text) == name


@pytest.mark.parametrize("text", [*HOSTILE, "Over200k", "LLMProvider2xx"])
def test_a_class_name_made_of_a_class_name_is_itself(text: str) -> None:
    assert pascal(pascal(text)) == pascal(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sessionID", "session_id"),
        ("v2", "v2"),
        ("from", "from_"),
        ("self", "self_"),
        ("to_dict", "to_dict_"),
        ("list", "list"),
        ("$schema", "schema"),
        ("2fa", "n2_fa"),
    ],
)
def test_a_member_name_is_snake_case_and_not_a_keyword(text: str, name: str) -> None:
    assert snake(text) == name


@pytest.mark.parametrize("text", HOSTILE)
def test_every_text_gives_a_member_name_that_is_a_short_identifier(text: str) -> None:
    name = snake(text)
    assert name.isidentifier()
    assert name.isascii()
    assert len(name) <= 101


@pytest.mark.parametrize("text", HOSTILE)
def test_every_text_gives_a_class_name_that_is_a_short_identifier(text: str) -> None:
    name, _ = namer().claim("#/x", text, obj())
    assert name.isidentifier()
    assert name.isascii()
    assert len(name) <= 100


def test_a_name_of_a_hundred_characters_is_unchanged() -> None:
    assert snake("a" * 100) == "a" * 100


def test_long_texts_with_the_same_beginning_get_two_names() -> None:
    assert snake("a" * 300) != snake("a" * 301)


@pytest.mark.parametrize(("name", "file"), [("V2Event", "v2_event"), ("Range", "range_"), ("List", "list_")])
def test_a_modules_name_hides_no_builtin(name: str, file: str) -> None:
    assert module(name) == file


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("questions", "question"),
        ("entries", "entry"),
        ("addresses", "address"),
        ("boxes", "box"),
        ("patches", "patch"),
        ("status", "status"),
        ("analysis", "analysis"),
        ("class", "class"),
        ("data", "data"),
        ("ties", "tie"),
        ("flies", "fly"),
        ("dishes", "dish"),
    ],
)
def test_a_plural_is_made_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_two_members_with_one_python_name_get_different_names() -> None:
    report: list[str] = []
    names = member_names(["sessionID", "session_id"], report, "S")
    assert names["sessionID"] == "session_id"
    assert names["session_id"].startswith("session_id_")
    assert len(report) == 1


def test_the_same_name_and_shape_is_claimed_once() -> None:
    names = namer()
    assert names.claim("#/a", "Thing", obj(a={}, b={})) == ("Thing", True)
    assert names.claim("#/b", "Thing", {**obj(a={}, b={}), "description": "d"}) == ("Thing", False)


def _collide(names: Namer) -> str:
    names.claim("#/components/schemas/Thing", "Thing", obj(a={}))
    return names.claim("#/components/schemas/Other/properties/thing", "Thing", obj(b={}))[0]


def test_a_name_collision_makes_a_name_from_the_pointer() -> None:
    assert _collide(namer()) == "OtherThing"


def test_a_collision_is_reported() -> None:
    names = namer()
    _collide(names)
    assert names.report == [
        "#/components/schemas/Other/properties/thing is called OtherThing: "
        "Thing is the name of #/components/schemas/Thing"
    ]


def test_a_taken_name_from_the_pointer_gets_a_digest() -> None:
    names = namer()
    names.claim("#/x", "OtherThing", obj(c={}))
    assert _collide(names).startswith("Thing")
    assert _collide(names) != "Thing"


def test_a_collision_without_strict_raises_no_error() -> None:
    names = namer()
    _collide(names)
    names.raise_collisions()


def test_a_collision_with_strict_names_both_pointers() -> None:
    names = namer(strict=True)
    _collide(names)
    with pytest.raises(NameCollisionError) as raised:
        names.raise_collisions()
    assert "#/components/schemas/Thing\n" in str(raised.value)
    assert "#/components/schemas/Other/properties/thing\n" in str(raised.value)


def test_all_collisions_are_raised_at_once() -> None:
    names = namer(strict=True)
    _collide(names)
    names.claim("#/third", "Thing", obj(c={}))
    with pytest.raises(NameCollisionError) as raised:
        names.raise_collisions()
    assert str(raised.value).count("[[name]]") == 2


def test_no_class_gets_a_handwritten_name() -> None:
    names = namer()
    given = [names.claim(f"#/components/schemas/{name}", name, obj())[0] for name in sorted(HANDWRITTEN)]
    assert HANDWRITTEN & set(given) == set()


@pytest.mark.parametrize("text", ["None", "PermissionError"])
def test_a_class_name_that_python_has_gets_an_underscore_as_in_the_generator(text: str) -> None:
    assert namer().claim("#/a", text, obj())[0] == f"{text}_"


def test_a_pin_decides_the_name() -> None:
    assert namer(pins={"#/a": "Pinned"}).claim("#/a", "Thing", obj()) == ("Pinned", True)


def test_every_committed_pin_has_a_reason() -> None:
    entries = tomllib.loads(PINS.read_text(encoding="utf-8"))["name"]
    assert [entry for entry in entries if not entry["reason"].strip()] == []


def test_no_pointer_is_pinned_twice() -> None:
    entries = tomllib.loads(PINS.read_text(encoding="utf-8"))["name"]
    assert len({entry["pointer"] for entry in entries}) == len(entries)


def test_every_pin_is_a_class_name() -> None:
    assert [name for name in read_pins().values() if pascal(name) != name] == []


def test_a_pin_without_a_reason_is_refused(tmp_path: Path) -> None:
    pins = tmp_path / "names.toml"
    pins.write_text('[[name]]\npointer = "#/a"\nname = "A"\n', encoding="utf-8")
    with pytest.raises(ValueError, match="pointer, name and reason"):
        read_pins(pins)


@pytest.mark.parametrize(
    ("pin", "message"),
    [
        (
            'pointer = "#/a"\nname = "todoEntry"\nreason = "r"',
            "'todoEntry' cannot be the name of a generated class",
        ),
        ('pointer = "#/a"\nname = "class"\nreason = "r"', "'class' cannot be the name"),
        ('pointer = "#/a"\nname = "Unknown"\nreason = "r"', "'Unknown' cannot be the name"),
        ('pointer = "#/a"\nname = "A"', "an entry has pointer, name and reason"),
        ('pointer = "#/a"\nname = "A"\nreason = "..."', "why is #/a called A"),
        (
            'pointer = "#/a"\nname = "A"\nreason = "r"\n[[name]]\npointer = "#/a"\nname = "B"\nreason = "r"',
            "has two entries",
        ),
    ],
)
def test_a_wrong_pin_is_refused(tmp_path: Path, pin: str, message: str) -> None:
    (tmp_path / "names.toml").write_text(f"[[name]]\n{pin}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"names\.toml: ") as caught:
        read_pins(tmp_path / "names.toml")
    assert message in str(caught.value)
