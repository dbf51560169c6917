"""The help of `opencode-client generate`."""

from __future__ import annotations

import pytest

from opencode_client import command


def test_the_help_shows_no_password_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENCODE_URL", "http://me:secret@127.0.0.1:4096")
    with pytest.raises(SystemExit):
        command.main(["generate", "--help"])
    assert "secret" not in capsys.readouterr().out
