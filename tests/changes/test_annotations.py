"""Whether an annotation takes less than another, and whether it may give more."""

from __future__ import annotations

import pytest

from scripts.changes.annotations import compare_types, is_same_type, shown_change


@pytest.mark.parametrize(
    ("old", "new", "narrower", "wider"),
    [
        ("str", "str | None", False, True),
        ("str | None", "str", True, False),
        ("str", "int", True, True),
        ("float", "int", True, False),
        ("Any", "str", True, False),
        ("str", "Any", False, True),
        ("Sequence[A | B]", "Sequence[B]", True, False),
        ("dict[str, A]", "dict[str, A | B]", False, True),
        ("Mapping[str, A]", "Sequence[A]", True, True),
        ('Literal["a"]', 'Literal["a", "b"]', False, True),
        ('Literal["a", "b"] | str', 'Literal["b", "c"] | str', False, False),
        ("A | UnknownPart", "A | B | UnknownPart", False, False),
        ("A | UnknownPart", "A | None | UnknownPart", False, True),
        ("not a type", "neither is this", True, True),
    ],
)
def test_what_is_taken_and_given(old: str, new: str, narrower: bool, wider: bool) -> None:
    assert compare_types(old, new) == (narrower, wider)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A | B | None", "None | B | A"),
        ('list[Literal["a", "b"]]', 'list[Literal["b", "a"]]'),
        ("'A | B'", "B | A"),
    ],
)
def test_order_and_quotes_are_no_difference(old: str, new: str) -> None:
    assert is_same_type(old, new)
    assert not is_same_type(old, f"{new} | C")


def test_of_long_unions_only_what_differs_is_shown() -> None:
    many = " | ".join(f"Variant{number}" for number in range(20))
    assert shown_change(f"{many} | Old", f"{many} | New") == "without Old; with New"
