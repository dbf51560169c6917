"""The sdist, built from the tree; and the wheel, built from the sdist and installed into an empty environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from scripts.generate import MARK
from scripts.rooms import PACKAGE, ROOT

pytestmark = [pytest.mark.package, pytest.mark.xdist_group("sdist")]

of_the_client = pytest.mark.xdist_group("client")
"""Tests of the environment with the wheel. Another worker runs them, and builds the wheel again while others run."""

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


def _run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    [built] = folder.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        archive.extractall(folder, filter="data")
    return folder / built.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, sdist)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel, its dependencies, mypy, and pytest, which the plugin imports."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    interpreter = folder / "bin" / "python"
    _run(interpreter, "-m", "pip", "install", "--quiet", f"{wheel}[otel]", "mypy", "pytest")
    return interpreter


@pytest.fixture(scope="module")
def generator(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment with the wheel and its extra `generate`."""
    folder = tmp_path_factory.mktemp("generator")
    venv.create(folder, with_pip=True)
    _run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", f"{wheel}[generate]")
    return folder / "bin" / "opencode-client"


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only git knows which files are committed")
def test_the_sdist_has_only_the_committed_files(sdist: Path) -> None:
    committed = set(_run("git", "ls-files", "-z", cwd=ROOT).strip("\0").split("\0"))
    files = {file.relative_to(sdist).as_posix() for file in sdist.rglob("*") if file.is_file()}
    assert files - committed == {"PKG-INFO"}
    assert committed - files == {".ci/run", ".editorconfig"}


def test_the_tests_of_the_sdist_pass(sdist: Path) -> None:
    """A quick part of each kind: the package, the generator, its documents, the pages, the workflows."""
    chosen = [
        *("tests/calls/test_contract.py", "tests/command", "tests/generator/test_generate.py"),
        *("tests/reference/test_reference.py", "tests/test_release.py"),
        *("tests/test_single_source.py", "tests/test_layers.py", "tests/streams/test_sse.py"),
    ]
    kinds = "not documents and not package and not live and not job and not stress"
    printed = _run(sys.executable, "-m", "pytest", "-q", "-m", kinds, *chosen, cwd=sdist)
    found = re.search(r"(\d+) passed", printed)
    assert found is not None
    assert int(found[1]) > 300


def test_the_wheel_has_at_most_a_megabyte(wheel: Path) -> None:
    assert wheel.stat().st_size <= 1_000_000


def test_the_wheel_has_only_the_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"opencode_client"}
    assert "opencode_client/py.typed" in names
    others = [name for name in names if not name.endswith((".py", ".typed")) and ".dist-info/" not in name]
    assert others == ["opencode_client/_generator.tar.bz2"]


@of_the_client
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


@of_the_client
def test_a_users_program_passes_mypy_strict(python: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM, encoding="utf-8")
    _run(python, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", program, cwd=tmp_path)


@of_the_client
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


@of_the_client
def test_the_generator_is_not_part_of_an_installed_client(python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [python.with_name("opencode-client"), "generate"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    needed = "opencode-client generate needs more packages: pip install 'opencode-client[generate]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", needed)
    assert list(tmp_path.iterdir()) == []


def test_the_installed_generator_writes_the_committed_package(generator: Path, tmp_path: Path) -> None:
    """It runs in a folder with an earlier package, and leaves nothing in the folder for temporary files."""
    out, temporary = tmp_path / "out", tmp_path / "tmp"
    temporary.mkdir()
    shutil.copytree(ROOT / PACKAGE, out / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    (out / PACKAGE / MARK).touch()
    (out / PACKAGE / "left_over.py").touch()
    for name in ("openapi.json", "openapi.source.json"):
        shutil.copy(ROOT / name, out)
    env = {**os.environ, "TMPDIR": str(temporary)}
    printed = _run(generator, "generate", "--document", "openapi.json", cwd=out, env=env)
    assert printed.endswith(": unchanged\n")
    ours, theirs = _files(ROOT), _files(out)
    assert {name for name in ours if ours[name] != theirs.get(name)} == set()
    assert theirs.keys() - ours.keys() == {f"{PACKAGE}/{MARK}"}
    assert list(temporary.iterdir()) == []


def _files(folder: Path) -> dict[str, bytes]:
    files = [folder / "openapi.json", folder / "openapi.source.json", *(folder / PACKAGE).rglob("*")]
    kept = (file for file in files if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in kept}
