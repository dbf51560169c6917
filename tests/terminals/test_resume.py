"""Connections of a terminal that break: no output is lost or repeated, or an error reports the gap."""

from __future__ import annotations

import asyncio
import threading

import pytest

from opencode_client import (
    NotFoundError,
    PtyClosedError,
    PtyGapError,
    PtyTimeoutError,
    UnsupportedOperationError,
)
from opencode_client.terminals import frames
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import http
from tests.support.terminal_actions import connected, read, read_with_gaps, rest, seen_by
from tests.support.terminal_replays import replay
from tests.support.terminal_server import (
    PTY_ID,
    Gate,
    Line,
    PtyServer,
    Step,
    close,
    cursor,
    cut,
    end,
    hear,
    say,
)

_CLEF = "\N{MUSICAL SYMBOL G CLEF}"


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opencode_client.terminals.handshake._DELAY_S", 0.02)


def _cursors(server: PtyServer) -> list[str]:
    return [seen.target.partition("cursor=")[2] for seen in server.dials]


def test_a_reconnect_continues_after_the_last_text(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say(f"a{_CLEF}"), cut], [say("bc"), cursor(5), say("d"), end]) as server:
        terminal = connected(client_kind, server)
        assert "".join(rest(client_kind, terminal)) == f"a{_CLEF}bcd"
        assert _cursors(server) == ["", "3"]
        assert terminal.cursor == 6


@pytest.mark.parametrize("how", [cut, close(1001), close(1011, "crash"), close(4000)])
def test_a_connection_that_ends_before_the_process_is_replaced(client_kind: ClientKind, how: Step) -> None:
    with PtyServer([cursor(0), say("a"), how], [say("b"), cursor(2), end]) as server:
        assert rest(client_kind, connected(client_kind, server)) == ["a", "b"]


def test_a_broken_replay_is_requested_again(client_kind: ClientKind) -> None:
    scripts = [[cursor(0), say("ab"), cut], [say("c"), cut], [say("cd"), cut], [say("cd"), cursor(4), end]]
    with PtyServer(*scripts) as server:
        assert "".join(rest(client_kind, connected(client_kind, server))) == "abcd"
        assert _cursors(server) == ["", "2", "2", "2"]


def test_a_first_replay_that_breaks_off_is_returned_once(client_kind: ClientKind) -> None:
    with PtyServer([say("ab"), cut], [say("abc"), cursor(3), end]) as server:
        assert "".join(rest(client_kind, connected(client_kind, server))) == "abc"


def test_a_character_split_by_a_replay_is_requested_again(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "REPLAY_UNITS", 4)
    output = f"abc{_CLEF}defg{_CLEF}{_CLEF}"

    def from_cursor(line: Line) -> None:
        asked = _cursors(server)[-1]
        say(*replay(output, int(asked) if asked else None))(line)

    with PtyServer([from_cursor]) as server:
        terminal = connected(client_kind, server)
        assert read(client_kind, terminal, len(output)) == output
        assert _cursors(server)[:2] == ["", "3"]


def test_lost_output_raises_a_gap_error_between_the_texts(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("ab"), cut], [say("ef"), cursor(6), say("g")]) as server:
        assert read_with_gaps(client_kind, connected(client_kind, server), "g") == ["ab", 2, "efg"]


def test_read_until_can_continue_after_a_gap_error(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("ab"), cut], [say("e$"), cursor(6)]) as server:
        terminal = connected(client_kind, server)
        with pytest.raises(PtyGapError):
            client_kind.call(terminal.read_until, "$", timeout=5)
        assert client_kind.call(terminal.read_until, "$", timeout=5) == "abe$"


def test_a_gap_of_a_server_without_cursors_has_an_unknown_length(client_kind: ClientKind) -> None:
    with PtyServer([say("ab"), cut], [say("d")], version="1.1.31") as server:
        terminal = connected(client_kind, server)
        assert read_with_gaps(client_kind, terminal, "d") == ["ab", None, "d"]
        assert terminal.cursor is None


def test_a_gap_of_a_server_without_cursors_has_an_unknown_length_with_cursor_minus_1(
    client_kind: ClientKind,
) -> None:
    with PtyServer([say("ab"), cut], [say("d")], version="1.1.31") as server:
        assert read_with_gaps(client_kind, connected(client_kind, server, cursor=-1), "d") == [
            "ab",
            None,
            "d",
        ]


def test_the_cursor_argument_is_sent(client_kind: ClientKind) -> None:
    with PtyServer([say("c"), cursor(3)]) as server:
        assert read(client_kind, connected(client_kind, server, cursor=2), 1) == "c"
        assert _cursors(server) == ["2"]


def test_a_cursor_before_the_oldest_output_raises_a_gap_error(client_kind: ClientKind) -> None:
    with PtyServer([say("c"), cursor(9)]) as server:
        assert read_with_gaps(client_kind, connected(client_kind, server, cursor=2), "c") == ["", 6, "c"]


def test_a_cursor_of_minus_1_has_no_gap(client_kind: ClientKind) -> None:
    with PtyServer([cursor(9), say("c")]) as server:
        assert read_with_gaps(client_kind, connected(client_kind, server, cursor=-1), "c") == ["c"]
        assert _cursors(server) == ["-1"]


def test_a_cursor_is_refused_for_a_server_without_cursors(client_kind: ClientKind) -> None:
    with PtyServer(version="1.1.53") as server:
        with pytest.raises(UnsupportedOperationError, match=r"1\.1\.53 has no cursor"):
            connected(client_kind, server, cursor=0)
        assert server.dials == []


@pytest.mark.parametrize(
    ("how", "code", "reason"), [(cut, 1006, ""), (close(1011, "no room"), 1011, "no room")]
)
def test_a_broken_connection_without_reconnect_raises_its_code_and_reason(
    client_kind: ClientKind, how: Step, code: int, reason: str
) -> None:
    with PtyServer([cursor(0), say("ab"), how]) as server:
        terminal = connected(client_kind, server, reconnect=False)
        assert read(client_kind, terminal, 2) == "ab"
        with pytest.raises(PtyClosedError, match="the connection broke") as caught:
            rest(client_kind, terminal)
        assert (caught.value.code, caught.value.reason) == (code, reason)
        assert repr(terminal).endswith("broken>")
        assert len(server.dials) == 1


def test_wait_raises_the_error_of_a_broken_connection(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), cut]) as server:
        terminal = connected(client_kind, server, reconnect=False)
        with pytest.raises(PtyClosedError):
            rest(client_kind, terminal)
        with pytest.raises(PtyClosedError, match="the connection broke"):
            client_kind.call(terminal.wait, 5)


def test_the_error_of_a_removed_terminal_has_not_found_as_its_cause(client_kind: ClientKind) -> None:
    def gone(line: Line) -> None:
        server.answers[f"/pty/{PTY_ID}"] = http(b"{}", 404)
        line.cut()

    with PtyServer([cursor(0), say("ab"), gone]) as server:
        terminal = connected(client_kind, server)
        assert read(client_kind, terminal, 2) == "ab"
        with pytest.raises(PtyClosedError) as caught:
            rest(client_kind, terminal)
        assert caught.value.code == 1006
        assert isinstance(caught.value.__cause__, NotFoundError)


def test_max_attempts_ends_reconnecting_to_a_stopped_server(client_kind: ClientKind) -> None:
    def cease(line: Line) -> None:
        threading.Thread(target=server.stop).start()

    with PtyServer([cursor(0), say("ab"), hear, cease]) as server:
        terminal = connected(client_kind, server, max_attempts=2)
        assert read(client_kind, terminal, 2) == "ab"
        client_kind.call(terminal.send, "x")
        with pytest.raises(PtyClosedError, match="the connection broke"):
            rest(client_kind, terminal)


def test_max_attempts_counts_connections_that_break_at_once(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), cut], [say("a"), cursor(1), cut], [cursor(1), cut]) as server:
        with pytest.raises(PtyClosedError):
            rest(client_kind, connected(client_kind, server, max_attempts=2))
        assert len(server.dials) == 4


def test_a_timeout_of_recv_ends_it_while_the_terminal_reconnects(client_kind: ClientKind) -> None:
    def cease(line: Line) -> None:
        threading.Thread(target=server.stop).start()

    with PtyServer([cursor(0), say("ab"), hear, cease]) as server:
        terminal = connected(client_kind, server, max_attempts=100)
        assert read(client_kind, terminal, 2) == "ab"
        client_kind.call(terminal.send, "x")
        with pytest.raises(PtyTimeoutError):
            client_kind.call(terminal.recv, 0.3)


def test_input_during_a_broken_connection_is_sent_on_the_next_one(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("a"), cut], [cursor(1)]) as server:
        terminal = connected(client_kind, server)
        assert read(client_kind, terminal, 1) == "a"
        while len(server.dials) == 1:  # the system accepts one or two writes after the other end has closed
            client_kind.call(terminal.send, "x")
            if client_kind.is_async:
                client_kind.call(asyncio.sleep, 0)  # lets the client detect the end of the connection
        server.until(lambda: server.heard)


def _await_break(client_kind: ClientKind, server: PtyServer) -> None:
    """Wait until the client has detected the end of its connection and has closed it."""
    seen_by(client_kind, lambda: server.until(lambda: server.open == 0))


def test_input_during_a_broken_connection_raises_if_the_server_has_no_cursors(
    client_kind: ClientKind,
) -> None:
    with PtyServer([say("a"), cut], [say("b")], version="1.1.31") as server:
        terminal = connected(client_kind, server)
        _await_break(client_kind, server)
        with pytest.raises(PtyClosedError, match="the connection broke"):
            client_kind.call(terminal.send, "x")
        assert read_with_gaps(client_kind, terminal, "b") == ["a", None, "b"]
        assert server.heard == []


def test_unread_text_of_a_broken_connection_is_not_repeated_by_the_replay(client_kind: ClientKind) -> None:
    gate = Gate(None)
    with PtyServer([say("a"), cursor(1), cut], [say("ab"), cursor(2), hear, say("c"), end]) as server:
        terminal = connected(client_kind, server)
        _await_break(client_kind, server)
        server.answers[f"/pty/{PTY_ID}/connect"] = gate
        send, recv = (lambda: terminal.send("x")), (lambda: terminal.recv(5))
        assert client_kind.meanwhile(send, gate.await_asked, gate.open_soon, recv) == [None, None, "ab"]
        assert rest(client_kind, terminal) == ["c"]


def test_timeouts_between_two_attempts_use_no_attempt(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opencode_client.terminals.handshake._DELAY_S", 60.0)
    monkeypatch.setattr("opencode_client.terminals.handshake._LONGEST_DELAY_S", 60.0)
    with PtyServer([cursor(0), cut], [cut]) as server:
        terminal = connected(client_kind, server, max_attempts=2)
        for timeout in (1, 0.05, 0.05, 0.05):  # the first includes two attempts to connect
            with pytest.raises(PtyTimeoutError, match="no new connection"):
                client_kind.call(terminal.recv, timeout)
        assert len(server.dials) == 2


def test_max_attempts_does_not_count_connections_that_were_settled(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opencode_client.terminals.handshake._SETTLED_S", 0.0)
    breaks = [[cursor(0), cut]] * 4
    with PtyServer(*breaks, [cursor(0), say("a"), end]) as server:
        assert rest(client_kind, connected(client_kind, server, max_attempts=1)) == ["a"]


@pytest.mark.parametrize("frame", ["x" * 5_000], ids=["a frame that is too large"])
def test_a_frame_above_the_limit_ends_the_terminal_without_a_reconnect(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch, frame: str
) -> None:
    monkeypatch.setattr("opencode_client.terminals.handshake._MAX_FRAME_BYTES", 4_096)
    with PtyServer([cursor(0), say(frame)]) as server:
        with pytest.raises(PtyClosedError) as caught:
            rest(client_kind, connected(client_kind, server))
        assert caught.value.code == 1009
        assert len(server.dials) == 1
