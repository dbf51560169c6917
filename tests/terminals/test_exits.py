"""Exit codes, heard from the event stream: whose they are, what a gap of the stream hides, and who listens how long."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from opencode_client import ForbiddenError
from tests.support.both_clients import World
from tests.support.faulty_server import http
from tests.support.terminal_actions import connected, entered
from tests.support.terminal_server import PTY_ID, Line, PtyServer, cursor, described

_OTHER_ID = "pty_2"
_PATH = f"/pty/{PTY_ID}"
_GONE = http(b'{"name":"NotFoundError","data":{}}', 404)
_EXITED = described(status="exited")


def _two(world: World, server: PtyServer, *pty_ids: str) -> list[Any]:  # Any: of either world
    """Terminals of one client, connected."""
    server.answers[f"/pty/{_OTHER_ID}"] = described(_OTHER_ID)
    client = world.client(server.url, max_retries=0)
    return [entered(world, client.pty.connect(pty_id)) for pty_id in pty_ids]


def test_waiting_connects_a_terminal_that_was_not_used(world: World) -> None:
    def exit_(line: Line) -> None:
        server.tell("pty.exited", id=PTY_ID, exitCode=4)

    with PtyServer([cursor(0), exit_]) as server:
        assert world.call(world.client(server.url).pty.connect(PTY_ID).wait, 5) == 4


def test_other_events_of_a_terminal_tell_no_exit_code(world: World) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(world, server)
        server.tell("pty.updated", id=PTY_ID, exitCode=9)
        server.tell("pty.deleted", id=PTY_ID)
        assert world.call(terminal.wait, 5) is None


@pytest.mark.parametrize("answer", [_GONE, _EXITED], ids=["removed", "exited"])
def test_who_ended_in_a_gap_of_the_events_has_no_exit_code(world: World, answer: bytes) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(world, server)
        server.answers[_PATH] = answer
        server.drop_events()
        assert world.call(terminal.wait, 5) is None


def test_who_runs_on_behind_a_gap_of_the_events_is_waited_for(world: World) -> None:
    def look() -> bytes:
        server.tell("pty.exited", id=PTY_ID, exitCode=7)
        return described()

    with PtyServer([cursor(0)]) as server:
        terminal = connected(world, server)
        server.answers[_PATH] = look
        server.drop_events()
        assert world.call(terminal.wait, 5) == 7
        assert len(server.streams) == 2


def test_terminals_of_one_place_share_an_event_stream(world: World) -> None:
    with PtyServer([cursor(0)]) as server:
        one, other = _two(world, server, PTY_ID, _OTHER_ID)
        server.tell("pty.exited", id=PTY_ID, exitCode=1)
        server.tell("pty.exited", id=_OTHER_ID, exitCode=2)
        assert [world.call(one.wait, 5), world.call(other.wait, 5)] == [1, 2]
        assert len(server.streams) == 1


def test_terminals_of_two_places_do_not(world: World) -> None:
    with PtyServer([cursor(0)]) as server:
        client = world.client(server.url)
        for directory in ("/a", "/b"):
            entered(world, client.pty.connect(PTY_ID, directory=directory))
        assert {stream.target for stream in server.streams} == {
            "/event?directory=%2Fa",
            "/event?directory=%2Fb",
        }


@pytest.mark.parametrize("other_id", [PTY_ID, _OTHER_ID], ids=["one terminal", "two terminals"])
def test_one_of_two_connections_may_close_while_the_other_waits(world: World, other_id: str) -> None:
    with PtyServer([cursor(0)]) as server:
        one, other = _two(world, server, PTY_ID, other_id)
        world.call(one.close)
        server.tell("pty.exited", id=other_id, exitCode=3)
        assert world.call(other.wait, 5) == 3


def test_the_last_terminal_to_close_ends_the_event_stream(world: World) -> None:
    with PtyServer([cursor(0)]) as server:
        for terminal in _two(world, server, PTY_ID, _OTHER_ID, PTY_ID):
            assert len(server.listeners) == 1
            world.call(terminal.close)
        server.until(lambda: not server.listeners)


def test_the_last_terminal_to_close_waits_for_the_listening_thread(world: World) -> None:
    with PtyServer([cursor(0)]) as server:
        for _ in range(50):  # the thread is often quick enough without that
            world.call(connected(world, server).close)
            assert "opencode-exits" not in [thread.name for thread in threading.enumerate()]


def test_a_terminal_after_the_last_one_is_listened_to_again(world: World) -> None:
    with PtyServer([cursor(0)]) as server:
        client = world.client(server.url)
        world.call(entered(world, client.pty.connect(PTY_ID)).close)
        server.until(lambda: not server.listeners)
        terminal = entered(world, client.pty.connect(PTY_ID))
        server.tell("pty.exited", id=PTY_ID, exitCode=5)
        assert world.call(terminal.wait, 5) == 5


def test_a_terminal_that_was_not_connected_leaves_no_event_stream(world: World) -> None:
    with PtyServer(answers={f"{_PATH}/connect": http(b"", 403)}) as server:
        with pytest.raises(ForbiddenError):
            connected(world, server)
        server.until(lambda: server.streams and not server.listeners)
