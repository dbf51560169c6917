"""Filter and share streams, and read a session again after a gap."""

from __future__ import annotations

import asyncio
import threading
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
from tests.support.stream_cases import HEAD, begin, chunk, end, event_of, take


def _event(kind: str, session_id: str, **more: Any) -> dict[str, Any]:
    return {"id": "e", "type": kind, "properties": {"sessionID": session_id, **more}}


def _sends(*values: Any) -> Step:
    return begin(*map(event_of, values))


_CHILD_CREATED = _event("session.created", "ses_2", info={"id": "ses_2", "parentID": "ses_1"})
_MIXED: tuple[dict[str, Any], ...] = (
    _event("session.idle", "ses_1"),
    _event("session.status", "ses_1", status={"type": "busy"}),
    _event("session.idle", "ses_2"),
    _CHILD_CREATED,
    _event("session.idle", "ses_2"),
    {"id": "e", "type": "new", "properties": {}},
)


def _stream(client_kind: ClientKind, server: FaultyServer) -> Any:
    return client_kind.client(server.url).event.subscribe(reconnect=False)


@pytest.mark.parametrize(
    ("types", "session", "count"),
    [
        ((), {}, 6),
        ((EventSessionIdle,), {}, 3),
        ((EventSessionIdle, EventSessionStatus), {"session_id": "ses_1"}, 2),
        ((), {"session_id": "ses_1"}, 2),
    ],
)
def test_a_filter_yields_the_wanted_types_and_session(
    client_kind: ClientKind, types: tuple[type[Any], ...], session: dict[str, Any], count: int
) -> None:
    with FaultyServer([_sends(*_MIXED), end]) as server:
        assert len(take(client_kind, _stream(client_kind, server).filter(*types, **session))) == count


def test_a_session_filter_drops_undecodable_items(client_kind: ClientKind) -> None:
    with FaultyServer([_sends([1], "ses_1", _MIXED[0]), end]) as server:
        found = take(client_kind, _stream(client_kind, server).filter(session_id="ses_1"))
    assert [type(item) for item in found] == [EventSessionIdle]


def test_a_filter_always_yields_gaps(client_kind: ClientKind) -> None:
    with FaultyServer([_sends(_MIXED[1]), end], [_sends(_MIXED[0]), lambda peer: peer.wait()]) as server:
        stream = client_kind.client(server.url).event.subscribe().filter(EventSessionIdle)
        assert [type(item) for item in take(client_kind, stream, 2)] == [StreamGap, EventSessionIdle]


def typed(client: OpencodeClient) -> None:
    """For type checkers, which infer these types; never called."""
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
def test_session_of_finds_the_session_of_every_recorded_event(version: str, stream: str) -> None:
    for event in events(version, stream):
        kind = event.get("payload", event).get("type", "")
        if kind.startswith(("session.", "message.", "permission.", "question.", "todo.")):
            assert (session_of(event) or "").startswith("ses_"), event


def _sends_when(released: threading.Event, *values: Any) -> Step:
    """Send the head at once, and the events when all subscribers are there. They get only later events."""

    def step(peer: Peer) -> None:
        peer.receive()
        peer.send(HEAD)
        assert released.wait(5)
        peer.send(b"".join(map(chunk, map(event_of, values))))

    return step


def test_subscribers_share_one_connection_and_each_gets_everything(client_kind: ClientKind) -> None:
    all_there = threading.Event()
    with FaultyServer([_sends_when(all_there, *_MIXED[:3]), end]) as server:
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


def test_a_slow_subscriber_gets_an_overflow_and_others_lose_nothing() -> None:
    release = threading.Event()

    with (
        FaultyServer([_sends_when(release, *[_MIXED[0]] * 50), end]) as server,
        OpencodeClient(server.url) as client,
    ):
        shared = client.event.subscribe(reconnect=False).share(max_queue=10)
        with shared.subscribe() as slow, shared.subscribe() as ready:
            release.set()
            taken = sum(item.lost if isinstance(item, StreamOverflow) else 1 for item in ready)
            found = list(slow)
    assert taken == 50
    assert [type(item) for item in found] == [EventSessionIdle] * 10 + [StreamOverflow]
    assert found[-1] == StreamOverflow(40)


def test_closing_the_last_subscriber_closes_the_connection(client_kind: ClientKind) -> None:
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


def test_closing_one_subscriber_does_not_end_the_others(client_kind: ClientKind) -> None:
    more = threading.Event()
    with FaultyServer([_sends_when(more, _MIXED[0]), lambda peer: peer.wait()]) as server:
        shared = client_kind.client(server.url).event.subscribe().share()

        async def run() -> None:
            async with shared.subscribe() as one, shared.subscribe() as two:
                waiting = asyncio.create_task(_rest_of(one))
                await asyncio.sleep(0)  # into its waiting
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


def test_every_subscriber_raises_the_error_that_ends_the_stream(client_kind: ClientKind) -> None:
    refuse: list[Step] = [lambda peer: peer.send(http(b"", 404)) if peer.receive() else None]
    with FaultyServer([_sends(_MIXED[0]), end], refuse) as server:
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
def test_resync_uses_the_directory_of_the_session(
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
