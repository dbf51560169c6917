"""The sync pool in many threads."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from opencode_client import ConnectError, OpencodeClient
from tests.support.busy_server import PATIENCE_S
from tests.support.concurrency import EMPTY_LIST, NO_WAITING, Threads
from tests.support.faulty_server import FaultyServer, answer, stall
from tests.support.sizes import small_and_full


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Let Python switch between threads as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_calls_wait_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opencode_client.calls.pool.ORDINARY_CONNECTIONS", 1)
    with (
        FaultyServer([stall()], [answer(EMPTY_LIST)]) as server,
        OpencodeClient(server.url, max_retries=0) as client,
    ):
        first = Threads(1, lambda _: client.session.list())
        server.await_requests(1)
        with pytest.raises(ConnectError, match="all connections are busy"):
            client.session.list(timeout=NO_WAITING)
        assert len(server.requests) == 1
        server.close()
        first.join()


@small_and_full("rounds", 3, 20)
def test_streams_may_be_created_while_the_client_closes(many_switches: None, rounds: int) -> None:
    for _ in range(rounds):
        client = OpencodeClient("http://127.0.0.1:1")
        streams = [client.event.subscribe() for _ in range(200)]
        makers = Threads(1, partial(_make_streams, client, start := threading.Barrier(2)))
        start.wait(PATIENCE_S)
        client.close()
        assert makers.join() == [200]
        del streams


def _make_streams(client: OpencodeClient, start: threading.Barrier, number: int) -> int:
    del number
    start.wait(PATIENCE_S)
    return len([client.event.subscribe() for _ in range(200)])
