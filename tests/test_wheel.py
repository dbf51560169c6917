"""The wheel, built from the tree and installed with its dependencies into an empty environment."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from scripts.rooms import ROOT

pytestmark = pytest.mark.package

_PROGRAM = """
import sys
from opencode_client import OpencodeClient
from opencode_client.models import Session

def title(client: OpencodeClient) -> str:
    session: Session = client.session.get("ses_1")
    return session.title

with OpencodeClient(sys.argv[1]) as client:
    print(title(client))
"""


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel, its dependencies and mypy."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    interpreter = folder / "bin" / "python"
    _run(interpreter, "-m", "pip", "install", "--quiet", wheel, "mypy")
    return interpreter


def test_the_wheel_has_at_most_a_megabyte(wheel: Path) -> None:
    assert wheel.stat().st_size <= 1_000_000


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"opencode_client"}
    assert "opencode_client/py.typed" in names
    assert not [name for name in names if not name.endswith((".py", ".typed")) and ".dist-info/" not in name]


def test_the_installed_wheel_makes_a_call(python: Path, tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/session/ses_1").respond_with_json(
        {
            "id": "ses_1",
            "slug": "a",
            "projectID": "p",
            "directory": "/r",
            "title": "Called",
            "version": "1",
            "time": {"created": 1, "updated": 2},
        }
    )
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM, encoding="utf-8")
    # -W error: imports and calls must not warn
    assert _run(python, "-W", "error", "-I", program, httpserver.url_for("")) == "Called\n"


def test_a_users_program_passes_mypy_strict(python: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM, encoding="utf-8")
    _run(python, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", program, cwd=tmp_path)


def test_pyright_knows_every_public_type(python: Path, tmp_path: Path) -> None:
    checker = Path(sys.executable).parent / "basedpyright"
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"  # it runs the first python on the PATH
    done = subprocess.run(
        [checker, "--verifytypes", "opencode_client", "--ignoreexternal"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Type completeness score: 100%" in done.stdout, done.stdout[-3000:]
