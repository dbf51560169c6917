"""Streams against a server that cuts, stalls and ends connections: items, requests, and the end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opencode_client import (
    ArgumentError,
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    NotFoundError,
    OpencodeError,
    ServerHeartbeat,
    StreamGap,
    UndecodableEvent,
    UnknownEvent,
    UnsupportedOperationError,
)
from opencode_client.calls.operation import Operation
from opencode_client.models import EventServerConnected, EventSessionIdle, GlobalEvent
from opencode_client.streams.reconnect import StreamState
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer, Step, answer, hang_up, http, refused_connections, stall
from tests.support.stream_cases import HEALTH, begin, cut, end, hang, idle_event, ids, take
from tests.support.stream_cases import hurry as hurry  # a fixture


def test_events_are_typed_and_in_order(client_kind: ClientKind) -> None:
    with FaultyServer([begin(idle_event("a") + idle_event("b")[:9], idle_event("b")[9:]), hang]) as server:
        assert ids(take(client_kind, client_kind.client(server.url).event.subscribe(), 2)) == ["a", "b"]
        [request] = server.requests
        assert (request.target, request.headers["accept"]) == ("/event", "text/event-stream")


@pytest.mark.parametrize(("ending", "reason"), [(end, "the stream ended"), (cut, "the connection broke")])
def test_a_lost_connection_is_a_gap_between_the_events(
    client_kind: ClientKind, ending: Step, reason: str
) -> None:
    with FaultyServer([begin(idle_event("a")), ending], [begin(idle_event("b")), hang]) as server:
        found = take(client_kind, client_kind.client(server.url).event.subscribe(), 3)
    assert ids(found) == ["a", "StreamGap", "b"]
    assert reason in found[1].reason
    assert (found[1].attempts, found[1].error is None) == (1, ending is end)
    assert found[1].since_ms > 1_700_000_000_000


def test_several_failed_attempts_are_one_gap_with_their_count(client_kind: ClientKind) -> None:
    refuse = [answer(http(b"", 503))]
    with FaultyServer(
        [begin(idle_event("a")), end], refuse, refuse, [begin(idle_event("b")), hang]
    ) as server:
        found = take(client_kind, client_kind.client(server.url).event.subscribe(), 3)
    assert ids(found) == ["a", "StreamGap", "b"]
    assert found[1].attempts == 3


def test_on_gap_receives_gaps_in_place_of_the_iteration(client_kind: ClientKind) -> None:
    gaps: list[StreamGap] = []
    with FaultyServer([begin(idle_event("a")), end], [begin(idle_event("b")), hang]) as server:
        stream = client_kind.client(server.url).event.subscribe(on_gap=gaps.append)
        assert ids(take(client_kind, stream, 2)) == ["a", "b"]
    assert len(gaps) == 1


def test_without_reconnect_a_clean_end_ends_the_stream_and_a_cut_raises(
    client_kind: ClientKind,
) -> None:
    with FaultyServer([begin(idle_event("a")), end]) as server:
        assert ids(take(client_kind, client_kind.client(server.url).event.subscribe(reconnect=False))) == [
            "a"
        ]
    with (
        FaultyServer([begin(idle_event("a")), cut]) as server,
        pytest.raises(OpencodeError, match=r"event\.subscribe: .* the connection broke"),
    ):
        take(client_kind, client_kind.client(server.url).event.subscribe(reconnect=False))


def test_the_first_connections_failure_is_raised(client_kind: ClientKind) -> None:
    with refused_connections() as url, pytest.raises(ConnectError, match=r"event\.subscribe"):
        take(client_kind, client_kind.client(url).event.subscribe())


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (http(b"", 401), AuthenticationError),
        (http(b"", 404), NotFoundError),
        (http(b"<!doctype html>", headers={"content-type": "text/html"}), UnsupportedOperationError),
    ],
)
def test_a_permanent_error_is_raised_at_once(
    client_kind: ClientKind, response: bytes, error: type[OpencodeError]
) -> None:
    with FaultyServer([begin(idle_event("a")), end], [answer(response)], [answer(http(HEALTH))]) as server:
        with pytest.raises(error):
            take(client_kind, client_kind.client(server.url).event.subscribe())
        assert [request.path for request in server.requests][:2] == ["/event", "/event"]


def test_max_attempts_limits_the_attempts(client_kind: ClientKind) -> None:
    with FaultyServer([begin(idle_event("a")), end], [answer(http(b"", 500))]) as server:
        with pytest.raises(OpencodeError, match="500"):
            take(client_kind, client_kind.client(server.url).event.subscribe(max_attempts=3))
        assert len(server.requests) == 4


def test_with_max_attempts_clean_ends_end_the_stream(client_kind: ClientKind) -> None:
    with FaultyServer([begin(idle_event("a")), end], [begin(), end]) as server:
        found = take(client_kind, client_kind.client(server.url).event.subscribe(max_attempts=2))
        assert ids(found) == ["a", "StreamGap", "StreamGap"]
        assert len(server.requests) == 3


def test_silence_is_a_lost_connection(client_kind: ClientKind) -> None:
    with FaultyServer([begin(idle_event("a")), hang], [begin(idle_event("b")), hang]) as server:
        found = take(client_kind, client_kind.client(server.url).event.subscribe(watchdog_s=0.05), 3)
    assert ids(found) == ["a", "StreamGap", "b"]
    assert "not a byte for 0.05 s" in found[1].reason


_SIGNALS = b'data: {"type":"server.connected","properties":{}}\n\ndata: {"type":"server.heartbeat","properties":{}}\n\n'


def test_heartbeats_are_yielded_only_with_the_option(client_kind: ClientKind) -> None:
    with FaultyServer([begin(_SIGNALS, b": heartbeat\n\n", idle_event("a")), hang]) as server:
        client = client_kind.client(server.url)
        assert ids(take(client_kind, client.event.subscribe(), 1)) == ["a"]
        connected, heartbeat = take(client_kind, client.event.subscribe(heartbeats=True), 2)
    assert isinstance(connected, EventServerConnected)
    assert isinstance(heartbeat, ServerHeartbeat)


def test_heartbeats_in_an_envelope_are_left_out(client_kind: ClientKind) -> None:
    wrapped = b'data: {"payload":{"type":"server.heartbeat","properties":{}}}\n\n'
    event = b'data: {"directory":"/r","payload":{"type":"session.idle","properties":{"sessionID":"a"}}}\n\n'
    with FaultyServer([begin(wrapped, event), hang], [answer(http(HEALTH))] * 2) as server:
        [found] = take(client_kind, client_kind.client(server.url).global_.event(), 1)
    assert isinstance(found, GlobalEvent)
    assert (found.directory, found.payload.type) == ("/r", "session.idle")


def test_a_global_stream_is_open_after_its_first_bytes_and_a_health_check(
    client_kind: ClientKind,
) -> None:
    healthy = [answer(http(HEALTH))] * 2
    scripts = [begin(idle_event("a")), end], healthy, [begin(idle_event("b")), hang], healthy
    with FaultyServer(*scripts) as server:
        first, gap, second = take(client_kind, client_kind.client(server.url).global_.event(), 3)
        assert [request.path for request in server.requests] == ["/global/event", *["/global/health"] * 2] * 2
    assert [first.raw_["properties"]["sessionID"], type(gap)] == ["a", StreamGap]
    assert second.raw_["properties"]["sessionID"] == "b"


def test_a_global_stream_raises_if_its_health_check_fails(client_kind: ClientKind) -> None:
    with FaultyServer([begin(idle_event("a")), hang], [hang_up]) as server:
        stream = client_kind.client(server.url).global_.event()
        with pytest.raises(ConnectionLostError):
            take(client_kind, stream, 1)


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
def test_an_unknown_event_is_yielded_and_the_stream_continues(
    client_kind: ClientKind, data: bytes, kind: type[Any]
) -> None:
    with FaultyServer([begin(b"data: " + data + b"\n\n", idle_event("a")), hang]) as server:
        unusual, usual = take(client_kind, client_kind.client(server.url).event.subscribe(), 2)
    assert type(unusual) is kind
    assert isinstance(usual, EventSessionIdle)


def test_an_id_and_a_delay_from_the_server_are_used(client_kind: ClientKind) -> None:
    with_id = b"id: 7\nretry: 1\n" + idle_event("a")
    with FaultyServer([begin(with_id), end], [begin(idle_event("b")), hang]) as server:
        take(client_kind, client_kind.client(server.url).event.subscribe(), 3)
        assert [request.headers.get("last-event-id") for request in server.requests] == [None, "7"]


def _durable(sequence: int) -> bytes:
    value = {
        "id": f"e{sequence}",
        "type": "x",
        "durable": {"aggregateID": "ses_1", "seq": sequence, "version": 1},
    }
    return f"data: {json.dumps(value)}\n\n".encode()


def test_a_stream_that_resumes_requests_the_missed_events_and_has_no_gap(client_kind: ClientKind) -> None:
    health = [answer(http(HEALTH))]
    scripts = [[begin(_durable(5)), cut], [begin(_durable(6)), end], [begin(_durable(7)), hang]]
    with FaultyServer(health, *scripts) as server:
        found = take(client_kind, client_kind.client(server.url).v2.session.events("ses_1", after=4), 3)
        assert [item.raw_["durable"]["seq"] for item in found] == [5, 6, 7]
        targets = [request.target for request in server.requests[1:]]
    assert targets == [f"/api/session/ses_1/event?after={after}" for after in (4, 5, 6)]


def test_a_stream_resumes_after_the_last_number_that_it_received(client_kind: ClientKind) -> None:
    unnumbered = b'data: {"id":"e6","type":"x","durable":{"aggregateID":"ses_1"}}\n\n'
    health = [answer(http(HEALTH))]
    with FaultyServer(health, [begin(_durable(5), unnumbered), cut], [begin(_durable(7)), hang]) as server:
        take(client_kind, client_kind.client(server.url).v2.session.events("ses_1", after=4), 3)
        assert server.requests[-1].target == "/api/session/ses_1/event?after=5"


def test_silence_before_the_first_event_of_a_resumed_stream_is_not_an_error(
    client_kind: ClientKind,
) -> None:
    scripts = [answer(http(HEALTH))], [stall()], [begin(_durable(5)), hang]
    with FaultyServer(*scripts) as server:
        stream = client_kind.client(server.url).v2.session.events("ses_1", after=4, watchdog_s=0.2)
        [found] = take(client_kind, stream, 1)
        assert [request.target for request in server.requests[1:]] == ["/api/session/ses_1/event?after=4"] * 2
    assert found.raw_["durable"]["seq"] == 5


def test_an_unknown_option_is_an_error(client_kind: ClientKind) -> None:
    with pytest.raises(ArgumentError, match="no argument 'retries'"):
        client_kind.client().event.subscribe(retries=3)


def test_a_connection_with_heartbeats_resets_the_attempts_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr("opencode_client.streams.reconnect.time", lambda: now[0])
    state: StreamState[Any] = StreamState(Operation("x", "GET", "/x", "Any"), {"max_attempts": 2})
    state.connected()
    now[0] += 20
    state.feed(b": heartbeat\n\n")
    error = ConnectError("gone", operation="x", method="GET", url="http://x")
    assert all(state.delay_before_next(error) for _ in range(2))
    with pytest.raises(ConnectError, match="gone"):
        state.delay_before_next(error)
