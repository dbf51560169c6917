"""The sample project examples/downstream with the installed wheel: its tests and its types."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from scripts.rooms import ROOT

pytestmark = [pytest.mark.package, pytest.mark.xdist_group("downstream")]


def _run(*command: str | Path, cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OPENCODE_", "PYTEST_"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample project. `.venv` in it has the wheel, pytest and mypy."""
    folder = tmp_path_factory.mktemp("downstream") / "project"
    shutil.copytree(ROOT / "examples" / "downstream", folder)
    venv.create(folder / ".venv", with_pip=True)
    pip = (folder / ".venv" / "bin" / "python", "-m", "pip")
    wheel = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    _run(*wheel, "--wheel-dir", folder, ROOT, cwd=folder)
    _run(*pip, "install", "--quiet", *folder.glob("*.whl"), "pytest", "mypy", cwd=folder)
    return folder


def test_the_tests_with_the_fake_pass_and_the_others_are_skipped(project: Path) -> None:
    output = _run(project / ".venv" / "bin" / "python", "-m", "pytest", "-rs", cwd=project)
    assert "no opencode for the fixture opencode_server: " in output
    assert "SMOKE_MODEL=provider/model is not set" in output
    assert "4 passed, 2 skipped" in output


def test_the_types_of_the_sample_project_pass_mypy_strict(project: Path) -> None:
    mypy = (project / ".venv" / "bin" / "python", "-m", "mypy", "changelog.py", "tests")
    assert "Success: no issues found in 5 source files" in _run(*mypy, cwd=project)
