"""The search for a pattern in a terminal's output."""

from __future__ import annotations

import re

import pytest

from opencode_client.terminals.pattern_search import MAX_MATCH_CHARS, Pattern, PatternSearch

_FILLING = "some output\r\n" * 1000


@pytest.mark.parametrize(
    "pattern", ["ready> ", re.compile(r"r\w+y> "), re.compile(r"^ready> ", re.MULTILINE)]
)
@pytest.mark.parametrize("split", range(1, 18))
def test_a_match_is_found_at_every_split_of_the_output(pattern: Pattern, split: int) -> None:
    search, text = PatternSearch(pattern), "begun\r\nready> go"
    found = [search.feed(piece) for piece in (text[:split], text[split:]) if piece]
    assert [piece for piece in found if piece] == ["begun\r\nready> "]
    assert search.seen == "go"


@pytest.mark.parametrize("pattern", ["the end", re.compile("the (end)")])
def test_a_match_after_long_output_returns_all_of_it(pattern: Pattern) -> None:
    search = PatternSearch(pattern)
    assert [search.feed(_FILLING) for _ in range(20)] == [None] * 20
    assert search.seen == _FILLING * 20
    assert search.feed("it is the end, or not") == _FILLING * 20 + "it is the end"
    assert search.seen == ", or not"


def test_a_regex_match_may_begin_max_match_chars_before_its_end() -> None:
    search = PatternSearch(re.compile("first.*last", re.DOTALL))
    for text in (_FILLING * 20, "first", " " * (MAX_MATCH_CHARS - 10)):
        assert search.feed(text) is None
    assert (search.feed("last") or "").endswith(" last")


def test_a_regex_anchor_matches_only_at_the_start_of_the_output() -> None:
    search = PatternSearch(re.compile(r"^x|\Ax"))
    assert [search.feed(" " + "x" * MAX_MATCH_CHARS) for _ in range(5)] == [None] * 5
