"""Locks of the sync pool: each test fails when one of them is removed."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from opencode_client import ConnectError, OpencodeClient
from tests.support.busy_server import PATIENCE_S, BusyServer
from tests.support.concurrency import EMPTY_LIST, NO_WAITING, Threads
from tests.support.concurrency import busy as busy  # a fixture
from tests.support.faulty_server import FaultyServer, answer, stall

_MAKING_S = 0.05
"""Time in which other threads get as far as they can, while one makes a transport."""


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Python switches between threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class _Transports:
    """The transports that a client has made, and those that are closed; making one takes time."""

    def __init__(self) -> None:
        self.made: list[httpx.HTTPTransport] = []
        self.closed: list[httpx.HTTPTransport] = []
        self.is_making = threading.Event()


@pytest.fixture
def transports(monkeypatch: pytest.MonkeyPatch) -> _Transports:
    found = _Transports()

    class SlowTransport(httpx.HTTPTransport):
        def __init__(self, **options: Any) -> None:  # Any: as httpx takes them
            found.is_making.set()
            time.sleep(_MAKING_S)  # nothing happens that a test could wait for: the others wait, too
            super().__init__(**options)
            found.made.append(self)

        def close(self) -> None:
            found.closed.append(self)
            super().close()

    monkeypatch.setattr(httpx, "HTTPTransport", SlowTransport)
    return found


def test_threads_with_the_first_calls_share_the_transports(busy: BusyServer, transports: _Transports) -> None:
    with OpencodeClient(busy.url) as client:
        start = threading.Barrier(8)

        def call(_: int) -> object:
            start.wait(PATIENCE_S)
            return client.session.list()

        assert Threads(8, call).join() == [[]] * 8
    assert len(transports.made) == 2  # one for ordinary calls, one for blocking calls


def test_closing_a_client_that_makes_its_transports_closes_them(
    busy: BusyServer, transports: _Transports
) -> None:
    # the timeout ends a call whose socket is closed between its request and its response
    client = OpencodeClient(busy.url, max_retries=0, timeout=1)
    calls = Threads(1, lambda _: client.session.list())
    assert transports.is_making.wait(PATIENCE_S)
    client.close()
    calls.join()
    assert transports.closed == transports.made


def test_calls_wait_for_a_connection_outside_of_httpcore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opencode_client.calls.pool.ORDINARY_CONNECTIONS", 1)  # httpcore's limit stays 100
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


def test_streams_may_be_made_while_the_client_closes(many_switches: None) -> None:
    for _ in range(20):
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
