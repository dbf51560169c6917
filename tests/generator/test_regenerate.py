"""`make regenerate` without a server, and with a refused document."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from scripts import fetch_spec, generate, regenerate
from scripts.changes import command as changes
from scripts.sync_twins import TwinError
from tests.support.generated_packages import document
from tests.support.project_files import project_files


def _nothing(*_: object) -> None:
    """Write no generated folders, no pages and no report: the tree is unchanged."""


@pytest.fixture(autouse=True)
def _no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "remove_report", _nothing)
    monkeypatch.setattr(changes, "report_changes", _nothing)


@pytest.mark.documents
def test_without_a_server_the_committed_document_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetch_spec, "main", lambda: fetch_spec.NO_SERVER)
    monkeypatch.setattr(generate, "write_rooms", _nothing)
    monkeypatch.setattr(regenerate, "_write_reference", _nothing)
    assert regenerate.main() == 0
    assert "rebuilding from the committed openapi.json" in capsys.readouterr().out


def test_a_refused_document_stops_the_regeneration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_spec, "main", lambda: 1)
    monkeypatch.setattr(regenerate, "WRITTEN", ())  # other tests read the tree at the same time
    before = project_files()
    assert regenerate.main() == 1
    assert project_files() == before


STAGES = ("spec", "generate", "docs")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Targets like those of the stages: an existing file, a folder with a file, and a missing folder."""
    found = {name: tmp_path / name for name in STAGES}
    found["spec"].write_text("before", encoding="utf-8")
    (found["generate"] / "api").mkdir(parents=True)
    (found["generate"] / "api" / "a.py").write_text("before", encoding="utf-8")
    monkeypatch.setattr(regenerate, "WRITTEN", tuple(found.values()))
    return found


def _contents(folder: Path) -> dict[str, str]:
    return {str(file): file.read_text(encoding="utf-8") for file in folder.rglob("*") if file.is_file()}


def _run_stages(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, failing: str, fail: Callable[[], int]
) -> None:
    """Replace each stage by one that writes to its target. The stage `failing` raises after writing."""

    def stage(name: str, *_: object) -> int:
        place = places[name] if name == "spec" else places[name] / "new.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text("after", encoding="utf-8")
        return fail() if name == failing else 0

    monkeypatch.setattr(fetch_spec, "main", lambda: stage("spec"))
    monkeypatch.setattr(generate, "main", partial(stage, "generate"))
    monkeypatch.setattr(regenerate, "_write_reference", lambda: stage("docs"))


@pytest.mark.parametrize("failing", STAGES)
def test_a_failure_at_any_stage_changes_nothing(
    places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    before = _contents(tmp_path)
    _run_stages(places, monkeypatch, failing, lambda: 2)
    assert regenerate.main() == 2
    assert _contents(tmp_path) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_changes_nothing(
    places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def interrupt() -> int:
        signal.raise_signal(number)
        return 0

    before = _contents(tmp_path)
    _run_stages(places, monkeypatch, "docs", interrupt)
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            regenerate.main()
    finally:
        signal.signal(signal.SIGINT, old)
    assert _contents(tmp_path) == before


def test_a_regeneration_without_a_failure_keeps_everything(
    places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "report_changes", lambda _ref="": 0)
    _run_stages(places, monkeypatch, "", lambda: 0)
    assert regenerate.main() == 0
    after = {Path(name).relative_to(tmp_path).as_posix() for name in _contents(tmp_path)}
    assert after == {"spec", "generate/api/a.py", "generate/new.py", "docs/new.py"}


def test_a_failed_twin_restores_the_generated_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        (tmp_path / "api" / "a.py").write_text("after", encoding="utf-8")
        raise TwinError("no twin")

    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "a.py").write_text("before", encoding="utf-8")
    monkeypatch.setattr(generate, "WRITTEN", (tmp_path / "api",))
    monkeypatch.setattr(generate, "write_rooms", _nothing)
    monkeypatch.setattr(generate, "write_twins", fail)
    spec = tmp_path / "openapi.json"
    spec.write_text(json.dumps(document({})), encoding="utf-8")
    spec.with_name("openapi.source.json").write_text('{"opencode_version": "1.0.0"}', encoding="utf-8")
    monkeypatch.setattr(generate, "SPEC", spec)
    assert generate.main([]) == 1
    assert _contents(tmp_path / "api") == {str(tmp_path / "api" / "a.py"): "before"}
