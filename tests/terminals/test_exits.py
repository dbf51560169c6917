"""Exit codes from the event stream: of several terminals, after a gap, and the end of the stream."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from opencode_client import AsyncOpencodeClient, AuthenticationError, ForbiddenError
from opencode_client.terminals.exits import Exits
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import http
from tests.support.sizes import small_and_full
from tests.support.terminal_actions import connected, entered
from tests.support.terminal_server import PTY_ID, Gate, Line, PtyServer, cursor, described

_OTHER_ID = "pty_2"
_PATH = f"/pty/{PTY_ID}"
_GONE = http(b'{"name":"NotFoundError","data":{}}', 404)
_EXITED = described(status="exited")


def _two(client_kind: ClientKind, server: PtyServer, *pty_ids: str) -> list[Any]:  # Any: sync or async
    """Terminals of one client, connected."""
    server.answers[f"/pty/{_OTHER_ID}"] = described(_OTHER_ID)
    client = client_kind.client(server.url, max_retries=0)
    return [entered(client_kind, client.pty.connect(pty_id)) for pty_id in pty_ids]


def test_waiting_connects_a_terminal_that_was_not_used(client_kind: ClientKind) -> None:
    def exit_(line: Line) -> None:
        server.tell("pty.exited", id=PTY_ID, exitCode=4)

    with PtyServer([cursor(0), exit_]) as server:
        assert client_kind.call(client_kind.client(server.url).pty.connect(PTY_ID).wait, 5) == 4


def test_other_events_of_a_terminal_tell_no_exit_code(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        server.tell("pty.updated", id=PTY_ID, exitCode=9)
        server.tell("pty.deleted", id=PTY_ID)
        assert client_kind.call(terminal.wait, 5) is None


@pytest.mark.parametrize("answer", [_GONE, _EXITED], ids=["removed", "exited"])
def test_who_ended_in_a_gap_of_the_events_has_no_exit_code(client_kind: ClientKind, answer: bytes) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        server.answers[_PATH] = answer
        server.drop_events()
        assert client_kind.call(terminal.wait, 5) is None


def test_who_runs_on_behind_a_gap_of_the_events_is_waited_for(client_kind: ClientKind) -> None:
    def look() -> bytes:
        server.tell("pty.exited", id=PTY_ID, exitCode=7)
        return described()

    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        server.answers[_PATH] = look
        server.drop_events()
        assert client_kind.call(terminal.wait, 5) == 7
        assert len(server.streams) == 2


def test_terminals_of_one_place_share_an_event_stream(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        one, other = _two(client_kind, server, PTY_ID, _OTHER_ID)
        server.tell("pty.exited", id=PTY_ID, exitCode=1)
        server.tell("pty.exited", id=_OTHER_ID, exitCode=2)
        assert [client_kind.call(one.wait, 5), client_kind.call(other.wait, 5)] == [1, 2]
        assert len(server.streams) == 1


def test_terminals_that_connect_at_once_share_an_event_stream() -> None:
    gate = Gate(None)

    async def enter_both(server: PtyServer) -> None:
        async with AsyncOpencodeClient(server.url, max_retries=0) as client:
            one = asyncio.ensure_future(client.pty.connect(PTY_ID).__aenter__())
            await asyncio.to_thread(gate.await_asked)
            other = asyncio.ensure_future(client.pty.connect(_OTHER_ID).__aenter__())
            await asyncio.sleep(0.2)  # into its waiting; that it waits is no event
            gate.open()
            await asyncio.gather(one, other)

    with PtyServer(
        [cursor(0)], answers={"/event": gate, f"/pty/{_OTHER_ID}": described(_OTHER_ID)}
    ) as server:
        asyncio.run(enter_both(server))
        assert len(server.streams) == 1


def test_terminals_of_two_places_do_not(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        client = client_kind.client(server.url)
        for directory in ("/a", "/b"):
            entered(client_kind, client.pty.connect(PTY_ID, directory=directory))
        assert {stream.target for stream in server.streams} == {
            "/event?directory=%2Fa",
            "/event?directory=%2Fb",
        }


def test_terminals_of_views_with_other_headers_do_not_share_an_event_stream(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        client = client_kind.client(server.url)
        for user in ("ann", "bob", "ann"):
            entered(client_kind, client.with_options(headers={"x-user": user}).pty.connect(PTY_ID))
        assert [stream.headers["x-user"] for stream in server.streams] == ["ann", "bob"]


@pytest.mark.parametrize("other_id", [PTY_ID, _OTHER_ID], ids=["one terminal", "two terminals"])
def test_one_of_two_connections_may_close_while_the_other_waits(
    client_kind: ClientKind, other_id: str
) -> None:
    with PtyServer([cursor(0)]) as server:
        one, other = _two(client_kind, server, PTY_ID, other_id)
        client_kind.call(one.close)
        server.tell("pty.exited", id=other_id, exitCode=3)
        assert client_kind.call(other.wait, 5) == 3


def test_the_last_terminal_to_close_ends_the_event_stream(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        for terminal in _two(client_kind, server, PTY_ID, _OTHER_ID, PTY_ID):
            assert len(server.listeners) == 1
            client_kind.call(terminal.close)
        server.until(lambda: not server.listeners)


@small_and_full("rounds", 10, 50)
def test_the_last_terminal_to_close_waits_for_the_listening_thread(
    client_kind: ClientKind, rounds: int
) -> None:
    with PtyServer([cursor(0)]) as server:
        for _ in range(rounds):  # the thread is often quick enough without that
            client_kind.call(connected(client_kind, server).close)
            assert "opencode-exits" not in [thread.name for thread in threading.enumerate()]


def test_a_terminal_after_the_last_one_is_listened_to_again(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        client = client_kind.client(server.url)
        client_kind.call(entered(client_kind, client.pty.connect(PTY_ID)).close)
        server.until(lambda: not server.listeners)
        terminal = entered(client_kind, client.pty.connect(PTY_ID))
        server.tell("pty.exited", id=PTY_ID, exitCode=5)
        assert client_kind.call(terminal.wait, 5) == 5


def test_a_terminal_that_was_not_connected_leaves_no_event_stream(client_kind: ClientKind) -> None:
    with PtyServer(answers={f"{_PATH}/connect": http(b"", 403)}) as server:
        with pytest.raises(ForbiddenError):
            connected(client_kind, server)
        server.until(lambda: server.streams and not server.listeners)


_PAGE = http(b"<!doctype html><p>hello", headers={"content-type": "text/html"})
_REFUSALS = {
    "404": http(b"{}", 404),
    "401": http(b"", 401),
    "403": http(b"", 403),
    "a web page": _PAGE,
    "a 404 page": http(b"<p>no", 404, {"content-type": "text/html"}),
}


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open a new event stream, and check again, without a second's delay."""
    for module in ("exit_watch", "async_exit_watch"):
        monkeypatch.setattr(f"opencode_client.terminals.{module}._AGAIN_S", 0.02)
    for module in ("connection", "async_connection"):
        monkeypatch.setattr(f"opencode_client.terminals.{module}._CHECK_AGAIN_S", 0.02)


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("refusal", _REFUSALS.values(), ids=list(_REFUSALS))
def test_exit_codes_arrive_after_the_event_stream_was_refused_once(
    client_kind: ClientKind, refusal: bytes
) -> None:
    with PtyServer([cursor(0)]) as server:
        one, other = _two(client_kind, server, PTY_ID, _OTHER_ID)
        refused = threading.Event()

        def refuse_once() -> bytes:
            del server.answers["/event"]
            refused.set()
            return refusal

        server.answers["/event"] = refuse_once
        server.drop_events()

        def refused_and_reopened() -> None:
            assert refused.wait(5)
            server.until(lambda: server.listeners)
            server.tell("pty.exited", id=PTY_ID, exitCode=6)
            server.tell("pty.exited", id=_OTHER_ID, exitCode=7)

        [code] = client_kind.meanwhile(lambda: one.wait(5), refused_and_reopened)
        assert (code, client_kind.call(other.wait, 5)) == (6, 7)


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize("refusal", _REFUSALS.values(), ids=list(_REFUSALS))
def test_a_call_that_fails_once_does_not_end_the_waiting(client_kind: ClientKind, refusal: bytes) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        refused = threading.Event()

        def refuse_once() -> bytes:
            server.answers[_PATH] = described()
            refused.set()
            return refusal if b"{}" not in refusal else http(b"", 404)

        server.answers[_PATH] = refuse_once
        server.drop_events()

        def exit_() -> None:
            assert refused.wait(5)
            server.tell("pty.exited", id=PTY_ID, exitCode=6)

        assert client_kind.meanwhile(lambda: terminal.wait(5), exit_) == [6]


@pytest.mark.usefixtures("_soon")
def test_calls_that_fail_again_and_again_end_the_waiting(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("connection", "async_connection"):
        monkeypatch.setattr(f"opencode_client.terminals.{module}._FAILED_CHECKS", 3)
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        server.answers[_PATH] = http(b"", 401)
        server.drop_events()
        with pytest.raises(AuthenticationError):
            client_kind.call(terminal.wait, 5)


@pytest.mark.usefixtures("_soon")
def test_without_an_event_stream_the_calls_notice_the_end(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        server.answers["/event"] = _PAGE
        server.drop_events()

        def remove() -> None:
            server.answers[_PATH] = _GONE

        assert client_kind.meanwhile(lambda: terminal.wait(5), remove) == [None]


@pytest.mark.parametrize(
    "event", [{"properties": []}, {"properties": None}, {"properties": "x"}, {"properties": {"id": [1]}}, {}]
)
def test_events_of_another_form_are_passed_over(client_kind: ClientKind, event: dict[str, Any]) -> None:
    assert not Exits().update({"type": "pty.exited", **event})
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        server.tell_event({"type": "pty.exited", **event})
        server.tell("pty.exited", id=PTY_ID, exitCode=2)
        assert client_kind.call(terminal.wait, 5) == 2


def test_who_ends_before_the_event_stream_is_open_again_has_no_exit_code(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("exit_watch", "async_exit_watch"):
        monkeypatch.setattr(f"opencode_client.terminals.{module}._AGAIN_S", 0.3)
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)

        def refuse_once() -> bytes:
            del server.answers["/event"]
            return _PAGE

        server.answers["/event"] = refuse_once
        asked = len(server.calls)
        server.drop_events()

        def end_unseen() -> None:
            server.until(lambda: [call.path for call in server.calls[asked:]].count(_PATH) == 1)
            server.answers[_PATH] = _GONE

        assert client_kind.meanwhile(lambda: terminal.wait(5), end_unseen) == [None]
        assert len(server.streams) == 2
