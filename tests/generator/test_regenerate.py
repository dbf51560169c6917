"""`make regenerate` without a server, and with a refused document."""

from __future__ import annotations

import subprocess

import pytest

from scripts import fetch_spec, generate, regenerate
from scripts.changes import command as changes
from scripts.rooms import ROOT


def _nothing(*_: object) -> None:
    """Writes no rooms, no pages and no report: the tree stays as it is."""


@pytest.fixture(autouse=True)
def _no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "remove_report", _nothing)
    monkeypatch.setattr(changes, "report_changes", _nothing)


@pytest.mark.documents
def test_without_a_server_the_rooms_are_rebuilt_from_the_committed_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetch_spec, "main", lambda: fetch_spec.NO_SERVER)
    monkeypatch.setattr(generate, "write_rooms", _nothing)
    monkeypatch.setattr(regenerate, "_write_reference", _nothing)
    assert regenerate.main() == 0
    assert "rebuilding from the committed openapi.json" in capsys.readouterr().out


def test_a_document_that_was_refused_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_spec, "main", lambda: 1)
    before = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, check=True)
    assert regenerate.main() == 1
    after = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, check=True)
    assert after.stdout == before.stdout
