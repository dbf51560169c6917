"""Waiting for an item: timeouts of `get`, cancelled tasks, and Ctrl-C lose no event."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from opencode_client import (
    EventTooLargeError,
    OpencodeError,
    StreamClosedError,
    StreamGap,
    StreamTimeoutError,
)
from opencode_client.models import EventSessionIdle
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer, Peer, Step, answer, http, stall
from tests.support.resources import until
from tests.support.stream_cases import HEAD, HEALTH, begin, chunk, end, event_of, hang, idle_event, ids
from tests.support.stream_cases import hurry as hurry  # a fixture

_PLAIN_HEAD = http(headers={"content-type": "text/event-stream", "transfer-encoding": "identity"})
_BRIEF_S = 0.05

Reader = Callable[[Any], Any]
"""A function that makes a reader of a stream: the stream, a filter, or a shared stream's subscription."""
READERS: dict[str, Reader] = {
    "stream": lambda stream: stream,
    "filter": lambda stream: stream.filter(EventSessionIdle, StreamGap),
    "subscription": lambda stream: stream.share().subscribe(),
}
FORMS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "in chunks": (HEAD, chunk),
    "without chunks": (_PLAIN_HEAD.replace(b"transfer-encoding: identity\r\n", b""), bytes),
}
"""Forms of a body: its head, and the form of a piece. httpx reads the second one."""

each_reader = pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
each_form = pytest.mark.parametrize("form", FORMS)


def sends_when(released: threading.Event, form: str, *events: bytes) -> Step:
    """Return a step that sends the head at once, and the events when they are released."""
    head, piece = FORMS[form]

    def step(peer: Peer) -> None:
        peer.receive()
        peer.send(head)
        assert released.wait(5)
        for event in events:
            peer.send(piece(event))

    return step


@each_reader
@each_form
def test_a_get_that_times_out_loses_nothing(client_kind: ClientKind, reader: Reader, form: str) -> None:
    released = threading.Event()
    with FaultyServer([sends_when(released, form, idle_event("a"), idle_event("b")), hang]) as server:
        items = reader(client_kind.client(server.url).event.subscribe())
        client_kind.call(items.__aenter__ if client_kind.is_async else items.__enter__)
        for timeout in (0, _BRIEF_S, _BRIEF_S):
            with pytest.raises(StreamTimeoutError) as caught:
                client_kind.call(items.get, timeout=timeout)
            assert isinstance(caught.value, TimeoutError)
        released.set()
        found = [client_kind.call(items.get, timeout=5), client_kind.call(items.get)]
        assert ids(found) == ["a", "b"]
        assert len(server.requests) == 1
        client_kind.call(items.close)


@each_reader
def test_get_raises_at_the_end(client_kind: ClientKind, reader: Reader) -> None:
    released = threading.Event()
    with FaultyServer([sends_when(released, "in chunks", idle_event("a")), end]) as server:
        items = reader(client_kind.client(server.url).event.subscribe(reconnect=False))
        client_kind.call(items.__aenter__ if client_kind.is_async else items.__enter__)
        released.set()
        assert ids([client_kind.call(items.get, timeout=5)]) == ["a"]
        for _ in range(2):
            with pytest.raises(StreamClosedError, match="no more items"):
                client_kind.call(items.get, timeout=5)
        client_kind.call(items.close)
        with pytest.raises(StreamClosedError):
            client_kind.call(items.get)


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), True, "1", 1e300])
def test_get_checks_its_timeout(client_kind: ClientKind, timeout: Any) -> None:
    stream = client_kind.client().event.subscribe()
    for items in (stream, stream.filter(), stream.share().subscribe()):
        with pytest.raises(OpencodeError, match="timeout takes seconds"):
            client_kind.call(items.get, timeout=timeout)


def test_get_ends_in_time_while_the_stream_connects_and_later_gets_its_event(client_kind: ClientKind) -> None:
    released = threading.Event()

    def answer_late(peer: Peer) -> None:
        peer.receive()
        assert released.wait(5)
        peer.send(HEAD + chunk(idle_event("a")))

    with FaultyServer([answer_late, hang]) as server:
        stream = client_kind.client(server.url).event.subscribe()
        for _ in range(2):
            with pytest.raises(StreamTimeoutError):
                client_kind.call(stream.get, timeout=_BRIEF_S)
        released.set()
        assert ids([client_kind.call(stream.get, timeout=5)]) == ["a"]
        assert len(server.requests) == 1
        client_kind.call(stream.close)


def test_get_ends_in_time_between_two_connections(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opencode_client.streams.reconnect.FIRST_DELAY_S", 1.0)
    monkeypatch.setattr("opencode_client.streams.reconnect.random.random", lambda: 0.0)
    with FaultyServer([begin(idle_event("a")), end], [begin(idle_event("b")), hang]) as server:
        stream = client_kind.client(server.url).event.subscribe()
        assert ids([client_kind.call(stream.get, timeout=5)]) == ["a"]
        with pytest.raises(StreamTimeoutError):
            client_kind.call(stream.get, timeout=_BRIEF_S)
        found = [client_kind.call(stream.get, timeout=5) for _ in range(2)]
        assert ids(found) == ["StreamGap", "b"]
        client_kind.call(stream.close)


def test_many_short_gets_detect_a_silent_connection(client_kind: ClientKind) -> None:
    with FaultyServer([begin(idle_event("a")), hang], [begin(idle_event("b")), hang]) as server:
        stream = client_kind.client(server.url).event.subscribe(watchdog_s=0.2)
        found: list[Any] = []
        for _ in range(100):
            try:
                found.append(client_kind.call(stream.get, timeout=0.02))
            except StreamTimeoutError:
                continue
            if len(found) == 3:
                break
        assert ids(found) == ["a", "StreamGap", "b"]
        client_kind.call(stream.close)


def test_a_connection_that_opens_between_two_gets_yields_a_gap(client_kind: ClientKind, hurry: None) -> None:
    released = threading.Event()

    def opens_late(peer: Peer) -> None:
        peer.receive()
        assert released.wait(5)
        peer.send(HEAD + chunk(idle_event("b")))

    with FaultyServer([begin(idle_event("a")), end], [opens_late, hang]) as server:
        stream = client_kind.client(server.url).event.subscribe()
        found = [client_kind.call(stream.get)]
        while len(server.requests) < 2:
            with pytest.raises(StreamTimeoutError):
                client_kind.call(stream.get, timeout=0.02)
        released.set()
        connection = stream._receiver._link.connection  # no event shows that it is open
        until(client_kind, lambda: connection.is_open)
        found += [client_kind.call(stream.get), client_kind.call(stream.get)]
        assert ids(found) == ["a", "StreamGap", "b"]
        client_kind.call(stream.close)


@each_reader
@each_form
def test_an_async_iteration_survives_a_timeout(reader: Reader, form: str) -> None:
    client_kind = ClientKind(is_async=True)
    released = threading.Event()

    async def run(stream: Any) -> list[Any]:
        async with reader(stream) as events:
            items = aiter(events)
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(items), _BRIEF_S)
            released.set()
            return [await asyncio.wait_for(anext(items), 5) for _ in range(2)]

    with FaultyServer([sends_when(released, form, idle_event("a"), idle_event("b")), hang]) as server:
        found = client_kind.call(run, client_kind.client(server.url).event.subscribe())
        assert ids(found) == ["a", "b"]
        assert len(server.requests) == 1
    client_kind.close()


def test_an_async_iteration_survives_timeouts_while_it_connects() -> None:
    client_kind = ClientKind(is_async=True)
    released = threading.Event()

    def answer_late(peer: Peer) -> None:
        peer.receive()
        assert released.wait(5)
        peer.send(HEAD + chunk(idle_event("a")))

    async def run(stream: Any) -> Any:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(stream), _BRIEF_S)
        released.set()
        return await asyncio.wait_for(anext(stream), 5)

    with FaultyServer([answer_late, hang]) as server:
        stream = client_kind.client(server.url).event.subscribe()
        assert ids([client_kind.call(run, stream)]) == ["a"]
        assert len(server.requests) == 1
        client_kind.call(stream.close)
    client_kind.close()


def test_an_often_cancelled_async_iteration_loses_nothing() -> None:
    client_kind = ClientKind(is_async=True)
    events = [event_of({"id": str(n), "type": "x"}) for n in range(300)]

    def send_all(peer: Peer) -> None:
        peer.receive()
        peer.send(HEAD)
        for event in events:
            peer.send(chunk(event))
            peer.wait(0.0005)

    async def run(stream: Any) -> list[str]:
        found: list[str] = []
        while len(found) < len(events):
            try:
                found.append((await asyncio.wait_for(anext(stream), 0.0002)).raw_["id"])
            except TimeoutError:
                continue
        return found

    with FaultyServer([send_all, hang]) as server:
        stream = client_kind.client(server.url).event.subscribe()
        assert client_kind.call(run, stream) == [str(n) for n in range(300)]
        client_kind.call(stream.close)
    client_kind.close()


def test_ctrl_c_in_a_waiting_stream_causes_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    client_kind = ClientKind(is_async=False)
    read = httpx.Response.iter_bytes
    form = "without chunks"
    released = threading.Event()
    released.set()

    def interrupted(response: httpx.Response) -> Any:
        yield next(read(response))
        monkeypatch.undo()
        monkeypatch.setattr("opencode_client.streams.reconnect.FIRST_DELAY_S", 0.001)
        raise KeyboardInterrupt

    scripts = [[sends_when(released, form, idle_event(name)), hang] for name in "ab"]
    with FaultyServer(*scripts) as server, client_kind.client(server.url).event.subscribe() as stream:
        monkeypatch.setattr(httpx.Response, "iter_bytes", interrupted)
        assert ids([stream.get(timeout=None)]) == ["a"]
        with pytest.raises(KeyboardInterrupt):
            next(stream)
        assert ids([stream.get(timeout=5), stream.get(timeout=5)]) == ["StreamGap", "b"]
        server.await_ended(1)


@each_reader
def test_aclosing_closes_async_readers(reader: Reader) -> None:
    client_kind = ClientKind(is_async=True)

    async def run(stream: Any) -> None:
        async with reader(stream) as items, aclosing(items) as events:
            released.set()
            assert ids([await anext(aiter(events))]) == ["a"]

    released = threading.Event()
    with FaultyServer([sends_when(released, "in chunks", idle_event("a")), hang]) as server:
        client_kind.call(run, client_kind.client(server.url).event.subscribe())
        server.await_ended(1)
    client_kind.close()


def test_every_subscriber_gets_the_error_of_a_large_event_and_the_events_after_it(
    client_kind: ClientKind,
) -> None:
    large = event_of({"type": "x", "text": "x" * 500})
    released = threading.Event()
    events = idle_event("a"), large, idle_event("b")
    with FaultyServer([sends_when(released, "in chunks", *events), hang]) as server:
        shared = client_kind.client(server.url).event.subscribe(max_event_bytes=400).share()
        subscribers = [shared.subscribe() for _ in range(2)]
        for one in subscribers:
            client_kind.call(one.__aenter__ if client_kind.is_async else one.__enter__)
        released.set()
        for one in subscribers:
            assert ids([client_kind.call(one.get, timeout=5)]) == ["a"]
            with pytest.raises(EventTooLargeError):
                client_kind.call(one.get, timeout=5)
            assert ids([client_kind.call(one.get, timeout=5)]) == ["b"]
        for one in subscribers:
            client_kind.call(one.close)


def test_an_unreferenced_stream_closes_its_connection(client_kind: ClientKind) -> None:
    async def take_one(client: Any) -> None:
        assert ids([await anext(client.event.subscribe())]) == ["a"]
        await asyncio.to_thread(server.await_ended, 1)

    with FaultyServer([begin(idle_event("a")), hang]) as server:
        client = client_kind.client(server.url)
        if client_kind.is_async:
            client_kind.call(take_one, client)
        else:
            assert ids([next(client.event.subscribe())]) == ["a"]
            server.await_ended(1)


def test_get_with_a_given_client_ends_after_its_timeout(client_kind: ClientKind) -> None:
    given = httpx.AsyncClient() if client_kind.is_async else httpx.Client()
    with FaultyServer([answer(http(HEALTH)), stall()]) as server:
        client = client_kind.client(server.url, http_client=given)
        stream = client.v2.session.events("ses_1")
        with pytest.raises(StreamTimeoutError):
            client_kind.call(stream.get, timeout=_BRIEF_S)
        client_kind.call(stream.close)
        client_kind.call(given.aclose if isinstance(given, httpx.AsyncClient) else given.close)
