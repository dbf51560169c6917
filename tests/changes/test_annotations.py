"""Comparing annotations: narrower, wider, the same."""

from __future__ import annotations

import pytest

from scripts.changes.annotations import compare_types, is_same_type, short_change


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
def test_a_change_is_narrower_or_wider(old: str, new: str, narrower: bool, wider: bool) -> None:
    assert compare_types(old, new) == (narrower, wider)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A | B | None", "None | B | A"),
        ('list[Literal["a", "b"]]', 'list[Literal["b", "a"]]'),
        ("'A | B'", "B | A"),
    ],
)
def test_order_and_quotes_do_not_matter(old: str, new: str) -> None:
    assert is_same_type(old, new)
    assert not is_same_type(old, f"{new} | C")


def test_a_long_union_shows_only_its_difference() -> None:
    many = " | ".join(f"Variant{number}" for number in range(20))
    assert short_change(f"{many} | Old", f"{many} | New") == "without Old; with New"
