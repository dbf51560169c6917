"""The README's Python runs, and prints what it says."""

from __future__ import annotations

import re

import pytest

from scripts.rooms import ROOT

_BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def test_every_block_runs_after_the_ones_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    exec("\n".join(_BLOCKS), {"__name__": "readme"})  # noqa: S102 # the README is ours
    printed = capsys.readouterr().out
    assert printed.startswith("Review 1795418590771 {'mood': 'new'}\n")
    assert "{'type': 'text', 'text': 'hi'}" in printed
    assert "Session: $.slug: expected string, got nothing" in printed
    assert "__unknown__ narrator" in printed
    assert "2026-11-23 07:23:10.771000+00:00" in printed
