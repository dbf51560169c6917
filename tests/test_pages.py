"""The code on the pages for users that needs no server. tests/live/test_pages.py runs the rest."""

from __future__ import annotations

import re

import pytest

from tests.support.doc_examples import blocks, missing_outputs, pages_that_import_the_client, shown_outputs

_MODELS = blocks("docs/models.md")


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> str:
    """Run the blocks of docs/models.md in order, and return their output."""
    exec("\n".join(_MODELS), {"__name__": "models"})  # noqa: S102 # the page is ours
    return capsys.readouterr().out


def test_the_blocks_about_models_run_in_order(printed: str) -> None:
    assert printed.startswith("Review 1795418590771 {'mood': 'new'}\n")
    assert "{'type': 'text', 'text': 'hi'}" in printed
    assert "Session: $.slug: expected string, got nothing" in printed
    assert "__unknown__ narrator" in printed
    assert "2026-11-23 07:23:10.771000+00:00" in printed


def test_the_comments_after_prints_show_their_output(printed: str) -> None:
    assert missing_outputs(_MODELS, printed) == []
    assert len([comment for block in _MODELS for comment in shown_outputs(block)]) > 1


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_first_two_examples_have_at_most_ten_lines_each(page: str) -> None:
    first, second = blocks(page)[:2]
    assert len(re.findall(r"^.*\S", first, re.MULTILINE)) <= 10
    assert len(re.findall(r"^.*\S", second, re.MULTILINE)) <= 10


@pytest.mark.parametrize("page", pages_that_import_the_client())
def test_a_page_imports_each_name_before_it_uses_it(page: str) -> None:
    compile("\n".join(blocks(page)), page, "exec")
    assert "from opencode_client" in blocks(page)[0]
