"""What `make regenerate` says of the tree before it, whatever state that is in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts import fetch_spec, generate, regenerate
from scripts.rooms import ROOT


def _nothing(*_: object) -> None:
    """Writes no rooms: the tree stays as it is."""


_CONFLICT = "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n"


@pytest.mark.parametrize("name", ["openapi.json", "__init__.py"])
def test_a_merges_conflict_is_no_state_to_compare_with(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(_CONFLICT, encoding="utf-8")
    assert regenerate.operations_of(tmp_path / "openapi.json") == []
    assert regenerate.models_of(tmp_path / "__init__.py") == []


def test_the_committed_state_is_read_whole() -> None:
    assert "session.prompt" in regenerate.operations_of(generate.SPEC)
    assert "Session" in regenerate.models_of(regenerate.INIT)


@pytest.mark.documents
def test_without_a_server_the_rooms_are_rebuilt_from_the_committed_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetch_spec, "main", lambda: fetch_spec.NO_SERVER)
    monkeypatch.setattr(generate, "write_rooms", _nothing)
    assert regenerate.main() == 0
    assert "rebuilding from the committed openapi.json" in capsys.readouterr().out


def test_a_document_that_was_refused_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_spec, "main", lambda: 1)
    before = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, check=True)
    assert regenerate.main() == 1
    after = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, check=True)
    assert after.stdout == before.stdout
