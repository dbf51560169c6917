"""Run the Python blocks of README.md, docs/terminals.md and docs/turns.md, in order, against a real server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opencode_client import OpencodeServer
from opencode_client._spec import OPENCODE_VERSION, OPERATIONS
from opencode_client.testing import Reply, ScriptedModel
from scripts.npm_server import get_server
from scripts.scratch_server import scratch_server
from tests.live.doc_prompts import CONFIG, script
from tests.live.servers import scripted_server
from tests.support.doc_examples import BLOCKS, TERMINAL_BLOCKS, TURN_BLOCKS

pytestmark = pytest.mark.live


@pytest.mark.timeout(300)  # 15 turns on a busy machine
def test_the_readmes_blocks_run_and_print_the_output_that_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        ScriptedModel(Reply(text="Hello!"), script=script) as model,
        OpencodeServer(
            get_server(OPENCODE_VERSION),
            directory=tmp_path,
            env=model.install(tmp_path, **CONFIG),
            password="",
        ) as server,
    ):
        monkeypatch.setenv("OPENCODE_BASE_URL", server.url)
        monkeypatch.setenv("PATH", f"{Path(server.executable).parent}{os.pathsep}{os.environ['PATH']}")
        exec("\n".join(BLOCKS), {"__name__": "readme"})  # noqa: S102 # the README is ours
    printed = capsys.readouterr().out
    assert printed.startswith("Hello!\n2.5e-05 Tokens(input=11, output=7, ")
    assert "\n[bash]\nTwo files. 5e-05\n" in printed
    in_session = f" in {tmp_path}\necho: Say hello.\n"
    assert f"{in_session}user ['text']\nassistant ['step-start', 'text', 'step-finish']\n" in printed
    assert "\nHello there\n" in printed
    assert "\nRenamed 200 3\n" in printed
    assert "echo: Say hello.\n" in printed
    assert "\rIt ran: 42\n" in printed or "\nIt ran: 42\n" in printed
    assert "\nexit code 3\n" in printed
    assert f"\n{OPENCODE_VERSION} {len(OPERATIONS)} True\n" in printed
    assert "\nsession.get: 404 Not Found: Session not found: ses_none\n404 NotFoundErrorBody(" in printed


@pytest.mark.timeout(300)  # as above
def test_the_blocks_about_turns_run_and_print_the_output_that_they_show(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted_server(OPENCODE_VERSION, script=script, password="", **CONFIG) as (server, _):
        monkeypatch.chdir(server.directory)
        monkeypatch.setenv("OPENCODE_BASE_URL", server.url)
        exec("\n".join(TURN_BLOCKS), {"__name__": "turns"})  # noqa: S102 # the document is ours
        assert (server.directory / "a.txt").read_text(encoding="utf-8").count("fixed") == 1
    printed = capsys.readouterr().out
    assert printed.startswith("It returns 42.\nAnswers. 7 2.5e-05 ")
    assert "\na.txt - echo: Review a.txt.\n" in printed
    assert "\n['echo: Review a.txt.', 'echo: Review src/main.py.']\n" in printed
    assert "\nThe second one is shorter.\n" in printed
    assert "\nFalse ['It has no tests.']\n" in printed
    assert "\n[bash: echo 2 passed]\nAll tests pass.\nstop, 3 messages\n" in printed
    assert "\nWhich file? ['a.txt']\nmay I bash echo changed >> a.txt\nI changed a.txt.\n" in printed
    assert (
        "\nsomebody asks: Which file?\nno longer waits: True\n"
        "somebody asks: bash echo changed >> a.txt\nI changed a.txt.\n" in printed
    )
    assert "\nbash once\nIt is fixed.\nso far: 1, 2, 3\nstopped: False\nAll tests pass.\n" in printed
    assert "\nlook around (@general subagent) True\nI looked around.\n" in printed
    assert (
        "\n[('modified', 'a.txt', 1)]\nTurnAuthenticationError 401 False\n('scripted/scripted-1',)\n"
        in printed
    )


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
