"""Looking for a pattern in a terminal's output as it comes."""

from __future__ import annotations

import re

import pytest

from opencode_client.terminals.state import REACH, Expected, Pattern

_FILLING = "some output\r\n" * 1000


@pytest.mark.parametrize(
    "pattern", ["ready> ", re.compile(r"r\w+y> "), re.compile(r"^ready> ", re.MULTILINE)]
)
@pytest.mark.parametrize("split", range(1, 18))
def test_a_match_is_found_wherever_the_output_is_split(pattern: Pattern, split: int) -> None:
    expected, text = Expected(pattern), "begun\r\nready> go"
    found = [expected.feed(piece) for piece in (text[:split], text[split:]) if piece]
    assert [piece for piece in found if piece] == ["begun\r\nready> "]
    assert expected.seen == "go"


@pytest.mark.parametrize("pattern", ["the end", re.compile("the (end)")])
def test_nothing_of_a_long_output_is_left_out(pattern: Pattern) -> None:
    expected = Expected(pattern)
    assert [expected.feed(_FILLING) for _ in range(20)] == [None] * 20
    assert expected.seen == _FILLING * 20
    assert expected.feed("it is the end, or not") == _FILLING * 20 + "it is the end"
    assert expected.seen == ", or not"


def test_a_match_of_an_expression_may_begin_far_back() -> None:
    expected = Expected(re.compile("first.*last", re.DOTALL))
    for text in (_FILLING * 20, "first", " " * (REACH - 10)):
        assert expected.feed(text) is None
    assert (expected.feed("last") or "").endswith(" last")


def test_only_the_beginning_of_the_output_is_the_beginning() -> None:
    expected = Expected(re.compile(r"^x|\Ax"))
    assert [expected.feed(" " + "x" * REACH) for _ in range(5)] == [None] * 5
