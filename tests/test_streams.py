"""Streams against a server that cuts, stalls and ends connections: what is yielded, what is asked, how it ends."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opencode_client import (
    ArgumentError,
    AuthenticationError,
    ConnectError,
    NotFoundError,
    OpencodeError,
    ServerHeartbeat,
    StreamClosedError,
    StreamGap,
    UndecodableEvent,
    UnknownEvent,
    UnsupportedOperationError,
)
from opencode_client.models import EventServerConnected, EventSessionIdle, GlobalEvent
from opencode_client.stream_state import StreamState
from tests.faulty_server import FaultyServer, Peer, Step, answer, http, nobody
from tests.worlds import World

_HEAD = http(headers={"content-type": "text/event-stream", "transfer-encoding": "chunked"})
_HEALTH = b'{"healthy": true, "version": "1.18.33"}'


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _idle(session_id: str) -> bytes:
    value = {"id": "evt", "type": "session.idle", "properties": {"sessionID": session_id}}
    return f"data: {json.dumps(value)}\n\n".encode()


def _begin(*events: bytes) -> Step:
    """Read the request and send the head of a stream and some events."""

    def step(peer: Peer) -> None:
        peer.receive()
        peer.send(_HEAD + b"".join(map(_chunk, events)))

    return step


def _end(peer: Peer) -> None:
    """End the stream as a disposed instance does."""
    peer.send(b"0\r\n\r\n")
    peer.end()


def _cut(peer: Peer) -> None:
    """End the stream as a server that is killed does."""
    peer.end()


def _hang(peer: Peer) -> None:
    peer.wait()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opencode_client.stream_state.FIRST_DELAY_S", 0.001)


def _take(world: World, stream: Any, count: int | None = None) -> list[Any]:
    """What a stream yields: so many, or all."""
    return world.call(_taken, stream, count) if world.is_async else _taken_now(stream, count)


def _taken_now(stream: Any, count: int | None) -> list[Any]:
    found: list[Any] = []
    with stream as items:
        for item in items:
            found.append(item)
            if len(found) == count:
                break
    return found


async def _taken(stream: Any, count: int | None) -> list[Any]:
    found: list[Any] = []
    async with stream as items:
        async for item in items:
            found.append(item)
            if len(found) == count:
                break
    return found


def _ids(items: list[Any]) -> list[str]:
    return [
        item.properties.session_id if isinstance(item, EventSessionIdle) else type(item).__name__
        for item in items
    ]


def test_events_are_typed_and_in_order(world: World) -> None:
    with FaultyServer([_begin(_idle("a") + _idle("b")[:9], _idle("b")[9:]), _hang]) as server:
        assert _ids(_take(world, world.client(server.url).event.subscribe(), 2)) == ["a", "b"]
        [request] = server.requests
        assert (request.target, request.headers["accept"]) == ("/event", "text/event-stream")


@pytest.mark.parametrize(("ending", "reason"), [(_end, "the stream ended"), (_cut, "the connection broke")])
def test_a_lost_connection_is_a_gap_between_the_events(world: World, ending: Step, reason: str) -> None:
    with FaultyServer([_begin(_idle("a")), ending], [_begin(_idle("b")), _hang]) as server:
        found = _take(world, world.client(server.url).event.subscribe(), 3)
    assert _ids(found) == ["a", "StreamGap", "b"]
    assert reason in found[1].reason
    assert (found[1].attempts, found[1].error is None) == (1, ending is _end)
    assert found[1].since_ms > 1_700_000_000_000


def test_a_gap_counts_the_attempts_and_is_one(world: World) -> None:
    refuse = [answer(http(b"", 503))]
    with FaultyServer([_begin(_idle("a")), _end], refuse, refuse, [_begin(_idle("b")), _hang]) as server:
        found = _take(world, world.client(server.url).event.subscribe(), 3)
    assert _ids(found) == ["a", "StreamGap", "b"]
    assert found[1].attempts == 3


def test_a_gap_may_go_to_a_function_instead(world: World) -> None:
    gaps: list[StreamGap] = []
    with FaultyServer([_begin(_idle("a")), _end], [_begin(_idle("b")), _hang]) as server:
        stream = world.client(server.url).event.subscribe(on_gap=gaps.append)
        assert _ids(_take(world, stream, 2)) == ["a", "b"]
    assert len(gaps) == 1


def test_without_reconnecting_a_clean_end_ends_the_stream_and_a_cut_is_raised(world: World) -> None:
    with FaultyServer([_begin(_idle("a")), _end]) as server:
        assert _ids(_take(world, world.client(server.url).event.subscribe(reconnect=False))) == ["a"]
    with (
        FaultyServer([_begin(_idle("a")), _cut]) as server,
        pytest.raises(OpencodeError, match=r"event\.subscribe: .* the connection broke"),
    ):
        _take(world, world.client(server.url).event.subscribe(reconnect=False))


def test_the_first_connections_failure_is_raised(world: World) -> None:
    with nobody() as url, pytest.raises(ConnectError, match=r"event\.subscribe"):
        _take(world, world.client(url).event.subscribe())


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (http(b"", 401), AuthenticationError),
        (http(b"", 404), NotFoundError),
        (http(b"<!doctype html>", headers={"content-type": "text/html"}), UnsupportedOperationError),
    ],
)
def test_what_will_not_get_better_is_raised_at_once(
    world: World, response: bytes, error: type[OpencodeError]
) -> None:
    with FaultyServer([_begin(_idle("a")), _end], [answer(response)], [answer(http(_HEALTH))]) as server:
        with pytest.raises(error):
            _take(world, world.client(server.url).event.subscribe())
        assert [request.path for request in server.requests][:2] == ["/event", "/event"]


def test_attempts_are_bounded_where_the_caller_says_so(world: World) -> None:
    with FaultyServer([_begin(_idle("a")), _end], [answer(http(b"", 500))]) as server:
        with pytest.raises(OpencodeError, match="500"):
            _take(world, world.client(server.url).event.subscribe(max_attempts=3))
        assert len(server.requests) == 4


def test_silence_is_a_lost_connection(world: World) -> None:
    with FaultyServer([_begin(_idle("a")), _hang], [_begin(_idle("b")), _hang]) as server:
        found = _take(world, world.client(server.url).event.subscribe(watchdog_s=0.05), 3)
    assert _ids(found) == ["a", "StreamGap", "b"]
    assert "no answer in time" in found[1].reason


_SIGNS = b'data: {"type":"server.connected","properties":{}}\n\ndata: {"type":"server.heartbeat","properties":{}}\n\n'


def test_signs_of_life_are_yielded_only_when_asked_for(world: World) -> None:
    with FaultyServer([_begin(_SIGNS, b": heartbeat\n\n", _idle("a")), _hang]) as server:
        client = world.client(server.url)
        assert _ids(_take(world, client.event.subscribe(), 1)) == ["a"]
        connected, heartbeat = _take(world, client.event.subscribe(heartbeats=True), 2)
    assert isinstance(connected, EventServerConnected)
    assert isinstance(heartbeat, ServerHeartbeat)


def test_wrapped_signs_of_life_are_left_out_too(world: World) -> None:
    wrapped = b'data: {"payload":{"type":"server.heartbeat","properties":{}}}\n\n'
    event = b'data: {"directory":"/r","payload":{"type":"session.idle","properties":{"sessionID":"a"}}}\n\n'
    with FaultyServer([_begin(wrapped, event), _hang]) as server:
        [found] = _take(world, world.client(server.url).global_.event(), 1)
    assert isinstance(found, GlobalEvent)
    assert (found.directory, found.payload.type) == ("/r", "session.idle")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"type":"new.thing","properties":{}}', UnknownEvent),
        (b'{"other":1}', UnknownEvent),
        (b"[1]", UndecodableEvent),
        (b"not json", UndecodableEvent),
        (b"\xff", UndecodableEvent),
        (b'{"type":["x"]}', UnknownEvent),
    ],
)
def test_what_nobody_knows_is_yielded_and_the_stream_goes_on(
    world: World, data: bytes, kind: type[Any]
) -> None:
    with FaultyServer([_begin(b"data: " + data + b"\n\n", _idle("a")), _hang]) as server:
        unusual, usual = _take(world, world.client(server.url).event.subscribe(), 2)
    assert type(unusual) is kind
    assert isinstance(usual, EventSessionIdle)


def test_an_id_and_a_delay_that_a_server_sends_are_honoured(world: World) -> None:
    told = b"id: 7\nretry: 1\n" + _idle("a")
    with FaultyServer([_begin(told), _end], [_begin(_idle("b")), _hang]) as server:
        _take(world, world.client(server.url).event.subscribe(), 3)
        assert [request.headers.get("last-event-id") for request in server.requests] == [None, "7"]


def _durable(sequence: int) -> bytes:
    value = {
        "id": f"e{sequence}",
        "type": "x",
        "durable": {"aggregateID": "ses_1", "seq": sequence, "version": 1},
    }
    return f"data: {json.dumps(value)}\n\n".encode()


def test_a_stream_that_resumes_asks_for_what_it_missed_and_has_no_gap(world: World) -> None:
    health = [answer(http(_HEALTH))]
    scripts = [[_begin(_durable(5)), _cut], [_begin(_durable(6)), _end], [_begin(_durable(7)), _hang]]
    with FaultyServer(health, *scripts) as server:
        found = _take(world, world.client(server.url).v2.session.events("ses_1", after=4), 3)
        assert [item.raw["durable"]["seq"] for item in found] == [5, 6, 7]
        asked = [request.target for request in server.requests[1:]]
    assert asked == [f"/api/session/ses_1/event?after={after}" for after in (4, 5, 6)]


def test_an_option_that_there_is_not_is_an_error(world: World) -> None:
    with pytest.raises(ArgumentError, match="no option 'retries'"):
        world.client().event.subscribe(retries=3)


def _silent(peer: Peer) -> None:
    """Read the request and send nothing, not even the head."""
    peer.receive()
    peer.wait()


@pytest.fixture(params=[[_begin(), _hang], [_silent]], ids=["after the head", "before the head"])
def idle(request: pytest.FixtureRequest) -> Iterator[FaultyServer]:
    with FaultyServer(request.param) as server:
        yield server


def test_closing_from_another_thread_ends_an_iteration_at_once(idle: FaultyServer) -> None:
    world = World(is_async=False)
    known = world.client(idle.url)
    known._caller.known.version = "1.18.33"
    stream = known.v2.session.events("ses_1")
    ended = threading.Event()

    def iterate() -> None:
        with stream:
            assert list(stream) == []
        ended.set()

    reader = threading.Thread(target=iterate)
    reader.start()
    idle.await_requests(1)
    stream.close()
    assert ended.wait(5)
    reader.join()
    idle.await_ended(1)
    world.close()


def test_closing_from_another_task_ends_an_iteration_at_once(idle: FaultyServer) -> None:
    world = World(is_async=True)
    known = world.client(idle.url)
    known._caller.known.version = "1.18.33"

    async def run() -> None:
        stream = known.v2.session.events("ses_1")

        async def iterate() -> list[Any]:
            async with stream:
                return [item async for item in stream]

        reader = asyncio.create_task(iterate())
        await asyncio.to_thread(idle.await_requests, 1)
        await stream.close()
        assert await asyncio.wait_for(reader, 5) == []

    world.call(run)
    idle.await_ended(1)
    world.close()


def test_cancelling_a_task_that_iterates_leaves_no_connection(idle: FaultyServer) -> None:
    world = World(is_async=True)
    known = world.client(idle.url)
    known._caller.known.version = "1.18.33"

    async def run() -> None:
        async def iterate() -> None:
            async with known.v2.session.events("ses_1") as stream:
                async for _ in stream:
                    raise AssertionError

        reader = asyncio.create_task(iterate())
        await asyncio.to_thread(idle.await_requests, 1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader

    world.call(run)
    idle.await_ended(1)
    world.close()


def test_a_stream_that_is_left_early_leaves_no_connection(world: World) -> None:
    with FaultyServer([_begin(_idle("a")), _hang]) as server:
        _take(world, world.client(server.url).event.subscribe(), 1)
        server.await_ended(1)


def test_streams_take_no_connections_that_calls_need(world: World) -> None:
    with FaultyServer([_begin(_idle("a")), _hang]) as server:
        client = world.client(server.url)
        streams = [client.event.subscribe() for _ in range(120)]
        enter: Callable[[Any], Any] = lambda one: one.__aenter__() if world.is_async else one.__enter__()  # noqa: E731
        for stream in streams:
            world.call(enter, stream)
        assert server.connections == 120
        for stream in streams:
            world.call(stream.close)
        server.await_ended(120)


def test_closing_the_client_ends_its_streams(world: World) -> None:
    with FaultyServer([_begin(_idle("a")), _hang]) as server:
        client = world.client(server.url)
        stream = client.event.subscribe()
        found = world.call(_closing, client, stream) if world.is_async else _closing_now(client, stream)
        assert _ids(found) == ["a"]
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


def test_a_closed_stream_is_not_opened_again(world: World) -> None:
    stream = world.client().event.subscribe()
    world.call(stream.close)
    with pytest.raises(StreamClosedError, match="subscribe again"):
        _take(world, stream)


def test_raw_refuses_a_stream(world: World) -> None:
    client = world.client()
    with pytest.raises(ArgumentError, match="streams have no single answer"):
        world.call(client.raw, client.event.subscribe)


def test_a_connection_that_lived_does_not_make_attempts_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000]
    monkeypatch.setattr("opencode_client.stream_state._now_ms", lambda: now[0])
    state: StreamState[Any] = StreamState(lambda raw: raw, {"max_attempts": 2}, resumes=False)
    state.connected()
    now[0] += 20_000
    state.feed(b": heartbeat\n\n")
    error = OpencodeError("gone")
    assert all(state.delay_before_next(error) for _ in range(2))
    with pytest.raises(OpencodeError, match="gone"):
        state.delay_before_next(error)
