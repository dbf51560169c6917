"""`make api-diff` and the end of `make regenerate`, in a small repository."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts import fetch_spec, generate, regenerate
from scripts.changes import command
from scripts.rooms import PACKAGE
from tests.changes.small_documents import NUMBER, STRING, returning


def _write(root: Path, document: dict[str, Any], version: str = "1.0.0") -> None:
    (root / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    source = {"opencode_version": version}
    (root / "openapi.source.json").write_text(json.dumps(source), encoding="utf-8")


def _write_package(root: Path, signature: str) -> None:
    (root / PACKAGE).mkdir(exist_ok=True)
    text = f'__all__ = ["note"]\n\ndef note({signature}) -> None: ...\n'
    (root / PACKAGE / "__init__.py").write_text(text, encoding="utf-8")


def _git(root: Path, *arguments: str) -> None:
    name = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *name, *arguments], check=True, capture_output=True)


def _commit(root: Path) -> None:
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--message", "A state")


@pytest.fixture(autouse=True)
def _no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHECK", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit, which has a document and a package."""
    _write_package(tmp_path, "text: str, limit: int = 0")
    _write(tmp_path, returning(STRING))
    _git(tmp_path, "init", "--quiet")
    _commit(tmp_path)
    return tmp_path


def _json(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "build" / "report.json").read_text(encoding="utf-8"))
    return found


def test_with_check_the_exit_code_shows_the_status(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECK", "1")
    assert command.report_changes("HEAD", root) == 0
    _write_package(root, "text: str, limit: int = 0, tone: int = 0")
    assert command.report_changes("HEAD", root) == 10
    _write(root, returning(NUMBER))
    assert command.report_changes("HEAD", root) == 20
    assert _json(root)["exit_code"] == 20
    monkeypatch.delenv("CHECK")
    assert command.report_changes("HEAD", root) == 0


def test_document_and_package_are_compared_with_the_named_commit(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_package(root, "text: str")
    _write(root, returning(NUMBER), "2.0.0")
    _commit(root)
    assert command.report_changes("HEAD", root) == 0
    assert "opencode 2.0.0: unchanged" in capsys.readouterr().out
    assert command.report_changes("HEAD~1", root) == 0
    shown = capsys.readouterr().out
    assert "opencode 1.0.0 -> 2.0.0: breaking, 2 of 2 changes are breaking" in shown
    assert "  operation note.add / response: string -> number [received]\n" in shown
    assert "  note(limit): argument removed [sent]\n" in shown
    assert (root / "build" / "report.txt").read_text(encoding="utf-8") == shown


def test_everything_is_new_after_a_commit_without_document_and_package(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("", encoding="utf-8")
    _git(tmp_path, "init", "--quiet")
    _commit(tmp_path)
    _write(tmp_path, returning(STRING))
    assert command.report_changes("HEAD", tmp_path) == 0
    assert [change["where"] for change in _json(tmp_path)["changes"]] == ["operation note.add"]


@pytest.mark.parametrize("ref", ["no-such-ref", "--all", ""])
def test_an_unknown_ref_is_an_error_and_removes_the_old_report(
    root: Path, capsys: pytest.CaptureFixture[str], ref: str
) -> None:
    assert command.report_changes("HEAD", root) == 0
    assert command.report_changes(ref, root) == 1
    assert f"no change report: {ref}" in capsys.readouterr().err
    assert not (root / "build" / "report.json").exists()


def test_a_conflict_marker_in_the_work_tree_is_an_error(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "openapi.json").write_text("<<<<<<< HEAD\n", encoding="utf-8")
    assert command.report_changes("HEAD", root) == 1
    assert "openapi.json of the work tree is not JSON" in capsys.readouterr().err


def test_a_document_that_no_rule_can_read_is_an_error(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(root, {"openapi": "3.1.0", "paths": {"/note": {"get": {"responses": ["none"]}}}})
    assert command.report_changes("HEAD", root) == 1
    assert "of the work tree: not a valid OpenAPI document" in capsys.readouterr().err


@pytest.fixture
def regenerated(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make `regenerate.main` work on the repository, without a server and without generating."""

    def fetch() -> int:
        _write(root, returning(NUMBER))
        return 0

    def nothing(*_: object) -> int:
        return 0

    def here(against: str) -> int:
        return real(against, root)

    real = command.report_changes
    monkeypatch.setattr(fetch_spec, "main", fetch)
    monkeypatch.setattr(generate, "main", nothing)
    monkeypatch.setattr(regenerate, "_write_reference", nothing)
    monkeypatch.setattr(command, "report_changes", here)
    return root


@pytest.mark.parametrize(("check", "code"), [("1", 20), ("", 0)])
def test_a_regeneration_ends_with_the_report_against_the_last_commit(
    regenerated: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    check: str,
    code: int,
) -> None:
    monkeypatch.setenv("CHECK", check)
    assert regenerate.main() == code
    assert capsys.readouterr().out.endswith("  operation note.add / response: string -> number [received]\n")
    assert _json(regenerated)["status"] == "breaking"


@pytest.mark.parametrize(("check", "code"), [("1", 1), ("", 0)])
def test_outside_a_clone_a_regeneration_fails_only_with_check(
    regenerated: Path, monkeypatch: pytest.MonkeyPatch, check: str, code: int
) -> None:
    (regenerated / ".git").rename(regenerated / ".hidden")
    monkeypatch.setenv("CHECK", check)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(regenerated.parent))
    assert regenerate.main() == code
