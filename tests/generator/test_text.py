"""Texts of the document in docstrings."""

from __future__ import annotations

from scripts.render.text import wrapped


def test_wrapped_text_is_escaped_and_keeps_its_paragraphs() -> None:
    assert wrapped('a """ b\n\nc d', 90) == 'a \\"\\"\\" b\n\nc d'
    assert wrapped("aa bb cc", 5, first="x: ") == "x: aa\nbb cc"
