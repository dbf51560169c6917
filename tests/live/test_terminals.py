"""Terminals of real servers: input, output, endings and passwords."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from opencode_client import NotFoundError, PtyClosedError
from opencode_client.errors import AuthenticationError
from opencode_client.server import OpencodeServer
from tests.live.client_pairs import CLIENT_KINDS, SyncOrAsync
from tests.live.servers import NEW, scripted_server
from tests.live.terminal_programs import BASH, Driven, driven, program

pytestmark = pytest.mark.live

_VERSIONS = ("1.1.31", "1.3.2", "1.15.13", NEW)
_PASSWORD = "a:b ß"
_EMOJI = "zwölf € 😀 \N{MUSICAL SYMBOL G CLEF}"
_PATIENCE_S = 20.0

Server = Callable[[str], OpencodeServer]


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    """Start a server of a version with a password, once."""
    with ExitStack() as running:

        def start(version: str) -> OpencodeServer:
            return running.enter_context(scripted_server(version, password=_PASSWORD))[0]

        yield cache(start)


@pytest.fixture(params=CLIENT_KINDS)
def client_kind(request: pytest.FixtureRequest) -> SyncOrAsync:
    known: SyncOrAsync = request.param
    return known


@pytest.fixture(params=_VERSIONS)
def here(request: pytest.FixtureRequest, server: Server, client_kind: SyncOrAsync) -> Generator[Driven]:
    with driven(client_kind, server(request.param).url, password=_PASSWORD) as one:
        yield one


@pytest.fixture
def new(server: Server, client_kind: SyncOrAsync) -> Generator[Driven]:
    with driven(client_kind, server(NEW).url, password=_PASSWORD) as one:
        yield one


def test_a_shell_echoes_text_in_every_script(here: Driven) -> None:
    terminal = here.bash()
    here(terminal.send, f"echo '[{_EMOJI}]'\n")
    assert here(terminal.read_until, "]", timeout=_PATIENCE_S) == f"[{_EMOJI}]"


def test_bytes_can_be_sent_to_a_shell(here: Driven) -> None:
    terminal = here.bash()
    for byte in f"echo '[{_EMOJI}]'\n".encode():
        here(terminal.send, bytes([byte]))
    assert here(terminal.read_until, "]", timeout=_PATIENCE_S) == f"[{_EMOJI}]"


def test_the_program_gets_the_new_size(here: Driven) -> None:
    terminal = here.bash()
    here(terminal.resize, 40, 132)
    here(terminal.send, "stty size\n")
    assert here(terminal.read_until, "\n", timeout=_PATIENCE_S) == "40 132\r\n"


def test_two_connections_share_input_and_output(here: Driven) -> None:
    one = here.bash()
    other = here.connect(one.pty_id, cursor=-1)
    for typing, number in ((one, 1), (other, 2)):
        here(typing.send, f"echo [{number}]\n")
        for terminal in (one, other):
            assert here(terminal.read_until, "]\r\n", timeout=_PATIENCE_S) == f"[{number}]\r\n"


def test_a_process_that_exits_ends_the_iteration_and_has_an_exit_code(here: Driven) -> None:
    terminal = here.bash()
    here(terminal.send, "echo bye; exit 3\n")
    assert here.rest(terminal) == "bye\r\nlogout\r\n"
    assert here(terminal.wait, _PATIENCE_S) == 3


def test_wait_returns_without_reading_the_output(here: Driven) -> None:
    terminal = here.bash()
    here(terminal.send, "exit 7\n")
    assert here(terminal.wait, _PATIENCE_S) == 7


def test_a_removed_terminal_ends_its_connections(here: Driven) -> None:
    terminal = here.bash()
    other = here.connect(terminal.pty_id)
    here(here.client.pty.remove, terminal.pty_id)
    for one in (terminal, other):
        here.rest(one)
        assert here(one.wait, _PATIENCE_S) in (None, 0)
        with pytest.raises(PtyClosedError) as caught:
            here(one.recv, 1)
        assert caught.value.code == 1000


def test_an_unknown_terminal_is_not_found(here: Driven) -> None:
    with pytest.raises(NotFoundError):
        here.connect("pty_00000000000000000000000000")


def test_a_terminal_that_has_ended_is_not_found(here: Driven) -> None:
    terminal = here.bash()
    here(terminal.send, "exit\n")
    here(terminal.wait, _PATIENCE_S)
    with pytest.raises(NotFoundError):
        here.connect(terminal.pty_id)


def test_one_with_block_creates_and_removes_a_terminal(here: Driven) -> None:
    before = {pty.id for pty in here(here.client.pty.list)}
    made = here.client.terminal("/bin/bash", args=["--norc"], env={"X": "set"})
    terminal = here.enter(made)
    here(terminal.send, "echo [$X]\n")
    here(terminal.read_until, "[set]", timeout=_PATIENCE_S)
    here.leave(made)
    assert {pty.id for pty in here(here.client.pty.list)} == before


_MOMENTS = 20


# an interrupt inside `socket.create_connection` of the standard library leaves the socket to the garbage collector
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize("title", [None, "mine"])
def test_a_start_that_is_interrupted_at_any_moment_leaves_no_terminal(
    here: Driven, client_kind: SyncOrAsync, title: str | None
) -> None:
    before = {pty.id for pty in here(here.client.pty.list)}
    began = time.monotonic()
    first = here.client.terminal("/bin/cat", title=title)
    here.enter(first)
    took_s = time.monotonic() - began
    here.leave(first)
    started = 0
    for moment in range(1, _MOMENTS + 1):
        after_s = 1.2 * took_s * moment / _MOMENTS
        start = _start_async if client_kind == "async" else _start
        started += here(start, here.client.terminal("/bin/cat", title=title), after_s)
    assert started < _MOMENTS
    assert {pty.id for pty in here(here.client.pty.list)} == before


def _start(made: Any, after_s: float) -> bool:
    """Interrupt the start of a terminal after some time. Return True if it had started before."""
    usual = signal.signal(signal.SIGALRM, signal.default_int_handler)
    started = False
    gc.disable()  # Python swallows an interrupt that hits garbage of another test, and pytest reports it
    try:
        signal.setitimer(signal.ITIMER_REAL, after_s)
        with made:
            started = True
            time.sleep(2 * after_s + 1)
    except KeyboardInterrupt:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, usual)
        gc.enable()
    return started


async def _start_async(made: Any, after_s: float) -> bool:
    """Cancel the start of a terminal twice after some time. Return True if it had started before."""
    task = asyncio.ensure_future(made.__aenter__())
    await asyncio.sleep(after_s)
    started = not task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    if started:
        await made.__aexit__(None, None, None)
    return started


@pytest.mark.parametrize("version", _VERSIONS)
def test_a_terminal_without_the_password_raises_authentication_error(
    server: Server, client_kind: SyncOrAsync, version: str
) -> None:
    with driven(client_kind, server(version).url) as stranger, pytest.raises(AuthenticationError):
        stranger.connect("pty_00000000000000000000000000")


def test_disposing_an_instance_ends_its_terminals(here: Driven) -> None:
    terminal = here.bash()
    here(here.client.instance.dispose)
    here.rest(terminal)
    assert here(terminal.wait, _PATIENCE_S) in (None, 0)


def test_a_ticket_replaces_the_password(new: Driven) -> None:
    terminal = new.bash(auth="ticket")
    new(terminal.send, "exit 4\n")
    assert new(terminal.wait, _PATIENCE_S) == 4


def test_a_v2_terminal_works_like_a_terminal(new: Driven) -> None:
    created = new(new.client.v2.pty.create, **BASH)
    terminal = new.connect(created.data.id, v2=True)
    new(terminal.send, "stty -echo; PS1=; echo re''ady\n")
    new(terminal.read_until, "ready\r\n", timeout=_PATIENCE_S)
    new(terminal.resize, 30, 100)
    new(terminal.send, "stty size; exit 5\n")
    assert new.rest(terminal).startswith("30 100\r\n")
    assert new(terminal.wait, _PATIENCE_S) == 5


def test_a_v2_terminal_accepts_a_ticket(new: Driven) -> None:
    created = new(new.client.v2.pty.create, **program("print(input())"))
    terminal = new.connect(created.data.id, v2=True, auth="ticket")
    new(terminal.send, f"{_EMOJI}\n")
    assert new.rest(terminal).split() == 2 * _EMOJI.split()
    assert new(terminal.wait, _PATIENCE_S) == 0


def test_a_cursor_continues_after_the_last_read_output(new: Driven) -> None:
    terminal = new.bash()
    new(terminal.send, f"echo '{_EMOJI}'; echo '[2]'\n")
    new(terminal.read_until, f"{_EMOJI}\r\n", timeout=_PATIENCE_S)
    new(terminal.read_until, "[2]\r\n", timeout=_PATIENCE_S)
    cursor = terminal.cursor
    new(terminal.close)
    assert cursor is not None
    again = new.connect(terminal.pty_id, cursor=cursor - 5)
    assert new(again.recv, _PATIENCE_S) == "[2]\r\n"
    earlier = new.connect(terminal.pty_id, cursor=cursor - 8)
    assert new(earlier.recv, _PATIENCE_S) == "\ufffd\r\n[2]\r\n"  # between the two code units of the clef


@pytest.mark.parametrize(
    "name", ["SIGTERM", "SIGKILL"]
)  # by name: Windows has no SIGKILL, but collects this file
@pytest.mark.parametrize("version", _VERSIONS)
def test_a_server_that_ends_breaks_its_connections_in_time(version: str, name: str) -> None:
    with scripted_server(version) as (running, _), ExitStack() as stack:
        clients = [
            stack.enter_context(driven(client_kind, running.url, max_retries=0))
            for client_kind in CLIENT_KINDS
        ]
        terminals: list[tuple[Driven, Any]] = []  # Any: sync or async
        ways: list[dict[str, Any]] = [{"max_attempts": 2}, {"reconnect": False}]
        for here in clients:
            for options in ways:
                made = here(here.client.pty.create, command="/bin/cat")
                terminals.append((here, here.connect(made.id, **options)))
        assert running.pid is not None
        os.kill(running.pid, signal.Signals[name])
        for here, terminal in terminals:
            began = time.monotonic()
            with pytest.raises(PtyClosedError) as caught:
                here.rest(terminal)
            assert caught.value.code == 1006
            with pytest.raises(PtyClosedError):
                here(terminal.wait, 1)
            assert time.monotonic() - began < 5
