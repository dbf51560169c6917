"""A terminal that several threads use: no output is lost or repeated, for a switch at every line."""

from __future__ import annotations

import pytest

from opencode_client import OpencodeClient
from opencode_client.terminals.receiver import Receiver
from tests.support import terminal_switches
from tests.support.sizes import small_and_full
from tests.support.terminal_replays import replay
from tests.support.terminal_server import PTY_ID, Line, PtyServer, cursor, cut, end, hear, say
from tests.support.terminal_switches import Switch, run_with_switch


def _read_while_another_thread_reconnects(line: int) -> tuple[str, bool]:
    """Return the output, and True if the reading thread got as far as `line`."""

    def replay_from_cursor(connection: Line) -> None:
        requested = server.dials[-1].target.partition("cursor=")[2]
        say(*replay("abc", int(requested) if requested else None))(connection)

    def send() -> None:
        server.until(lambda: server.open == 0)
        terminal.send("x")  # finds the connection broken, and replaces it

    scripts = [cursor(0), say("abc"), cut], [replay_from_cursor, hear, say("d"), end]
    with (
        PtyServer(*scripts) as server,
        OpencodeClient(server.url, max_retries=0) as client,
        client.pty.connect(PTY_ID, exit_code=False) as terminal,
    ):
        receive = Receiver._receive  # pyright: ignore[reportPrivateUsage] # `recv` only calls it
        switch = Switch(receive, line, send)
        first = run_with_switch(switch, terminal.recv)
        if not switch.happened:
            send()
        return first + "".join(terminal), switch.happened


@small_and_full("blocked_s", 0.05, 0.15)
def test_a_frame_is_not_read_twice_while_another_thread_reconnects(
    blocked_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_switches, "BLOCKED_S", blocked_s)
    line, happened = 0, True
    while happened:
        text, happened = _read_while_another_thread_reconnects(line)
        assert text == "abcd", f"after a switch at line {line}"
        line += 1
    assert line > 10
