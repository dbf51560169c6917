"""Run the example of docs/testing.md that needs a real server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opencode_client._spec import OPENCODE_VERSION
from scripts.npm_server import get_server
from scripts.rooms import ROOT

pytestmark = pytest.mark.live

_PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
_EXAMPLE = _PAGE.partition("## A real server with")[2].partition("```python\n")[2].partition("```")[0]


@pytest.mark.timeout(120)
def test_the_example_with_a_real_server_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(get_server(OPENCODE_VERSION)).parent
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    names: dict[str, Any] = {"__name__": "example"}  # Any: what the example defines
    exec(_EXAMPLE, names)  # noqa: S102 # the page is ours
    test: Callable[[Path], None] = names["test_the_agent_reads_the_file"]
    test(tmp_path)
