"""The tests of the sample project examples/downstream that need a real server, with the pytest plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.npm_server import get_server
from scripts.rooms import ROOT

pytestmark = pytest.mark.live


@pytest.mark.parametrize("version", ["1.3.2", "1.18.33"])
def test_the_tests_of_the_sample_project_pass_with_a_real_server(version: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'tests'}"]
    env = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "OPENCODE_REQUIRE_SERVER": "1",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [*command, f"--opencode-bin={get_server(version)}"],
        cwd=ROOT / "examples" / "downstream",
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "5 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
