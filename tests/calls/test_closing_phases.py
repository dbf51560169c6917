"""Closing a client ends each of its calls at once, in any phase, with ClientClosedError."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest

from opencode_client import AsyncOpencodeClient, ClientClosedError, OpencodeClient
from tests.support.both_clients import ClientKind
from tests.support.busy_server import PATIENCE_S
from tests.support.concurrency import CLOSING_S, HALF, Threads
from tests.support.concurrency import one_connection as one_connection  # a fixture
from tests.support.faulty_server import FaultyServer, answer, http, stall, unaccepted_connections

Ready = Callable[[], object]
"""A function that waits until the call is in its phase."""


@contextlib.contextmanager
def _waiting_for_the_response() -> Generator[tuple[str, Ready]]:
    with FaultyServer([stall()]) as server:
        yield server.url, lambda: server.await_requests(1)


@contextlib.contextmanager
def _reading_the_body() -> Generator[tuple[str, Ready]]:
    with FaultyServer([stall(HALF)]) as server:
        yield server.url, lambda: server.await_requests(1)


@contextlib.contextmanager
def _connecting() -> Generator[tuple[str, Ready]]:
    with unaccepted_connections() as url:
        yield url, bool


@contextlib.contextmanager
def _shaking_hands() -> Generator[tuple[str, Ready]]:
    greeted = threading.Event()

    def stay_silent(peer: Any) -> None:  # Any: a Peer
        peer.await_data()
        greeted.set()
        peer.wait()

    with FaultyServer([stay_silent]) as server:
        yield server.url.replace("http:", "https:"), lambda: greeted.wait(PATIENCE_S)


@contextlib.contextmanager
def _pausing_before_a_retry() -> Generator[tuple[str, Ready]]:
    with FaultyServer([answer(http(status=429, headers={"retry-after": "30"}))]) as server:
        yield server.url, lambda: server.await_ended(1)


PHASES = [_waiting_for_the_response, _reading_the_body, _connecting, _shaking_hands]


def _list(client: Any) -> Any:  # Any: either client
    return client.session.list()


def _prompt(client: Any) -> Any:  # Any: as above
    return client.session.prompt("ses_1", parts=[])


def _close_beside_threads(url: str, ready: Ready, call: Callable[[Any], Any], count: int) -> list[object]:
    client = OpencodeClient(url)
    calls = Threads(count, lambda _: call(client))
    ready()
    client.close()
    return calls.join(CLOSING_S)


def _close_beside_tasks(url: str, ready: Ready, call: Callable[[Any], Any], count: int) -> list[object]:
    async def close() -> list[object]:
        client = AsyncOpencodeClient(url)
        calls = asyncio.gather(*(call(client) for _ in range(count)), return_exceptions=True)
        await asyncio.to_thread(ready)
        await client.close()
        return list[object](await asyncio.wait_for(calls, CLOSING_S))

    return asyncio.run(close())


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__.strip("_"))
@pytest.mark.parametrize("call", [_list, _prompt], ids=["list", "prompt"])
def test_closing_the_client_ends_a_call_at_once(
    client_kind: ClientKind,
    phase: Callable[[], contextlib.AbstractContextManager[tuple[str, Ready]]],
    call: Callable[[Any], Any],
) -> None:
    close = _close_beside_tasks if client_kind.is_async else _close_beside_threads
    with phase() as (url, ready):
        outcomes = close(url, ready, call, 3)
    assert [type(outcome) for outcome in outcomes] == [ClientClosedError] * 3


def test_closing_the_client_ends_calls_that_wait_for_a_connection(
    client_kind: ClientKind, one_connection: None
) -> None:
    close = _close_beside_tasks if client_kind.is_async else _close_beside_threads
    with _waiting_for_the_response() as (url, ready):
        outcomes = close(url, ready, _list, 8)
    assert [type(outcome) for outcome in outcomes] == [ClientClosedError] * 8


def test_closing_the_client_ends_the_pause_before_a_retry(client_kind: ClientKind) -> None:
    close = _close_beside_tasks if client_kind.is_async else _close_beside_threads
    with _pausing_before_a_retry() as (url, ready):
        outcomes = close(url, ready, _list, 1)
    assert [type(outcome) for outcome in outcomes] == [ClientClosedError]
