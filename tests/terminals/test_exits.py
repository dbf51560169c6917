"""Exit codes from the event stream: several terminals, gaps, and the end of the stream."""

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


def test_wait_connects_an_unused_terminal(client_kind: ClientKind) -> None:
    def exit_(line: Line) -> None:
        server.tell("pty.exited", id=PTY_ID, exitCode=4)

    with PtyServer([cursor(0), exit_]) as server:
        assert client_kind.call(client_kind.client(server.url).pty.connect(PTY_ID).wait, 5) == 4


def test_an_exit_code_in_other_events_is_ignored(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        server.tell("pty.updated", id=PTY_ID, exitCode=9)
        server.tell("pty.deleted", id=PTY_ID)
        assert client_kind.call(terminal.wait, 5) is None


@pytest.mark.parametrize("answer", [_GONE, _EXITED], ids=["removed", "exited"])
def test_a_terminal_that_exits_during_a_stream_gap_has_no_exit_code(
    client_kind: ClientKind, answer: bytes
) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        server.answers[_PATH] = answer
        server.drop_events()
        assert client_kind.call(terminal.wait, 5) is None


def test_wait_continues_if_the_process_still_runs_after_a_stream_gap(client_kind: ClientKind) -> None:
    def look() -> bytes:
        server.tell("pty.exited", id=PTY_ID, exitCode=7)
        return described()

    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        server.answers[_PATH] = look
        server.drop_events()
        assert client_kind.call(terminal.wait, 5) == 7
        assert len(server.streams) == 2


def test_terminals_of_one_client_share_an_event_stream(client_kind: ClientKind) -> None:
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
            await asyncio.sleep(0.2)  # until it waits; no event shows that
            gate.open()
            await asyncio.gather(one, other)

    with PtyServer(
        [cursor(0)], answers={"/event": gate, f"/pty/{_OTHER_ID}": described(_OTHER_ID)}
    ) as server:
        asyncio.run(enter_both(server))
        assert len(server.streams) == 1


def test_terminals_of_two_directories_use_two_event_streams(client_kind: ClientKind) -> None:
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
def test_closing_one_connection_does_not_end_the_wait_of_another(
    client_kind: ClientKind, other_id: str
) -> None:
    with PtyServer([cursor(0)]) as server:
        one, other = _two(client_kind, server, PTY_ID, other_id)
        client_kind.call(one.close)
        server.tell("pty.exited", id=other_id, exitCode=3)
        assert client_kind.call(other.wait, 5) == 3


def test_closing_the_last_terminal_closes_the_event_stream(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        for terminal in _two(client_kind, server, PTY_ID, _OTHER_ID, PTY_ID):
            assert len(server.listeners) == 1
            client_kind.call(terminal.close)
        server.until(lambda: not server.listeners)


@small_and_full("rounds", 10, 50)
def test_closing_the_last_terminal_joins_the_exit_watch_thread(client_kind: ClientKind, rounds: int) -> None:
    with PtyServer([cursor(0)]) as server:
        for _ in range(rounds):  # the thread often ends in time even if close() does not join it
            client_kind.call(connected(client_kind, server).close)
            assert "opencode-exits" not in [thread.name for thread in threading.enumerate()]


def test_a_terminal_opened_after_all_were_closed_gets_its_exit_code(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        client = client_kind.client(server.url)
        client_kind.call(entered(client_kind, client.pty.connect(PTY_ID)).close)
        server.until(lambda: not server.listeners)
        terminal = entered(client_kind, client.pty.connect(PTY_ID))
        server.tell("pty.exited", id=PTY_ID, exitCode=5)
        assert client_kind.call(terminal.wait, 5) == 5


def test_a_refused_connection_leaves_no_event_stream_open(client_kind: ClientKind) -> None:
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
def test_wait_continues_after_one_failed_status_request(client_kind: ClientKind, refusal: bytes) -> None:
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
def test_repeated_failures_of_status_requests_end_the_wait(
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
def test_status_requests_detect_a_removed_terminal_without_an_event_stream(client_kind: ClientKind) -> None:
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
def test_malformed_exit_events_are_ignored(client_kind: ClientKind, event: dict[str, Any]) -> None:
    assert not Exits().update({"type": "pty.exited", **event})
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        server.tell_event({"type": "pty.exited", **event})
        server.tell("pty.exited", id=PTY_ID, exitCode=2)
        assert client_kind.call(terminal.wait, 5) == 2


def test_a_terminal_removed_before_the_event_stream_reopens_has_no_exit_code(
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
