"""`opencode-client generate` writes a whole package and a report of the changes, or changes nothing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Generator
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from opencode_client import command
from scripts import generate
from scripts.changes.change import Change
from scripts.generate import MARK
from tests.support.generated_packages import document

Generate = Callable[..., int]

_OLD_VERSION, _NEW_VERSION = "7.0.1", "7.1.0"


def _operation(name: str, path: str, **more: Any) -> dict[str, Any]:  # Any: pieces of a document
    answer = {"description": "", "content": {"application/json": {"schema": {"type": "string"}}}}
    return {path: {"get": {"operationId": name, "responses": {"200": answer}, **more}}}


_LIST, _READ = _operation("pet.list", "/pet"), _operation("pet.read", "/pet/one")
_OLD, _NEW = document({}, _LIST), document({}, _LIST | _READ)
_FORM = {"content": {"multipart/form-data": {"schema": {"type": "object"}}}}
_REFUSED = document({}, _LIST | _operation("pet.send", "/form", requestBody=_FORM))


def _nothing(*_: object) -> None:
    """Does not run a command."""


def _no_changes(*_: object) -> list[Change]:
    return []


@pytest.fixture(scope="module", autouse=True)
def _without_ruff() -> Generator[None]:
    """Ruff only formats here, and takes half of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "_run", _nothing)
        yield


@pytest.fixture
def _without_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare only the documents: reading two packages takes two seconds."""
    monkeypatch.setattr("scripts.changes.command.compare_packages", _no_changes)


fast = pytest.mark.usefixtures("_without_python")


def _run(folder: Path, content: Any, *arguments: str) -> int:  # Any: a document
    file = folder / "served.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return command.main(["generate", "--document", str(file), "--out", str(folder / "out"), *arguments])


@pytest.fixture
def run(tmp_path: Path) -> Generate:
    """Run the command for a document, with `out` in the test's folder."""
    return partial(_run, tmp_path)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    assert _run(folder, _OLD) == 0
    return folder / "out"


@pytest.fixture
def out(first: Path, tmp_path: Path) -> Path:
    """The folder `out` after a first run."""
    shutil.copytree(first, tmp_path / "out")
    return tmp_path / "out"


def _files(folder: Path) -> dict[str, bytes]:
    found = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}


def _serve(server: HTTPServer, content: Any, version: str, password: str) -> None:  # Any: a document
    allowed = {"Authorization": f"Basic {b64encode(f'me:{password}'.encode()).decode()}"}
    server.clear()
    server.expect_request("/doc", headers=allowed).respond_with_json(content)
    health = {"healthy": True, "version": version}
    server.expect_request("/global/health", headers=allowed).respond_with_json(health)
    server.expect_request("/global/health").respond_with_data("Unauthorized", status=401)


def test_the_first_run_writes_a_package_and_the_next_one_a_report(
    httpserver: HTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_USERNAME", "me")
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "correct horse")
    out = tmp_path / "a" / "b"
    arguments = ["generate", "--url", httpserver.url_for(""), "--out", str(out), "--package", "acme.pets"]
    _serve(httpserver, _OLD, _OLD_VERSION, "correct horse")
    assert command.main(arguments) == 0
    assert "there are no earlier files to compare with\n" in capsys.readouterr().out
    assert {file.name for file in out.iterdir()} == {"acme", "openapi.json", "openapi.source.json"}
    _serve(httpserver, _NEW, _NEW_VERSION, "correct horse")
    assert command.main(arguments) == 0
    printed = capsys.readouterr().out
    assert (
        f"From the earlier files to the new files, opencode {_OLD_VERSION} -> {_NEW_VERSION}: changed"
        in printed
    )
    assert "operation pet.read: added (GET /pet/one)" in printed
    assert "client.pet.read: method added" in printed
    assert "correct horse" not in printed
    source = json.loads((out / "openapi.source.json").read_text(encoding="utf-8"))
    assert source["opencode_version"] == _NEW_VERSION


@fast
def test_a_run_without_changes_reports_that(
    run: Generate, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(_OLD) == 0
    assert capsys.readouterr().out.endswith(": unchanged\n")


@fast
def test_the_package_works_under_another_name(run: Generate, tmp_path: Path) -> None:
    assert run(_OLD, "--package", "acme.pets") == 0
    program = (
        "import acme.pets; client = acme.pets.OpencodeClient('http://127.0.0.1:9');"
        "print(client.pet.list.__module__, acme.pets.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path / "out",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [
        "acme.pets.api.pet",
        str(tmp_path / "out" / "acme" / "pets" / "__init__.py"),
    ]


@fast
def test_the_report_can_be_written_to_a_folder(run: Generate, out: Path, tmp_path: Path) -> None:
    assert run(document({}, _READ), "--allow-removed", "--report", str(tmp_path / "report")) == 0
    written = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert (written["status"], written["new"]["name"]) == ("breaking", "the new files")
    assert "Breaking" in (tmp_path / "report" / "report.txt").read_text(encoding="utf-8")


@fast
def test_a_document_that_an_earlier_run_wrote_keeps_its_source(out: Path) -> None:
    """A newer release of the generator can then make the package again without the server."""
    source = out / "openapi.source.json"
    known = json.loads(source.read_text(encoding="utf-8")) | {"opencode_version": _OLD_VERSION}
    source.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    assert command.main(["generate", "--document", str(out / "openapi.json"), "--out", str(out)]) == 0
    assert json.loads(source.read_text(encoding="utf-8")) == known
    spec = (out / "opencode_client" / "_spec.py").read_text(encoding="utf-8")
    assert {_OLD_VERSION, known["document_sha256"]} <= set(re.findall(r"[\w.]+", spec))


@fast
@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (
            document({}, _READ),
            (),
            "1 operations would be removed (--allow-removed accepts that):\n  GET /pet (pet.list)",
        ),
        (document({}), (), "served.json is OpenAPI 3.1.0 without operations"),
        ([], (), "served.json is JSON but no object"),
        (_REFUSED, (), "cannot be generated"),
        (_NEW, ("--package", "not a name"), "--package not a name: not a name of a Python package"),
        (_NEW, ("--package", "import"), "not a name of a Python package"),
    ],
)
def test_a_run_that_fails_changes_nothing(
    run: Generate,
    out: Path,
    capsys: pytest.CaptureFixture[str],
    content: Any,  # Any: a document, or none
    arguments: tuple[str, ...],
    message: str,
) -> None:
    before = _files(out)
    assert run(content, *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("opencode-client generate: ")
    assert message in error
    assert _files(out) == before


@fast
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--document", "."), "--document .: a folder"),
        (("--document", "no.json"), "--document no.json: this file does not exist"),
        (
            ("--document", "served.json", "--out", "served.json"),
            "--out served.json: this is a file; name a folder",
        ),
        (
            ("--url", "http://127.0.0.1:9"),
            "Connection refused; start `opencode serve` there, or correct the URL",
        ),
    ],
)
def test_the_error_for_a_wrong_argument_is_one_line_that_names_it(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "served.json").write_text(json.dumps(_NEW), encoding="utf-8")
    assert command.main(["generate", *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("opencode-client generate: ")
    assert line.endswith(message)


@pytest.mark.parametrize("stop", [OSError("no space left"), KeyboardInterrupt()])
def test_an_interrupt_while_files_are_replaced_changes_nothing(
    run: Generate, out: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    before = _files(out)
    replace = Path.replace

    def stop_at_the_last(place: Path, to: Path) -> Path:
        if to.name == "opencode_client":
            raise stop
        return replace(place, to)

    monkeypatch.setattr(Path, "replace", stop_at_the_last)
    assert run(_NEW) == (1 if isinstance(stop, OSError) else 130)
    monkeypatch.undo()
    assert _files(out) == before


def test_files_are_replaced_after_all_new_ones_are_written(
    run: Generate, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, there = Path.replace, list[set[str]]()

    def look(place: Path, to: Path) -> Path:
        there.append({file.name for file in out.iterdir()})
        return replace(place, to)

    monkeypatch.setattr(Path, "replace", look)
    assert run(_NEW) == 0
    assert {".openapi.json.new", ".openapi.source.json.new", ".opencode_client.new"} <= there[-6]
    assert {file.name for file in out.iterdir()} == {"openapi.json", "openapi.source.json", "opencode_client"}


def test_the_error_for_a_full_disk_is_one_line(
    run: Generate, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.stat().st_ino for file in out.iterdir()}

    def fail(*_: object) -> None:
        raise shutil.Error([(str(number), "", "[Errno 28] No space left on device") for number in range(9)])

    monkeypatch.setattr(shutil, "move", fail)
    assert run(_NEW) == 1
    assert capsys.readouterr().err == "opencode-client generate: [Errno 28] No space left on device\n"
    assert {file: file.stat().st_ino for file in out.iterdir()} == before, "unchanged files are not written"


@fast
@pytest.mark.parametrize("name", ["opencode_client/mine.py", "openapi.json"])
def test_files_that_the_command_did_not_write_are_not_replaced(
    run: Generate, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    mine = tmp_path / "out" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    assert run(_NEW) == 1
    assert "exists and was not written by this command" in capsys.readouterr().err
    assert _files(tmp_path / "out") == {name: b"mine"}


@fast
def test_a_package_is_marked_so_that_the_next_run_replaces_it(run: Generate, out: Path) -> None:
    package = out / "opencode_client"
    assert (package / MARK).exists()
    (package / "left_over.py").touch()
    run(_OLD)
    assert not (package / "left_over.py").exists()


def test_the_error_for_a_missing_password_is_one_line(
    httpserver: HTTPServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _serve(httpserver, _OLD, _OLD_VERSION, "correct horse")
    assert command.main(["generate", "--url", httpserver.url_for(""), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.endswith("set OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD\n")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_error_without_the_extra_is_one_line_that_names_it(
    run: Generate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert run(_OLD) == 1
    assert (
        capsys.readouterr().err
        == "opencode-client generate needs more packages: pip install 'opencode-client[generate]'\n"
    )
    assert not (tmp_path / "out").exists()


@fast
def test_the_url_of_the_environment_is_the_default(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/doc").respond_with_json(_OLD)
    httpserver.expect_request("/global/health").respond_with_json({"version": _OLD_VERSION})
    monkeypatch.setenv("OPENCODE_URL", httpserver.url_for(""))
    monkeypatch.chdir(tmp_path)
    assert command.main(["generate"]) == 0
    assert (tmp_path / "opencode_client" / "__init__.py").exists()
