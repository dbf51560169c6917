"""A renderer shows each text of a document unchanged, with any characters."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from markdown_it import MarkdownIt

from scripts.reference.markdown import code, escape, fenced, one_line, prose, table
from tests.support.reference_pages import body, pages_of, small_document

HOSTILE = [
    "a|b",
    r"a\|b",
    "a\\",
    "two\nlines\r\nand\ttabs",
    "`one` and ``two`` and `",
    "<script>alert(1)</script>",
    "<b>&amp; &#124; & x</b>",
    "[a](javascript:b) ![c](d)",
    "*a* **b** _c_ __d__ ~~e~~ a_b_c",
    "| - | - |",
    "--> <!-- x -->",
    "# no heading",
    "1. no list",
    " spaces ",
    "\u202e\u0000\ud800",
    "{{7*7}} ${x}",
    "",
]
_RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
_TAGS = re.compile(r"<[^>]+>")
_NAMES = "h1|h2|h3|p|ul|li|hr|br|strong|code|pre|a|em|table|thead|tbody|tr|th|td|blockquote"
_OURS = re.compile(rf"</?({_NAMES})\b[^>]*>|<!-- Generated.*?-->")


def _render(text: str) -> str:
    return str(_RENDERER.render(text))


def _cells(rendered: str) -> list[str]:
    return [html.unescape(_TAGS.sub("", cell)) for cell in re.findall(r"<td>(.*?)</td>", rendered, re.S)]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("write", [escape, code])
def test_a_cell_shows_only_the_text(text: str, write: Any) -> None:
    rendered = _render("\n".join(table(["a", "b"], [[write(text), "next"]])))
    shown, following = _cells(rendered)
    assert (one_line(shown), following) == (one_line(text), "next")
    assert set(re.findall(r"</?(\w+)", rendered)) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}


@pytest.mark.parametrize("text", HOSTILE)
def test_prose_shows_the_text_and_its_code_as_code(text: str) -> None:
    rendered = _render(f"- **x**: {prose(text)}")
    shown = html.unescape(_TAGS.sub("", rendered)).strip().removeprefix("x:")
    assert one_line(shown.replace("`", "")) == one_line(text.replace("`", ""))
    assert set(re.findall(r"<(\w+)", rendered)) <= {"ul", "li", "strong", "code"}


def test_code_in_prose_stays_code() -> None:
    assert _render(prose("use `a*b` or a*b*")) == "<p>use <code>a*b</code> or a*b*</p>\n"


def test_a_block_of_code_may_contain_fences() -> None:
    rendered = _render("\n".join(fenced("a\n```\nb", "python")))
    assert rendered == '<pre><code class="language-python">a\n```\nb\n</code></pre>\n'


def test_a_page_of_a_hostile_document_contains_only_our_tags() -> None:
    evil = "".join(text.replace("\ud800", "") for text in HOSTILE)
    leaf = {"type": "string", "enum": [evil], "default": evil, "pattern": evil, "description": evil}
    schema = {
        "type": "object",
        "properties": {evil: leaf, "u": {"anyOf": [leaf, {"$ref": f"#/components/schemas/{evil}"}]}},
    }
    operation = {
        "operationId": evil,
        "summary": evil,
        "description": evil,
        "parameters": [{"name": evil, "in": evil, "description": evil, "schema": leaf}],
        **body(schema),
        "responses": {evil: {"description": evil, "content": {evil: {"schema": schema}}}},
    }
    stream = {
        "responses": {"200": {"content": {"text/event-stream": {"schema": {"properties": {"type": leaf}}}}}}
    }
    given = small_document(("get", f"/{evil}", operation), ("get", f"/{evil}/e", stream), **{evil: schema})
    for language in ("zh", "en"):
        for page in pages_of(given, language).values():
            rendered = _render(page)
            assert _OURS.sub("", rendered).count("<") == 0
            assert "javascript:" not in "".join(re.findall('href="([^"]*)"', rendered))
