"""Terminals against a scripted server: reading, typing, waiting and closing."""

from __future__ import annotations

import gc
import json
import re
from typing import Any

import pytest

from opencode_client import (
    ArgumentError,
    NotFoundError,
    PtyClosedError,
    PtyTimeoutError,
    StatusError,
    UnsupportedOperationError,
)
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import http
from tests.support.terminal_actions import connected, read, rest, seen_by
from tests.support.terminal_server import PTY_ID, Gate, PtyServer, cursor, described, end, hear, say


def test_iteration_yields_all_output_and_ends_when_the_process_ends(client_kind: ClientKind) -> None:
    with PtyServer([say("old "), cursor(4), say("new ", "\N{GRINNING FACE}"), end]) as server:
        terminal = connected(client_kind, server)
        assert "".join(rest(client_kind, terminal)) == "old new \N{GRINNING FACE}"
        assert terminal.cursor == 10
        assert len(server.dials) == 1


def test_an_ended_terminal_yields_nothing_and_refuses_calls(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("bye"), end]) as server:
        terminal = connected(client_kind, server)
        assert rest(client_kind, terminal) == ["bye"]
        assert rest(client_kind, terminal) == []
        uses: list[tuple[Any, ...]] = [(terminal.recv, 5), (terminal.send, "x")]
        for use in uses:
            with pytest.raises(PtyClosedError, match="it ended") as caught:
                client_kind.call(*use)
            assert (caught.value.code, caught.value.reason) == (1000, "")


def test_output_before_the_end_can_be_read_after_a_failed_send(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("bye"), end]) as server:
        terminal = connected(client_kind, server)
        seen_by(client_kind, lambda: server.until(lambda: server.open == 0))
        with pytest.raises(PtyClosedError, match="it ended"):
            client_kind.call(terminal.send, "x")
        assert rest(client_kind, terminal) == ["bye"]


def test_concurrent_first_calls_open_one_connection(client_kind: ClientKind) -> None:
    gate = Gate(described())
    with PtyServer([cursor(0)], answers={f"/pty/{PTY_ID}": gate}) as server:
        terminal = client_kind.client(server.url).pty.connect(PTY_ID)
        first, second = (lambda: terminal.send("1")), (lambda: terminal.send("2"))
        assert client_kind.meanwhile(first, gate.await_asked, gate.open_soon, second) == [None] * 3
        server.until(lambda: sorted(map(str, server.heard)) == ["1", "2"])
        assert len(server.dials) == 1


def test_a_terminal_connects_at_its_first_call(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("hi")]) as server:
        terminal = client_kind.client(server.url).pty.connect(PTY_ID)
        assert server.dials == []
        assert client_kind.call(terminal.recv, 5) == "hi"
        client_kind.call(terminal.close)


def test_a_timeout_of_recv_names_its_seconds(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), hear, say("late")]) as server:
        terminal = connected(client_kind, server)
        for timeout in (0, 0.05):
            with pytest.raises(PtyTimeoutError, match=rf"{PTY_ID}: no output within {timeout:g} s") as caught:
                client_kind.call(terminal.recv, timeout)
            assert isinstance(caught.value, TimeoutError)
        client_kind.call(terminal.send, "go on")
        assert client_kind.call(terminal.recv, 5) == "late"


def test_str_and_bytes_input_is_sent_in_text_frames(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        client_kind.call(terminal.send, "ls\n")
        client_kind.call(terminal.send, "zwölf €\n".encode())
        server.until(lambda: len(server.heard) == 2)
    assert server.heard == ["ls\n", "zwölf €\n"]


def test_bytes_of_one_character_may_be_sent_one_by_one(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        for byte in "€😀".encode():
            client_kind.call(terminal.send, bytes([byte]))
        client_kind.call(terminal.send, "!")
        server.until(lambda: server.heard[-1:] == ["!"])
    assert server.heard == ["€", "😀", "!"]


@pytest.mark.parametrize("data", [b"ab\xff", "\ud83d"])
def test_input_that_is_not_utf_8_is_refused_and_not_kept(client_kind: ClientKind, data: str | bytes) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        with pytest.raises(ArgumentError, match="input is UTF-8"):
            client_kind.call(terminal.send, data)
        client_kind.call(terminal.send, b"ok")
        server.until(lambda: server.heard == ["ok"])


@pytest.mark.parametrize("pattern", ["$ ", re.compile(r"\d+\$ ")], ids=["text", "expression"])
def test_read_until_returns_all_output_up_to_the_match(
    client_kind: ClientKind, pattern: str | re.Pattern[str]
) -> None:
    with PtyServer([cursor(0), say("1", "2$", " rest", "more$ ")]) as server:
        terminal = connected(client_kind, server)
        assert client_kind.call(terminal.read_until, pattern, timeout=5) == "12$ "
        assert client_kind.call(terminal.recv, 5) == "rest"
        assert client_kind.call(terminal.recv, 5) == "more$ "


def test_a_timeout_of_read_until_has_the_output_and_keeps_it_for_the_next_read(
    client_kind: ClientKind,
) -> None:
    with PtyServer([cursor(0), say("password: "), hear, say("$ ")]) as server:
        terminal = connected(client_kind, server)
        with pytest.raises(PtyTimeoutError, match=r"no '\$ ' within 0.1 s; seen: 'password: '") as caught:
            client_kind.call(terminal.read_until, "$ ", timeout=0.1)
        assert caught.value.seen == "password: "
        client_kind.call(terminal.send, "x")
        assert client_kind.call(terminal.read_until, "$ ", timeout=5) == "password: $ "


def test_an_end_during_read_until_has_the_output_and_keeps_it_for_the_next_read(
    client_kind: ClientKind,
) -> None:
    with PtyServer([cursor(0), say("no such file\n"), end]) as server:
        terminal = connected(client_kind, server)
        with pytest.raises(PtyClosedError, match="seen: 'no such file") as caught:
            client_kind.call(terminal.read_until, re.compile(r"\$ "), timeout=5)
        assert (caught.value.seen, caught.value.code) == ("no such file\n", 1000)
        assert rest(client_kind, terminal) == ["no such file\n"]


def test_read_until_finds_text_that_several_frames_contain(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say(*"xx<<end>>yy")]) as server:
        terminal = connected(client_kind, server)
        assert client_kind.call(terminal.read_until, "<<end>>", timeout=5) == "xx<<end>>"


def test_resize_sends_a_put_request(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server, directory="/w")
        client_kind.call(terminal.resize, 40, 132)
        asked = server.calls[-1]
    assert (asked.method, asked.target) == ("PUT", f"/pty/{PTY_ID}?directory=%2Fw")
    assert json.loads(asked.body) == {"size": {"rows": 40, "cols": 132}}


@pytest.mark.parametrize("size", [(0, 80), (24, 0), (-1, -1)])
def test_a_size_without_rows_or_columns_is_refused_without_a_request(
    client_kind: ClientKind, size: tuple[int, int]
) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        with pytest.raises(ArgumentError, match="at least one row and one column"):
            client_kind.call(terminal.resize, *size)
        assert {call.method for call in server.calls} == {"GET"}


def test_wait_returns_the_exit_code_of_the_exit_event(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("bye"), hear, end]) as server:
        terminal = connected(client_kind, server)
        server.tell("pty.exited", id="pty_other", exitCode=1)
        with pytest.raises(PtyTimeoutError):
            client_kind.call(terminal.wait, 0.05)
        server.tell("pty.exited", id=PTY_ID, exitCode=3)
        client_kind.call(terminal.send, "exit 3")
        assert rest(client_kind, terminal) == ["bye"]
        assert client_kind.call(terminal.wait, 5) == 3


def test_wait_returns_although_no_output_is_read(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("bye")]) as server:
        terminal = connected(client_kind, server)
        server.tell("pty.exited", id=PTY_ID, exitCode=0)
        assert client_kind.call(terminal.wait, 5) == 0


def test_a_removed_terminal_has_no_exit_code(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), hear, end]) as server:
        terminal = connected(client_kind, server)
        server.tell("pty.deleted", id=PTY_ID)
        assert client_kind.call(terminal.wait, 5) is None


def test_wait_returns_without_an_exit_event(client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("terminals.connection", "terminals.async_connection"):
        monkeypatch.setattr(f"opencode_client.{module}.EXIT_S", 0.05)
    with PtyServer([cursor(0), end]) as server:
        terminal = connected(client_kind, server)
        assert rest(client_kind, terminal) == []
        assert client_kind.call(terminal.wait, 5) is None


def test_a_timeout_of_wait_reports_that_the_process_still_runs(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        with pytest.raises(PtyTimeoutError, match=r"the process did not end within 0.05 s"):
            client_kind.call(terminal.wait, 0.05)


def test_wait_is_refused_with_exit_code_false(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server, exit_code=False)
        with pytest.raises(ArgumentError, match="exit_code=False"):
            client_kind.call(terminal.wait, 5)


def test_a_terminal_of_2_x_reads_no_events_of_1_x(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("terminals.connection", "terminals.async_connection"):
        monkeypatch.setattr(f"opencode_client.{module}.HAS_EXITS", False)
    with PtyServer([cursor(0), say("out"), end]) as server:
        terminal = connected(client_kind, server)
        assert "".join(rest(client_kind, terminal)) == "out"
        with pytest.raises(ArgumentError, match=r"wait\(\) needs a server of opencode 1\.x"):
            client_kind.call(terminal.wait, 5)
        assert server.streams == []


def test_an_unknown_terminal_is_not_found(client_kind: ClientKind) -> None:
    with PtyServer() as server:
        client = client_kind.client(server.url)
        with pytest.raises(NotFoundError):
            client_kind.call(client.pty.connect("pty_other").recv)
        assert server.dials == []


def test_no_connection_is_tried_if_the_server_lacks_the_operation(client_kind: ClientKind) -> None:
    with PtyServer(version="1.1.31") as server:
        with pytest.raises(UnsupportedOperationError, match=r"v2\.pty\.connect: opencode 1\.1\.31"):
            client_kind.call(client_kind.client(server.url).v2.pty.connect(PTY_ID).recv)
        assert [call.path for call in server.calls] == ["/global/health", "/doc"]


def test_a_refused_connection_raises_the_servers_error(client_kind: ClientKind) -> None:
    answers = {f"/pty/{PTY_ID}/connect": http(b'{"name":"UnknownError","data":{"message":"bad id"}}', 500)}
    with PtyServer(answers=answers) as server:
        with pytest.raises(StatusError, match="bad id") as caught:
            connected(client_kind, server)
        assert (caught.value.status, caught.value.operation) == (500, "pty.connect")


def test_a_closed_terminal_ends_its_iteration_and_refuses_calls(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("a")]) as server:
        terminal = connected(client_kind, server)
        assert read(client_kind, terminal, 1) == "a"
        client_kind.call(terminal.close)
        client_kind.call(terminal.close)
        assert rest(client_kind, terminal) == []
        uses: list[tuple[Any, ...]] = [(terminal.recv, 5), (terminal.send, "x"), (terminal.wait, 5)]
        for use in uses:
            with pytest.raises(PtyClosedError, match="this connection was closed"):
                client_kind.call(*use)
        server.until(lambda: server.open == 0)


def test_closing_the_client_closes_its_terminals(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        client = client_kind.client(server.url)
        terminal = client.pty.connect(PTY_ID)
        client_kind.call(terminal.send, "x")
        client_kind.call(client.close)
        server.until(lambda: server.open == 0)


def test_closing_the_client_closes_unreferenced_terminals(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        client = client_kind.client(server.url)
        client_kind.call(client.pty.connect(PTY_ID).send, "x")
        gc.collect()
        client_kind.call(client.close)
        server.until(lambda: server.open == 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"auth": "bearer"}, "auth takes"),
        ({"cursor": -2}, "at least -1"),
        ({"retries": 1}, "no argument 'retries'"),
    ],
)
def test_a_wrong_option_is_refused_at_once(client_kind: ClientKind, options: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        client_kind.client().pty.connect(PTY_ID, **options)


def test_the_repr_of_a_terminal_shows_its_state(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), end]) as server:
        terminal = connected(client_kind, server)
        assert repr(terminal).endswith(f"{PTY_ID}: open>")
        rest(client_kind, terminal)
        assert repr(terminal).endswith(f"{PTY_ID}: ended>")
