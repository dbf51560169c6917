"""`make next-version`, in a small repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.changes import next_version
from scripts.changes.change import Change
from scripts.changes.next_version import Version
from scripts.rooms import PACKAGE

_NOTE = "def note(text: str, limit: int = 0) -> None: ..."
_NEW = "\n\ndef more() -> None: ..."
_ALL = '__all__ = ["note"]\n\n'


def _write(root: Path, version: str, text: str) -> None:
    (root / PACKAGE).mkdir(exist_ok=True)
    (root / PACKAGE / "__init__.py").write_text(f'__version__ = "{version}"\n{text}\n', encoding="utf-8")


def _git(root: Path, *arguments: str) -> None:
    name = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *name, *arguments], check=True, capture_output=True)


def _release(root: Path, version: str, text: str = _NOTE, tag: str = "") -> None:
    """Commit a release, and something after it."""
    _write(root, version, _ALL + text)
    _commit(root)
    _git(root, "tag", tag or f"v{version}")
    _commit(root)


def _commit(root: Path) -> None:
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--allow-empty", "--message", "A state")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGAINST", raising=False)
    monkeypatch.setenv("CHECK", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "--quiet")
    return tmp_path


@pytest.mark.parametrize(
    ("released", "now", "needed"),
    [
        ("0.3.1", _NOTE + "  # a comment", "0.3.2"),
        ("0.3.1", _NOTE + _NEW, "0.3.2"),
        ("0.3.1", _NOTE.replace("str", "int"), "0.4.0"),
        ("1.3.1", _NOTE, "1.3.2"),
        ("1.3.1", _NOTE.replace("str", "str | int"), "1.3.2"),
        ("1.3.1", _NOTE + _NEW, "1.4.0"),
        ("1.3.1", _NOTE.replace("str", "int"), "2.0.0"),
    ],
)
def test_the_version_follows_from_the_changes(
    root: Path, capsys: pytest.CaptureFixture[str], released: str, now: str, needed: str
) -> None:
    _release(root, released)
    _write(root, released, _ALL.replace('"note"', '"note", "more"' if _NEW in now else '"note"') + now)
    assert next_version.main(root) == 1
    shown = capsys.readouterr().out
    assert shown.startswith(f"{needed}: ")
    assert f'! {PACKAGE}/__init__.py has {released}; set __version__ = "{needed}"\n' in shown


def test_a_higher_version_is_accepted_and_the_reasons_are_listed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _release(root, "0.3.1")
    _write(root, "0.4.0", _ALL + _NOTE.replace("str", "int"))
    assert next_version.main(root) == 0
    assert capsys.readouterr().out.endswith("1 of 1 changes are breaking.\n  note(text): str -> int [sent]\n")


@pytest.mark.parametrize(
    ("docstring", "missing"),
    [
        ("Deprecated since 0.3: the argument `limit`.", ""),
        ("Deprecated since 0.3: the argument `text`.", "note(limit)"),
        ("Write a note of `limit` letters.", "note(limit)"),
    ],
)
def test_an_argument_may_be_removed_only_after_a_release_that_deprecates_it(
    root: Path, capsys: pytest.CaptureFixture[str], docstring: str, missing: str
) -> None:
    _release(root, "0.3.0", _NOTE.replace("...", f'\n    """Write.\n\n    {docstring}\n    """'))
    _write(root, "0.4.0", _ALL + "def note(text: str) -> None: ...")
    assert next_version.main(root) == (1 if missing else 0)
    assert (f"! {missing} is gone" in capsys.readouterr().out) is bool(missing)


def test_a_name_of_the_servers_document_may_be_removed_without_notice(root: Path) -> None:
    models = root / PACKAGE / "models"
    models.mkdir(parents=True)
    (models / "__init__.py").write_text(f"from {PACKAGE}.models.old import Old", encoding="utf-8")
    (models / "old.py").write_text("class Old: ...", encoding="utf-8")
    _release(root, "0.3.0")
    (models / "__init__.py").write_text("", encoding="utf-8")
    _write(root, "0.4.0", _ALL + _NOTE)
    assert next_version.main(root) == 0


def test_the_last_release_is_the_newest_tag_without_pre_releases_and_the_current_one(root: Path) -> None:
    _release(root, "0.3.0")
    _release(root, "0.4.0", tag="v0.4.0rc1")
    _release(root, "0.4.0")
    assert next_version.last_release(root) == "v0.4.0"
    _git(root, "reset", "--hard", "v0.4.0")
    assert next_version.last_release(root) == "v0.3.0"


def test_without_a_tag_the_package_has_the_version_of_the_first_release(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write(root, "0.1.0", _NOTE)
    assert next_version.main(root) == 0
    assert capsys.readouterr().out.startswith("0.1.0: the first release.")


def test_another_commit_can_be_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _release(root, "0.3.0")
    _release(root, "0.4.0", _NOTE.replace("str", "int"))
    assert next_version.main(root) == 1
    monkeypatch.setenv("AGAINST", "v0.3.0")
    assert next_version.main(root) == 0


def test_without_the_tags_of_a_full_clone_the_command_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    _write(tmp_path, "0.1.0", _NOTE)
    assert next_version.main(tmp_path) == 1
    assert "is not a full clone" in capsys.readouterr().err


def test_the_pre_release_part_of_a_version_is_ignored(root: Path) -> None:
    _write(root, "0.4.0rc1", _NOTE)
    assert next_version.read_version(root) == Version(0, 4, 0)
    change = Change("document", "operation a / response", "retyped", True, "string -> number", "received")
    assert Version(0, 4, 0).after([change])[0] == Version(0, 5, 0)
