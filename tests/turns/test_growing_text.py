"""Texts that arrive in many small pieces."""

from __future__ import annotations

import tracemalloc

import pytest

from opencode_client.turns.growing_text import GrowingText


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 1000])
def test_the_text_has_all_pieces_in_order(count: int) -> None:
    text = GrowingText()
    pieces = [f"{number}," for number in range(count)]
    for piece in pieces:
        text.add(piece)
    assert str(text) == str(text) == "".join(pieces)
    text.set("new ")
    text.add("text")
    assert str(text) == "new text"


def test_many_pieces_need_little_more_memory_than_their_text() -> None:
    tracemalloc.start()
    try:
        text = GrowingText()
        for number in range(100_000):
            text.add(f"{number:06}")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(str(text)) == 600_000
    assert most < 1.2 * 600_000
