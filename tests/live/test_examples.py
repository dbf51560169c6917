"""Run the programs in examples/ against a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator

import pytest

from opencode_client import OpencodeClient
from opencode_client.server import OpencodeServer
from scripts.rooms import ROOT
from tests.live.client_pairs import until
from tests.live.doc_prompts import CONFIG, script
from tests.live.servers import NEW, scripted_server

pytestmark = [
    pytest.mark.live,
    pytest.mark.timeout(300),
]  # a busy machine needs several seconds for each turn


@pytest.fixture(scope="module")
def server() -> Generator[OpencodeServer]:
    with scripted_server(NEW, script=script, password="", **CONFIG) as (running, _):
        yield running


def _start(server: OpencodeServer, name: str, *arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / name), *arguments],
        cwd=server.directory,
        env={**os.environ, "OPENCODE_BASE_URL": server.url, "PYTHONUTF8": "1"},
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        encoding="utf-8",
    )


def _output(program: subprocess.Popen[str], typed: str = "") -> str:
    """Return what a program printed, after it has ended well."""
    output, errors = program.communicate(typed, timeout=200)
    assert (program.returncode, errors) == (0, "")
    return output


def test_ask_prints_the_answer_the_tools_and_what_was_rejected(server: OpencodeServer) -> None:
    output = _output(_start(server, "ask.py", "Fix the failing test."))
    assert "\n[bash: error]\nrejected: PermissionAsk(" in output
    assert output.rstrip().split()[-2] == "session"


def test_ask_fails_with_the_error_of_the_turn(server: OpencodeServer) -> None:
    program = _start(server, "ask.py", "Use the wrong key.")
    assert "failed: the provider failed: bad key" in program.communicate(timeout=200)[1]
    assert program.returncode == 1


def test_chat_shows_turns_and_lets_the_user_decide(server: OpencodeServer) -> None:
    typed = "Let a subagent look.\ny\nAsk me which file, then change it.\na.txt\nNot this file.\n\n"
    output = _output(_start(server, "chat.py"), typed)
    assert "\n→ subagent: look around (@general subagent)\n? bash: echo seen\n" in output
    assert "\n✓ subagent: look around\n\nA subagent looked.\n" in output
    assert "\n? a.txt\n  Which file? a.txt\n" in output
    assert "\n? bash: echo changed >> a.txt\n  [y]es, [a]lways, or why not: Not this file.\n✗ bash " in output


def test_approve_joins_a_turn_and_answers_for_a_person(server: OpencodeServer) -> None:
    with (
        OpencodeClient(server.url, directory=server.directory) as client,
        client.turn("Think, then run the tests.") as turn,
    ):
        until(lambda: bool(client.permission.list()))
        output = _output(_start(server, "approve.py", turn.session_id), "y\n")
        assert turn.result().text == "All tests pass."
    assert "\nbash: echo 2 passed\n[y]es, or why not: " in output
    assert "All tests pass." in output
