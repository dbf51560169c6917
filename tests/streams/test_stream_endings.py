"""A stream ends when it is closed, cancelled, left early, or with its client, and leaves no connection open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from functools import partial
from operator import methodcaller
from typing import Any

import pytest
from attrs import frozen

from opencode_client import (
    ArgumentError,
    StreamClosedError,
)
from tests.support.both_clients import ClientKind
from tests.support.concurrency import one_connection as one_connection  # a fixture
from tests.support.faulty_server import FaultyServer, Peer, Step, http, stall
from tests.support.stream_cases import HEALTH, begin, hang, idle_event, ids, take
from tests.support.stream_cases import hurry as hurry  # a fixture


@frozen
class Idle:
    """A stream that waits for its server. It begins to wait after the server has read `requests` requests."""

    server: FaultyServer
    requests: int
    subscribe: Callable[[Any], Any]

    def stream(self, client_kind: ClientKind) -> Any:  # Any: sync or async
        client = client_kind.client(self.server.url)
        client._caller.knowledge.version = "1.18.33"
        return self.subscribe(client)


def _session(client: Any) -> Any:  # Any: as above
    return client.v2.session.events("ses_1")


def _everything(client: Any) -> Any:  # Any: as above
    return client.global_.event()


_WAITING: dict[str, tuple[int, Callable[[Any], Any], list[list[Step]]]] = {
    "before the head": (1, _session, [[stall()]]),
    "after the head": (1, _session, [[begin(), hang]]),
    "in a call after the first bytes": (2, _everything, [[begin(idle_event("a")), hang], [stall()]]),
}


@pytest.fixture(params=_WAITING)
def idle(request: pytest.FixtureRequest) -> Iterator[Idle]:
    requests, subscribe, scripts = _WAITING[request.param]
    with FaultyServer(*scripts) as server:
        yield Idle(server, requests, subscribe)


def test_closing_from_another_thread_ends_an_iteration_at_once(idle: Idle) -> None:
    client_kind = ClientKind(is_async=False)
    stream = idle.stream(client_kind)
    ended = threading.Event()

    def iterate() -> None:
        assert list(stream) == []
        ended.set()

    reader = threading.Thread(target=iterate)
    reader.start()
    idle.server.await_requests(idle.requests)
    stream.close()
    assert ended.wait(5)
    reader.join()
    idle.server.await_ended(idle.requests)
    client_kind.close()


def _nothing(*_: object) -> None:
    """Wake no thread."""


@pytest.mark.parametrize("wakes", [True, False], ids=["POSIX", "Windows"])
def test_closing_from_another_task_ends_an_iteration_at_once(
    idle: Idle, monkeypatch: pytest.MonkeyPatch, wakes: bool
) -> None:
    if not wakes:  # on Windows, a shutdown of a socket wakes no reader
        monkeypatch.setattr("asyncio.trsock.TransportSocket.shutdown", _nothing)
    client_kind = ClientKind(is_async=True)

    async def run() -> None:
        stream = idle.stream(client_kind)

        async def iterate() -> list[Any]:
            return [item async for item in stream]

        reader = asyncio.create_task(iterate())
        await asyncio.to_thread(idle.server.await_requests, idle.requests)
        await stream.close()
        assert await asyncio.wait_for(reader, 5) == []

    client_kind.call(run)
    idle.server.await_ended(idle.requests)
    client_kind.close()


def test_closing_during_a_tls_handshake_ends_an_iteration_at_once() -> None:
    client_kind = ClientKind(is_async=True)
    has_hello = threading.Event()

    def stay_silent(peer: Peer) -> None:
        peer.await_data()
        has_hello.set()
        peer.wait()

    async def run() -> None:
        client = client_kind.client(server.url.replace("http:", "https:"))
        client._caller.knowledge.version = "1.18.33"
        stream = _session(client)

        async def iterate() -> list[Any]:
            return [item async for item in stream]

        reader = asyncio.create_task(iterate())
        assert await asyncio.to_thread(has_hello.wait, 5)
        await stream.close()
        assert await asyncio.wait_for(reader, 5) == []

    with FaultyServer([stay_silent]) as server:
        client_kind.call(run)
        server.await_ended(1)
    client_kind.close()


def test_closing_a_stream_during_the_version_check_ends_it(client_kind: ClientKind) -> None:
    answered = threading.Event()

    def answer_late(peer: Peer) -> None:
        peer.receive()
        assert answered.wait(5)
        peer.send(http(HEALTH))

    with FaultyServer([answer_late, hang], [begin(idle_event("a")), hang]) as server:
        stream = _session(client_kind.client(server.url))
        use = (lambda: _collected(stream)) if client_kind.is_async else (lambda: list(stream))
        requested = partial(server.await_requests, 1)
        found, *_ = client_kind.meanwhile(use, requested, stream.close, answered.set)
        assert found == []


async def _collected(stream: Any) -> list[Any]:  # Any: as above
    return [item async for item in stream]


def test_cancelling_an_iterating_task_closes_its_connection(idle: Idle) -> None:
    client_kind = ClientKind(is_async=True)

    async def run() -> None:
        async def iterate() -> None:
            async with idle.stream(client_kind) as stream:
                async for _ in stream:
                    raise AssertionError

        reader = asyncio.create_task(iterate())
        await asyncio.to_thread(idle.server.await_requests, idle.requests)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader

    client_kind.call(run)
    idle.server.await_ended(idle.requests)
    client_kind.close()


def test_a_stream_that_is_closed_while_it_opens_raises_an_error() -> None:
    client_kind = ClientKind(is_async=False)
    with FaultyServer([stall()]) as server:
        stream = client_kind.client(server.url).event.subscribe()

        def close() -> None:
            server.await_requests(1)
            stream.close()

        closer = threading.Thread(target=close)
        closer.start()
        with pytest.raises(StreamClosedError):
            stream.__enter__()
        closer.join()
        server.await_ended(1)
    client_kind.close()


def test_leaving_a_stream_early_closes_its_connection(client_kind: ClientKind) -> None:
    with FaultyServer([begin(idle_event("a")), hang]) as server:
        take(client_kind, client_kind.client(server.url).event.subscribe(), 1)
        server.await_ended(1)


def test_streams_use_no_connections_of_the_pool(client_kind: ClientKind, one_connection: None) -> None:
    with FaultyServer([begin(idle_event("a")), hang]) as server:
        client = client_kind.client(server.url)
        streams = [client.event.subscribe() for _ in range(20)]
        enter = methodcaller("__aenter__" if client_kind.is_async else "__enter__")
        for stream in streams:
            client_kind.call(enter, stream)
        assert server.connections == 20
        for stream in streams:
            client_kind.call(stream.close)
        server.await_ended(20)


def test_closing_the_client_ends_its_streams(client_kind: ClientKind) -> None:
    with FaultyServer([begin(idle_event("a")), hang]) as server:
        client = client_kind.client(server.url)
        stream = client.event.subscribe()
        found = (
            client_kind.call(_closing, client, stream)
            if client_kind.is_async
            else _closing_now(client, stream)
        )
        assert ids(found) == ["a"]
        server.await_ended(1)


def _closing_now(client: Any, stream: Any) -> list[Any]:
    found: list[Any] = []
    with stream:
        for item in stream:
            found.append(item)
            client.close()
    return found


async def _closing(client: Any, stream: Any) -> list[Any]:
    found: list[Any] = []
    async with stream:
        async for item in stream:
            found.append(item)
            await client.close()
    return found


def test_a_closed_stream_is_not_opened_again(client_kind: ClientKind) -> None:
    stream = client_kind.client().event.subscribe()
    client_kind.call(stream.close)
    with pytest.raises(StreamClosedError, match="subscribe again"):
        take(client_kind, stream)


def test_raw_refuses_a_stream(client_kind: ClientKind) -> None:
    client = client_kind.client()
    with pytest.raises(ArgumentError, match="not a stream or a terminal"):
        client_kind.call(client.raw, client.event.subscribe)
