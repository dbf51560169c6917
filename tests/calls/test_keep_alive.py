"""TCP keep-alive: the system detects a lost server machine while a prompt waits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer, stall

_ESTABLISHED, _KEEP_ALIVE = "01", "02"


def _timer(port: int) -> tuple[str, float]:
    """Return the timer of the connection to a local port: its kind, and the seconds until it expires."""
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        _, _, remote, state, _, timer, *_ = line.split()
        if remote.endswith(f":{port:04X}") and state == _ESTABLISHED:
            kind, _, ticks = timer.partition(":")
            return kind, int(ticks, 16) / 100
    raise AssertionError(f"no connection to port {port}")


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc/net/tcp")
def test_a_waiting_prompt_has_keep_alive(client_kind: ClientKind) -> None:
    with FaultyServer([stall()]) as server:
        client = client_kind.client(server.url, max_retries=0)
        port = int(server.url.rpartition(":")[2])
        timers: list[tuple[str, float]] = []

        def look() -> None:
            server.await_requests(1)
            timers.append(_timer(port))

        client_kind.meanwhile(lambda: client.session.prompt("ses_1", parts=[]), look, client.close)
    [(kind, left_s)] = timers
    assert kind == _KEEP_ALIVE
    assert left_s <= 20
