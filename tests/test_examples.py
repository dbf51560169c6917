"""Run the programs in examples/ against the fake server, and against a real one."""

from __future__ import annotations

import base64
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from functools import partial
from pathlib import Path

import httpx
import pytest
from attrs import frozen

from opencode_client import OpencodeClient
from opencode_client.model import JsonObject
from opencode_client.testing import FakeServer, Reply
from scripts.rooms import ROOT
from tests.live.client_pairs import until
from tests.live.doc_prompts import CONFIG, script
from tests.live.servers import NEW, scripted_server

pytestmark = pytest.mark.timeout(300)  # a busy machine needs several seconds for each turn of a real server


@frozen
class Server:
    """A server, and the directory in which the programs run."""

    url: str
    directory: Path


def _read_files(request: JsonObject) -> Reply | None:
    """Return the reply to a request of the fake. The fake sends files unchanged; a real server sends their text."""

    def text(data: re.Match[str]) -> str:
        return base64.b64decode(data[1]).decode()

    last = request["messages"][-1]
    if isinstance(last["content"], list):
        content = re.sub('data:text/[^,]*;base64,([^"]*)', text, str(last["content"]))
        request = {**request, "messages": [*request["messages"][:-1], {**last, "content": content}]}
    return script(request)


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.live)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    if request.param == "fake":
        folder = tmp_path_factory.mktemp("examples")
        with FakeServer(script=_read_files, directory=folder, config=CONFIG) as fake:
            yield Server(fake.url, folder)
    else:
        with scripted_server(NEW, script=script, snapshot=False, **CONFIG) as (running, _):
            yield Server(running.url, running.directory)


def _start(server: Server, name: str, *arguments: str) -> subprocess.Popen[str]:
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


def _output(program: subprocess.Popen[str], typed: str = "", timeout_s: float = 200) -> str:
    """Return the output of a program, after it has ended with exit code 0."""
    output, errors = program.communicate(typed, timeout=timeout_s)
    assert (program.returncode, errors) == (0, "")
    return output


@pytest.mark.parametrize(
    "command",
    ["approve.py ses_1", "ask.py hi", "chat.py", "downstream/changelog.py v1", "many_repos.py hi .", "structured.py",
     "terminal.py", "watch_events.py", "web/app.py"],
)  # fmt: skip
def test_an_example_without_a_server_ends_with_one_line(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, *arguments = command.split()
    (tmp_path / "typed").write_text("hi\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    monkeypatch.setenv("OPENCODE_BASE_URL", f"http://127.0.0.1:{port}")
    with (tmp_path / "typed").open() as keyboard:
        monkeypatch.setattr(sys, "stdin", keyboard)
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
    assert isinstance(ended.value.code, str)  # Python prints it, and exits with 1
    assert ended.value.code.endswith("; start `opencode serve` there, or correct the URL")
    assert "\n" not in ended.value.code


def test_ask_prints_the_answer_the_tools_and_the_rejected_permissions(server: Server) -> None:
    output = _output(_start(server, "ask.py", "Fix the failing test."))
    assert "\n[bash: error]\nrejected: PermissionAsk(" in output
    assert output.rstrip().split()[-2] == "session"


def test_ask_fails_with_the_error_of_the_turn(server: Server) -> None:
    program = _start(server, "ask.py", "Use the wrong key.")
    assert "failed: the provider failed: bad key" in program.communicate(timeout=200)[1]
    assert program.returncode == 1


def test_structured_prints_the_answer_as_an_object(server: Server) -> None:
    output, _ = _start(server, "structured.py").communicate(timeout=200)
    assert output == "not ready\n- It has no tests.\n"


def test_chat_shows_turns_and_lets_the_user_decide(server: Server) -> None:
    typed = "Let a subagent look.\ny\nAsk me which file, then change it.\na.txt\nNot this file.\n\n"
    output = _output(_start(server, "chat.py"), typed)
    assert "\n→ subagent: look around (@general subagent)\n? bash: echo seen\n" in output
    assert "\n✓ subagent: look around\n\nA subagent looked.\n" in output
    assert "\n? a.txt\n  Which file? a.txt\n" in output
    assert "\n? bash: echo changed >> a.txt\n  [y]es, [a]lways, or why not: Not this file.\n✗ bash " in output


def test_approve_joins_a_turn_and_sends_the_users_decision(server: Server) -> None:
    with (
        OpencodeClient(server.url, directory=server.directory) as client,
        client.turn("Think, then run the tests.") as turn,
    ):
        until(lambda: bool(client.permission.list()))
        output = _output(_start(server, "approve.py", turn.session_id), "y\n")
        assert turn.result().text == "All tests pass."
    assert "\nbash: echo 2 passed\n[y]es, or why not: " in output
    assert "All tests pass." in output


def _many_repos(server: Server, prompt: str) -> subprocess.Popen[str]:
    """Start many_repos.py with a hundred files in ten directories. The model has the wrong key for one of them."""
    for number in range(100):
        file = server.directory / f"repo{number // 10}" / f"file{number % 10}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            f"print({number})  # {'Use the wrong key.' if number == 55 else ''}\n", encoding="utf-8"
        )
    return _start(server, "many_repos.py", prompt, *(f"repo{number}" for number in range(10)))


@pytest.mark.timeout(600)  # a busy machine needs seconds for the first turn in each directory
def test_many_repos_prints_an_outcome_for_each_file_and_the_cost(server: Server) -> None:
    lines = _output(_many_repos(server, "Review this file."), timeout_s=500).splitlines()
    assert lines[-1] == "100 turns, 1 failed, 0.0025 USD"
    failed = [
        "repo5/file5.py: failed: the provider failed: bad key; log in on the server's machine: opencode auth login"
    ]
    fine = [f"repo{one // 10}/file{one % 10}.py: It is fine." for one in range(100) if one != 55]
    assert sorted(lines[:-1]) == sorted(failed + fine)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_many_repos_aborts_its_turns_at_ctrl_c(server: Server) -> None:
    program = _many_repos(server, "Count to a million.")
    with OpencodeClient(server.url) as client:
        busy = partial(client.session.status, directory=server.directory / "repo0")
        until(lambda: len(busy()) == 8)
        program.send_signal(signal.SIGINT)
        assert program.communicate(timeout=60)[1].endswith("KeyboardInterrupt\n")
        assert busy() == {}


@pytest.fixture
def service(server: Server) -> Generator[httpx.Client]:
    """The service of service.py in its own process."""
    listener = socket.create_server(("127.0.0.1", 0))
    program = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "examples"), "--fd", str(listener.fileno()),
         "--log-level", "warning", "service:app"],
        cwd=server.directory,
        env={**os.environ, "OPENCODE_BASE_URL": server.url},
        pass_fds=[listener.fileno()],
    )  # fmt: skip
    host, port = listener.getsockname()
    try:
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=100) as browser:
            yield browser
    finally:
        program.terminate()
        program.wait(30)
        listener.close()


def test_service_streams_a_turn_to_a_browser(service: httpx.Client) -> None:
    assert "EventSource" in service.get("/").text
    events = service.get("/turn", params={"prompt": "And in one word?"}).text
    assert events == 'event: text\ndata: "Answers."\n\nevent: end\ndata: "0.0000 USD"\n\n'


def test_service_ends_the_turn_when_the_browser_leaves(server: Server, service: httpx.Client) -> None:
    with OpencodeClient(server.url, directory=server.directory) as client:
        with service.stream("GET", "/turn", params={"prompt": "Count to a million."}) as response:
            events = response.iter_text()
            assert "1, 2, 3" in next(events)
            assert len(client.session.status()) == 1
        until(lambda: not client.session.status())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_watch_events_shows_a_turn_of_another_program(server: Server) -> None:
    program = _start(server, "watch_events.py")
    assert program.stdout is not None
    assert f"watching {server.directory} at {server.url}" in program.stdout.readline()
    with OpencodeClient(server.url, directory=server.directory) as client:
        client.run("Fix the failing test.", permissions="once", timeout=100)
    lines: list[str] = []
    while not lines or not lines[-1].endswith(" is idle\n"):
        lines.append(program.stdout.readline())
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=60)
    output = "".join(lines)
    assert "new session: " in output
    assert "asks for permission: bash echo fixed >> a.txt\n" in output
    assert " bash: " in output
    assert "\nIt is fixed.\n" in output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no terminals for programs")
def test_terminal_shows_typed_text_and_ends_with_the_program(server: Server) -> None:
    import termios

    screen, keyboard = os.openpty()
    termios.tcsetwinsize(keyboard, (24, 80))
    command = [sys.executable, str(ROOT / "examples" / "terminal.py"), "sh"]
    env = {**os.environ, "OPENCODE_BASE_URL": server.url}
    with subprocess.Popen(
        command, cwd=server.directory, env=env, stdin=keyboard, stdout=keyboard, stderr=keyboard
    ) as program:
        until(lambda: not termios.tcgetattr(screen)[3] & termios.ECHO)  # the example reads the keys itself
        os.write(screen, b"echo hello\r")
        _read_until(screen, "hello")
        os.write(screen, b"exit\r")
        _read_until(screen, "ended with 0")
        assert program.wait(100) == 0
    os.close(keyboard)
    os.close(screen)


def _read_until(screen: int, wanted: str) -> None:
    """Read the output of a terminal up to `wanted`."""
    shown = ""
    while wanted not in shown:
        shown += os.read(screen, 65_536).decode("utf-8", "replace")
