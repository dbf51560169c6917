"""Using streams: filters, sharing, and reading anew what a gap may have hidden."""

from __future__ import annotations

import asyncio
import json
import threading
from itertools import islice
from typing import Any, assert_type

import httpx
import pytest

from opencode_client import (
    EventStream,
    NotFoundError,
    OpencodeClient,
    SessionSnapshot,
    StreamGap,
    StreamOverflow,
)
from opencode_client.models import Event, EventMessagePartDelta, EventSessionIdle, EventSessionStatus
from opencode_client.streams.filter import session_of
from scripts.recordings import events
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer, Peer, Step, http

_HEAD = http(headers={"content-type": "text/event-stream", "transfer-encoding": "chunked"})


def _chunk(value: Any) -> bytes:
    data = f"data: {json.dumps(value)}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(kind: str, session_id: str, **more: Any) -> dict[str, Any]:
    return {"id": "e", "type": kind, "properties": {"sessionID": session_id, **more}}


def _sends(*values: Any) -> Step:
    def step(peer: Peer) -> None:
        peer.receive()
        peer.send(_HEAD + b"".join(map(_chunk, values)))

    return step


def _end(peer: Peer) -> None:
    peer.send(b"0\r\n\r\n")
    peer.end()


_BORN = _event("session.created", "ses_2", info={"id": "ses_2", "parentID": "ses_1"})
_MIXED: tuple[dict[str, Any], ...] = (
    _event("session.idle", "ses_1"),
    _event("session.status", "ses_1", status={"type": "busy"}),
    _event("session.idle", "ses_2"),
    _BORN,
    _event("session.idle", "ses_2"),
    {"id": "e", "type": "new", "properties": {}},
)


def _all(client_kind: ClientKind, stream: Any, count: int | None = None) -> list[Any]:
    """What a stream yields: so many, or all."""
    found: list[Any] = []

    async def take() -> None:
        async with stream:
            async for item in stream:
                found.append(item)
                if len(found) == count:
                    break

    if client_kind.is_async:
        client_kind.call(take)
        return found
    with stream:
        return list(islice(stream, count))


def _stream(client_kind: ClientKind, server: FaultyServer) -> Any:
    return client_kind.client(server.url).event.subscribe(reconnect=False)


@pytest.mark.parametrize(
    ("types", "session", "count"),
    [
        ((), {}, 6),
        ((EventSessionIdle,), {}, 3),
        ((EventSessionIdle, EventSessionStatus), {"session_id": "ses_1"}, 2),
        ((), {"session_id": "ses_1"}, 2),
        ((), {"session_id": "ses_1", "children": True}, 4),
    ],
)
def test_a_filter_shows_the_types_and_the_session_asked_for(
    client_kind: ClientKind, types: tuple[type[Any], ...], session: dict[str, Any], count: int
) -> None:
    with FaultyServer([_sends(*_MIXED), _end]) as server:
        assert len(_all(client_kind, _stream(client_kind, server).filter(*types, **session))) == count


def test_what_is_no_event_is_of_no_session(client_kind: ClientKind) -> None:
    with FaultyServer([_sends([1], "ses_1", _MIXED[0]), _end]) as server:
        found = _all(client_kind, _stream(client_kind, server).filter(session_id="ses_1"))
    assert [type(item) for item in found] == [EventSessionIdle]


def test_a_filter_always_shows_gaps(client_kind: ClientKind) -> None:
    with FaultyServer([_sends(_MIXED[1]), _end], [_sends(_MIXED[0]), lambda peer: peer.wait()]) as server:
        stream = client_kind.client(server.url).event.subscribe().filter(EventSessionIdle)
        assert [type(item) for item in _all(client_kind, stream, 2)] == [StreamGap, EventSessionIdle]


def typed(client: OpencodeClient) -> None:
    """What checkers make of filters; nobody calls it."""
    stream = client.event.subscribe()
    assert_type(stream, EventStream[Event])
    with stream.filter(EventMessagePartDelta, EventSessionIdle, session_id="ses_1") as some:
        for item in some:
            assert_type(item, EventMessagePartDelta | EventSessionIdle | StreamGap)
    with stream as every:
        for one in every:
            if isinstance(one, EventMessagePartDelta):
                assert_type(one.properties.delta, str)


@pytest.mark.parametrize("version", ["1.1.31", "1.18.33"])
@pytest.mark.parametrize("stream", ["event", "global"])
def test_every_recorded_event_of_a_session_is_known_to_be_its(version: str, stream: str) -> None:
    for event in events(version, stream):
        told = event.get("payload", event)
        kind = told.get("type", "")
        if kind.startswith(("session.", "message.", "permission.", "question.", "todo.")):
            assert (session_of(event) or "").startswith("ses_"), event


def _sends_when(released: threading.Event, *values: Any) -> Step:
    """Sends the head at once, and events when all subscribers are there: they get what comes after them."""

    def step(peer: Peer) -> None:
        peer.receive()
        peer.send(_HEAD)
        assert released.wait(5)
        peer.send(b"".join(map(_chunk, values)))

    return step


def test_subscribers_share_one_connection_and_each_gets_everything(client_kind: ClientKind) -> None:
    all_there = threading.Event()
    with FaultyServer([_sends_when(all_there, *_MIXED[:3]), _end]) as server:
        shared = _stream(client_kind, server).share()

        async def run() -> list[list[Any]]:
            async with shared.subscribe() as first, shared.subscribe() as second:
                all_there.set()
                return [await _rest_of(first), await _rest_of(second)]

        if client_kind.is_async:
            found = client_kind.call(run)
        else:
            with shared.subscribe() as first, shared.subscribe() as second:
                all_there.set()
                found = [list(first), list(second)]
        assert [len(items) for items in found] == [3, 3]
        assert server.connections == 1


def test_a_slow_subscriber_is_told_what_it_lost_and_others_lose_nothing() -> None:
    release = threading.Event()

    def more(peer: Peer) -> None:
        peer.receive()
        peer.send(_HEAD)
        release.wait(5)
        peer.send(b"".join(map(_chunk, [_MIXED[0]] * 50)))
        _end(peer)

    with FaultyServer([more]) as server, OpencodeClient(server.url) as client:
        shared = client.event.subscribe(reconnect=False).share(max_queue=10)
        with shared.subscribe() as slow, shared.subscribe() as ready:
            release.set()
            taken = sum(item.lost if isinstance(item, StreamOverflow) else 1 for item in ready)
            found = list(slow)
    assert taken == 50
    assert [type(item) for item in found] == [EventSessionIdle] * 10 + [StreamOverflow]
    assert found[-1] == StreamOverflow(40)


def test_the_last_subscriber_to_leave_closes_the_connection(client_kind: ClientKind) -> None:
    all_there = threading.Event()
    with FaultyServer([_sends_when(all_there, _MIXED[0]), lambda peer: peer.wait()]) as server:
        shared = client_kind.client(server.url).event.subscribe().share()

        async def run() -> None:
            async with shared.subscribe() as one, shared.subscribe() as two:
                all_there.set()
                for subscriber in (one, two):
                    async for item in subscriber:
                        assert isinstance(item, EventSessionIdle)
                        break

        if client_kind.is_async:
            client_kind.call(run)
        else:
            with shared.subscribe() as one, shared.subscribe() as two:
                all_there.set()
                assert next(iter(one)) == next(iter(two))
        server.await_ended(1)


def test_a_subscriber_that_is_closed_ends_and_the_others_go_on(client_kind: ClientKind) -> None:
    more = threading.Event()
    with FaultyServer([_sends_when(more, _MIXED[0]), lambda peer: peer.wait()]) as server:
        shared = client_kind.client(server.url).event.subscribe().share()

        async def run() -> None:
            async with shared.subscribe() as one, shared.subscribe() as two:
                waiting = asyncio.create_task(_rest_of(one))
                await asyncio.sleep(0)  # it has begun to wait
                await one.close()
                assert await asyncio.wait_for(waiting, 5) == []
                more.set()
                assert isinstance(await anext(aiter(two)), EventSessionIdle)

        if client_kind.is_async:
            client_kind.call(run)
            return
        found: list[list[Any]] = []
        with shared.subscribe() as one, shared.subscribe() as two:
            reader = threading.Thread(target=lambda: found.append(list(one)))
            reader.start()
            one.close()
            reader.join(5)
            assert found == [[]]
            more.set()
            assert isinstance(next(iter(two)), EventSessionIdle)


async def _rest_of(subscriber: Any) -> list[Any]:  # Any: of any stream
    return [item async for item in subscriber]


def test_what_ends_the_stream_is_raised_by_every_subscriber(client_kind: ClientKind) -> None:
    refuse: list[Step] = [lambda peer: peer.send(http(b"", 404)) if peer.receive() else None]
    with FaultyServer([_sends(_MIXED[0]), _end], refuse) as server:
        shared = client_kind.client(server.url).event.subscribe().share()

        async def run() -> None:
            async with shared.subscribe() as one, shared.subscribe() as two:
                for subscriber in (one, two):
                    with pytest.raises(NotFoundError):
                        await _rest_of(subscriber)

        if client_kind.is_async:
            client_kind.call(run)
            return
        with shared.subscribe() as one, shared.subscribe() as two:
            for subscriber in (one, two):
                with pytest.raises(NotFoundError):
                    list(subscriber)


_SESSION = {
    "id": "ses_1", "slug": "a", "projectID": "p", "directory": "/their own", "title": "t", "version": "1",
    "time": {"created": 1, "updated": 2},
}  # fmt: skip


@pytest.mark.parametrize(("since", "messages"), [("msg_1", "12"), ("msg_9", "012"), (None, "012")])
def test_resync_reads_a_session_where_it_lives(
    client_kind: ClientKind, since: str | None, messages: str
) -> None:
    asked: list[httpx.URL] = []
    message = {
        "role": "user",
        "sessionID": "ses_1",
        "time": {"created": 1},
        "agent": "a",
        "model": {"providerID": "p", "modelID": "m"},
    }
    answers: dict[str, Any] = {
        "/session/ses_1": _SESSION,
        "/session/status": {"ses_1": {"type": "busy"}},
        "/session/ses_1/message": [{"info": {**message, "id": f"msg_{n}"}, "parts": []} for n in range(3)],
        "/permission": [
            {
                "id": f"per_{n}",
                "sessionID": f"ses_{n}",
                "permission": "bash",
                "patterns": [],
                "metadata": {},
                "always": [],
            }
            for n in (1, 2)
        ],
        "/question": [{"id": "que_1", "sessionID": "ses_1", "questions": []}],
    }

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json=answers[request.url.path])

    found: SessionSnapshot = client_kind.call(
        client_kind.mocked(answer, directory="/mine").resync, "ses_1", since_message_id=since
    )
    assert (found.session.id, found.status and found.status.type) == ("ses_1", "busy")
    assert [message.info.id for message in found.messages if message.info.role == "user"] == [
        f"msg_{n}" for n in messages
    ]
    assert ([one.id for one in found.permissions], [one.id for one in found.questions]) == (
        ["per_1"],
        ["que_1"],
    )
    assert {url.params["directory"] for url in asked[1:]} == {"/their own"}
