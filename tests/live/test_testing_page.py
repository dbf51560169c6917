"""Run the examples of docs/testing.md and docs/zh/testing.md that need a real server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opencode_client._spec import OPENCODE_VERSION
from scripts.npm_server import get_server
from tests.support.doc_examples import blocks

pytestmark = pytest.mark.live


@pytest.mark.timeout(120)
@pytest.mark.parametrize("page", ["docs/testing.md", "docs/zh/testing.md"])
def test_the_example_with_a_real_server_passes(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [example] = [block for block in blocks(page) if "OpencodeServer(" in block]
    folder = Path(get_server(OPENCODE_VERSION)).parent
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    names: dict[str, Any] = {"__name__": "example"}  # Any: what the example defines
    exec(example, names)  # noqa: S102 # the page is ours
    test: Callable[[Path], None] = names["test_the_agent_reads_the_file"]
    test(tmp_path)
