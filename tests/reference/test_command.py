"""`python scripts/gen-opencode-api-docs.py`: its sources, its output, and the documents that it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from scripts.reference.command import main
from scripts.rooms import ROOT
from tests.support.reference_pages import small_document

_DOCUMENT = small_document(("get", "/session", {"operationId": "session.list"}), ("get", "/zebra", {}))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENCODE_SERVER_USERNAME", "OPENCODE_SERVER_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "their.json"
    path.write_text(json.dumps(_DOCUMENT), encoding="utf-8")
    return str(path)


def _names(out: Path) -> list[str]:
    return sorted(file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file())


def test_both_languages_are_written(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main([file, "--out", str(out)]) == 0
    pages = ["08-session.md", "21-realtime.md", "24-zebra.md", "README.md", "models.md"]
    assert _names(out) == [f"{language}/{page}" for language in ("en", "zh") for page in pages]
    assert f"2 operations, 10 pages in {out}" in capsys.readouterr().out


@pytest.mark.parametrize("language", ["zh", "en"])
def test_writing_one_language_does_not_change_the_other(file: str, tmp_path: Path, language: str) -> None:
    assert main([file, "--out", str(tmp_path / "out"), "--lang", language]) == 0
    assert [p.name for p in (tmp_path / "out").iterdir()] == [language]


def test_missing_translations_are_listed_at_the_end(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
    document["paths"]["/session"]["get"]["summary"] = "Brand new"
    Path(file).write_text(json.dumps(document), encoding="utf-8")
    main([file, "--out", str(tmp_path / "out")])
    assert "warning: scripts/reference/modules.toml has no page for paths under /zebra: 24-zebra.md\n" in (
        printed := capsys.readouterr().out
    )
    assert "no translation in scripts/reference/chinese.toml: 'Brand new'\n" in printed


def test_leftover_pages_are_deleted_and_other_files_are_kept(file: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    main([file, "--out", str(out), "--lang", "en"])
    (out / "en" / "24-zebra.md").rename(out / "en" / "25-zebra.md")
    (out / "en" / "mine.md").write_text("mine", encoding="utf-8")
    main([file, "--out", str(out), "--lang", "en"])
    assert _names(out / "en") == [
        "08-session.md",
        "21-realtime.md",
        "24-zebra.md",
        "README.md",
        "mine.md",
        "models.md",
    ]


def test_check_lists_differences_and_writes_nothing(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = [file, "--out", str(out), "--lang", "en"]
    assert main([*arguments, "--check"]) == 1
    assert "missing: en/README.md" in capsys.readouterr().out
    assert not out.exists()
    main(arguments)
    assert main([*arguments, "--check"]) == 0
    (out / "en" / "README.md").write_text("other", encoding="utf-8")
    assert main([*arguments, "--check"]) == 1
    assert capsys.readouterr().out.endswith("differs: en/README.md\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        ("nope", "is not JSON"),
        ("[]", "is JSON but no object"),
        ('{"swagger": "2.0"}', "is not OpenAPI 3.x"),
        ('{"openapi": "3.1.0", "paths": {"/a": {}}}', "is OpenAPI without operations"),
        (
            '{"openapi": "3.1.0", "paths": {"/a": {"get": {}}}, "components": []}',
            "not a valid OpenAPI document",
        ),
    ],
)
def test_a_bad_file_is_one_line_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, reason: str
) -> None:
    file = tmp_path / "bad.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert main([str(file), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/doc", "ftp://127.0.0.1/doc", "http://u:p/w@h/doc", "http://"]
)
def test_a_bad_url_is_one_line_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert main([url, "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_password_of_the_environment_is_sent(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    headers = {"authorization": f"Basic {b64encode(b'opencode:secret').decode()}"}
    httpserver.expect_request("/doc", headers=headers).respond_with_json(_DOCUMENT)
    health = {"healthy": True, "version": "9.8.7"}
    httpserver.expect_request("/global/health", headers=headers).respond_with_json(health)
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "secret")
    assert main([httpserver.url_for("/doc"), "--out", str(tmp_path / "out")]) == 0
    assert "opencode 9.8.7" in (tmp_path / "out" / "en" / "README.md").read_text(encoding="utf-8")


def test_pages_on_another_drive_than_the_package_link_to_its_files(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_drive(*_: object) -> str:
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    with monkeypatch.context() as patch:
        patch.setattr("os.path.relpath", other_drive)
        assert main([file, "--out", str(tmp_path), "--lang", "en"]) == 0
    page = (tmp_path / "en" / "08-session.md").read_text(encoding="utf-8")
    assert f"]({(ROOT / 'opencode_client' / 'api' / 'session.py').as_uri()}#L" in page


def test_the_script_runs_from_anywhere_and_writes_the_same_bytes(file: str, tmp_path: Path) -> None:
    script = ROOT / "scripts" / "gen-opencode-api-docs.py"
    out = tmp_path / "out"
    main([file, "--out", str(out)])
    first = {name: (out / name).read_bytes() for name in _names(out)}
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    command = [sys.executable, str(script), file, "--out", str(out)]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert {name: (out / name).read_bytes() for name in _names(out)} == first
