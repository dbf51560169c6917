"""Every committed document becomes a package without warnings, and mypy and pyright find no errors in it.

This takes minutes: run it with `make test-documents`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.recordings import document
from scripts.rooms import ROOT
from tests.support.documents import each_document
from tests.support.generated_packages import write

pytestmark = pytest.mark.documents

_PYRIGHT = '[tool.basedpyright]\ntypeCheckingMode = "strict"\ninclude = ["opencode_client"]\n'


@pytest.fixture(scope="module", params=each_document())
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    version: str = request.param
    return write(tmp_path_factory.mktemp(version), document(version))


def _checked(package: Path, *command: str) -> str:
    (package.parent / "pyproject.toml").write_text(_PYRIGHT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=package.parent, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout[-3000:] + done.stderr[-1000:]


def test_mypy_strict_finds_nothing(package: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    cache = tmp_path_factory.getbasetemp() / "mypy"  # the libraries are the same for all documents
    assert _checked(package, "mypy", "--strict", "--cache-dir", str(cache), "opencode_client") == ""


def test_pyright_strict_finds_nothing(package: Path) -> None:
    assert _checked(package, "basedpyright", "--pythonpath", sys.executable) == ""


def test_every_model_imports(package: Path) -> None:
    code = "import opencode_client.models as m; print(len([getattr(m, name) for name in m.__all__]))"
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code],
        env={"PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200


def test_the_command_writes_the_same_bytes_for_every_hash_seed(package: Path, tmp_path: Path) -> None:
    """The package was generated in this process, whose seed is random."""
    spec = package.parent.parent / "document.json"
    command = [sys.executable, "-m", "scripts.generate", "--spec", str(spec), "--out", str(tmp_path)]
    subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "0"}, check=True, capture_output=True
    )
    ours = {file.relative_to(package): file.read_bytes() for file in package.rglob("*.py")}
    again = tmp_path / package.name
    assert ours == {file.relative_to(again): file.read_bytes() for file in again.rglob("*.py")}
