"""The README's Python runs, and prints what it says; what needs a server runs in tests/live/test_readme.py."""

from __future__ import annotations

import ast

import pytest

from scripts.rooms import ROOT
from tests.support.doc_examples import BLOCKS, needs_server


def test_every_block_without_a_client_runs_after_the_ones_before_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exec("\n".join(block for block in BLOCKS if not needs_server(block)), {"__name__": "readme"})  # noqa: S102 # ours
    printed = capsys.readouterr().out
    assert printed.startswith("Review 1795418590771 {'mood': 'new'}\n")
    assert "{'type': 'text', 'text': 'hi'}" in printed
    assert "Session: $.slug: expected string, got nothing" in printed
    assert "__unknown__ narrator" in printed
    assert "2026-11-23 07:23:10.771000+00:00" in printed


def test_the_quick_start_is_the_one_that_make_demo_runs() -> None:
    program = ast.parse((ROOT / "examples" / "quickstart.py").read_text(encoding="utf-8"))
    program.body = program.body[1:]  # without its docstring
    assert ast.unparse(program) == ast.unparse(ast.parse(BLOCKS[0]))


def test_the_quick_start_has_at_most_ten_lines() -> None:
    assert len([line for line in BLOCKS[0].splitlines() if line.strip()]) <= 10
