"""An exit watch that several threads use: one event stream, and no exit is lost, for a switch at every line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from opencode_client import OpencodeClient, PtyConnection
from opencode_client.terminals.exit_watch import ExitWatch
from opencode_client.terminals.exits import Exits
from tests.support import terminal_switches
from tests.support.sizes import small_and_full
from tests.support.terminal_server import PTY_ID, PtyServer, cursor, described
from tests.support.terminal_switches import Switch, run_with_switch

Scene: TypeAlias = "Callable[[OpencodeClient, PtyServer, int], bool]"

_OTHER_ID = "pty_2"


def _join_while_another_joins(client: OpencodeClient, server: PtyServer, line: int) -> bool:
    one, other = client.pty.connect(PTY_ID), client.pty.connect(_OTHER_ID)
    switch = Switch(ExitWatch.join, line, other.__enter__)
    run_with_switch(switch, one.__enter__)
    if not switch.happened:
        other.__enter__()
    _check_exits(server, one, other)
    return switch.happened


def _leave_while_another_joins(client: OpencodeClient, server: PtyServer, line: int) -> bool:
    one, other = client.pty.connect(PTY_ID), client.pty.connect(_OTHER_ID)
    one.__enter__()
    switch = Switch(ExitWatch.leave, line, other.__enter__)
    run_with_switch(switch, one.close)
    if not switch.happened:
        other.__enter__()
    _check_exits(server, other)
    return switch.happened


def _see_a_gap_while_another_leaves(client: OpencodeClient, server: PtyServer, line: int) -> bool:
    one, other = client.pty.connect(PTY_ID), client.pty.connect(_OTHER_ID)
    switch = Switch(Exits.add_gap, line, one.close)

    def wait() -> int | None:
        one.__enter__()
        other.__enter__()
        server.answers[f"/pty/{_OTHER_ID}"] = described(_OTHER_ID, "exited")
        server.drop_events()
        return other.wait(5)

    assert run_with_switch(switch, wait) is None
    return switch.happened


def _join_while_the_process_ends(client: OpencodeClient, server: PtyServer, line: int) -> bool:
    one, other = client.pty.connect(PTY_ID), client.pty.connect(PTY_ID)
    one.__enter__()

    def end() -> None:
        server.tell("pty.exited", id=PTY_ID, exitCode=7)
        assert one.wait(5) == 7

    switch = Switch(Exits.add, line, end)
    run_with_switch(switch, other.__enter__)
    if not switch.happened:
        end()
    assert other.wait(5) == 7
    return switch.happened


def _check_exits(server: PtyServer, *terminals: PtyConnection) -> None:
    server.until(lambda: len(server.listeners) == 1)
    for code, terminal in enumerate(terminals):
        server.tell("pty.exited", id=terminal.pty_id, exitCode=code)
    assert [terminal.wait(5) for terminal in terminals] == list(range(len(terminals)))
    for terminal in terminals:
        terminal.close()
    server.until(lambda: not server.listeners)


@small_and_full("blocked_s", 0.05, 0.15)
@pytest.mark.parametrize(
    "scene",
    [
        _join_while_another_joins,
        _join_while_the_process_ends,
        _leave_while_another_joins,
        _see_a_gap_while_another_leaves,
    ],
)
def test_exits_are_delivered_for_every_order_of_threads(
    scene: Scene, blocked_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_switches, "BLOCKED_S", blocked_s)
    line, happened = 0, True
    while happened:
        with (
            PtyServer([cursor(0)], answers={f"/pty/{_OTHER_ID}": described(_OTHER_ID)}) as server,
            OpencodeClient(server.url, max_retries=0) as client,
        ):
            happened = scene(client, server, line)
        line += 1
    assert line > 2
