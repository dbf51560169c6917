"""The Python blocks of README.md that need no server. tests/live/test_readme.py runs all of them."""

from __future__ import annotations

import pytest

from tests.support.doc_examples import BLOCKS, needs_server, shown_outputs

_OFFLINE = [block for block in BLOCKS if not needs_server(block)]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> str:
    """Run the blocks in order, and return their output."""
    exec("\n".join(_OFFLINE), {"__name__": "readme"})  # noqa: S102 # README.md is ours
    return capsys.readouterr().out


def test_the_blocks_without_a_server_run_in_order(printed: str) -> None:
    assert printed.startswith("Review 1795418590771 {'mood': 'new'}\n")
    assert "{'type': 'text', 'text': 'hi'}" in printed
    assert "Session: $.slug: expected string, got nothing" in printed
    assert "__unknown__ narrator" in printed
    assert "2026-11-23 07:23:10.771000+00:00" in printed


def test_the_comments_behind_prints_show_their_output(printed: str) -> None:
    lines = tuple(filter(None, printed.splitlines()))
    shown = [comment for block in _OFFLINE for comment in shown_outputs(block)]
    assert [comment for comment in shown if not comment.endswith(lines)] == []
    assert len(shown) > 1


def test_the_quick_start_has_at_most_ten_lines() -> None:
    assert len([line for line in BLOCKS[0].splitlines() if line.strip()]) <= 10
