"""`opencode-client doctor`: each check, its remedy, and the exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from opencode_client import command
from opencode_client.command import doctor
from opencode_client.testing import FakeServer, Reply

_NO_SERVER = "http://127.0.0.1:9"
NAMES = ["url", "server", "password", "directory", "models", "events", "terminal", "clock"]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeServer]:
    """A fake server with a password and one file in its directory."""
    (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    with FakeServer(directory=tmp_path, password="secret") as server:
        yield server


def _states(output: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+) +(ok|FAILED|-) ", output, re.MULTILINE))


def test_a_server_that_works_is_ok_in_every_check(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "secret")
    assert (
        command.main(["doctor", "--url", fake.url, "--directory", fake.directory, "--quick", "--turn"]) == 0
    )
    output = capsys.readouterr().out
    assert _states(output) == dict.fromkeys([*NAMES, "turn"], "ok")
    assert "opencode 1.18.33" in output
    assert "secret" not in output


def test_a_turn_that_fails_leaves_no_session(
    fake: FakeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENCODE_SERVER_PASSWORD", "secret")
    fake.say(Reply(status=401, error="bad key"))
    arguments = ["doctor", "--url", fake.url, "--directory", fake.directory, "--quick", "--turn"]
    assert command.main(arguments) == 1
    assert _states(capsys.readouterr().out)["turn"] == "FAILED"
    with fake.client() as client:
        assert client.session.list() == []


def test_a_missing_password_is_one_failure_with_its_remedy(
    fake: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["doctor", "--url", fake.url]) == 1
    output = capsys.readouterr().out
    assert _states(output) == {**dict.fromkeys(NAMES, "-"), "url": "ok", "server": "ok", "password": "FAILED"}
    assert "Set OPENCODE_SERVER_PASSWORD" in output


def test_without_a_server_the_rest_is_not_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["doctor", "--url", _NO_SERVER]) == 1
    output = capsys.readouterr().out
    assert _states(output) == {**dict.fromkeys(NAMES, "-"), "url": "ok", "server": "FAILED"}
    assert "Start a server with `opencode serve`" in output


def test_json_has_one_object_for_each_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["doctor", "--url", "htp://x", "--json"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    check = json.loads(line)
    assert (check["name"], check["ok"]) == ("url", False)
    assert "htp://x" in check["detail"]


def test_a_stream_without_heartbeats_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").touch()
    monkeypatch.setattr(doctor, "_HEARTBEAT_S", 0.05)
    with FakeServer(directory=tmp_path) as server:
        assert command.main(["doctor", "--url", server.url, "--directory", str(tmp_path)]) == 1
    output = capsys.readouterr().out
    assert _states(output) == {**dict.fromkeys(NAMES, "ok"), "events": "FAILED"}
    assert "buffering" in output


def test_missing_operations_of_an_older_server_are_counted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.txt").touch()
    with FakeServer(directory=tmp_path, version="1.3.2") as server:
        command.main(["doctor", "--url", server.url, "--directory", str(tmp_path), "--quick"])
    assert re.search(
        r"opencode 1\.3\.2, lacks \d+ operations of this client: v2 \(\d+\)", capsys.readouterr().out
    )
