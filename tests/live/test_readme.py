"""Run the Python blocks of the README and of docs/terminals.md, in order, against a real server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opencode_client import OpencodeServer
from opencode_client._spec import OPENCODE_VERSION, OPERATIONS
from opencode_client.testing import Reply, ScriptedModel
from scripts.npm_server import get_server
from scripts.scratch_server import scratch_server
from tests.support.doc_examples import BLOCKS, TERMINAL_BLOCKS

pytestmark = pytest.mark.live


def test_the_readmes_blocks_run_and_print_the_output_that_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        ScriptedModel(Reply(text="Hello!")) as model,
        OpencodeServer(
            get_server(OPENCODE_VERSION), directory=tmp_path, env=model.install(tmp_path), password=""
        ) as server,
    ):
        monkeypatch.setenv("OPENCODE_BASE_URL", server.url)
        monkeypatch.setenv("PATH", f"{Path(server.executable).parent}{os.pathsep}{os.environ['PATH']}")
        exec("\n".join(BLOCKS), {"__name__": "readme"})  # noqa: S102 # the README is ours
    printed = capsys.readouterr().out
    assert (
        f" in {tmp_path}\nHello!\nuser ['text']\nassistant ['step-start', 'text', 'step-finish']\n" in printed
    )
    assert "\n['Hello there']\n" in printed
    assert "\nRenamed 200 2\n" in printed
    assert "echo: Say hello.\n" in printed
    assert "\rIt ran: 42\n" in printed or "\nIt ran: 42\n" in printed
    assert "\nexit code 3\n" in printed
    assert f"\n{OPENCODE_VERSION} {len(OPERATIONS)} True\n" in printed
    assert "\nsession.get: 404 Not Found: Session not found: ses_none\n404 NotFoundErrorBody(" in printed


def test_the_blocks_about_terminals_run_and_print_the_output_that_they_show(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with scratch_server(OPENCODE_VERSION, password="") as server:
        monkeypatch.chdir(server.directory)
        monkeypatch.setenv("OPENCODE_BASE_URL", server.url)
        exec("\n".join(TERMINAL_BLOCKS), {"__name__": "terminals"})  # noqa: S102 # the document is ours
    printed = capsys.readouterr().out
    assert "\rIt ran: 42\n" in printed or "\nIt ran: 42\n" in printed
    assert "\nexit code 3\n" in printed
    assert "seen so far: typed\nagain: typed\nbehind it: part two\n" in printed
    assert printed.endswith(f"{[*range(20)]}\n")
