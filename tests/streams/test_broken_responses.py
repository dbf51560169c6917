"""Streams with wrong, compressed, oversized or random responses: each raises or yields an item, and never hangs."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencode_client import (
    BadRequestError,
    ClientClosedError,
    EventTooLargeError,
    OpencodeError,
    ResponseDecodeError,
)
from opencode_client.calls.operation import Arguments, Operation
from opencode_client.streams import reconnect
from opencode_client.streams.reconnect import StreamState
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer, Peer, Step, answer, http
from tests.support.sizes import small_and_full
from tests.support.stream_cases import HEALTH, begin, chunk, end, event_of, hang, idle_event, ids, take
from tests.support.stream_cases import hurry as hurry  # a fixture

_EVENTS = {"content-type": "text/event-stream"}


@pytest.mark.parametrize("opened_before", [False, True])
@pytest.mark.parametrize(
    ("response", "got"),
    [
        (http(b'{"maintenance": true}'), r"""200 application/json: '\{"maintenance": true\}'"""),
        (http(b"back soon", headers={"content-type": "text/plain"}), "200 text/plain: 'back soon'"),
        (http(b"data: x\n\n", headers={}), "200 no content-type: 'data: x'"),
        (http(b"", 204), "204 application/json"),
        (http(b"xx", headers={**_EVENTS, "content-encoding": "br"}), "200 .* with content-encoding br"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + b"[1," * 9000,
            r"200 application/json: '\[1,",
        ),
    ],
)
def test_a_2xx_response_without_an_event_stream_raises_an_error_that_shows_it(
    client_kind: ClientKind, opened_before: bool, response: bytes, got: str
) -> None:
    def send(peer: Peer) -> None:
        peer.receive()
        peer.send(response)
        peer.wait()

    first: list[list[Step]] = [[begin(idle_event("a")), end]] if opened_before else []
    with FaultyServer(*first, [send]) as server:
        with pytest.raises(
            ResponseDecodeError, match=rf"event\.subscribe: .*expected an event stream.*{got}"
        ):
            take(client_kind, client_kind.client(server.url).event.subscribe())
        assert len(server.requests) == len(first) + 1
        server.await_ended(len(first) + 1)


def test_the_error_for_a_wrong_response_hides_secrets(client_kind: ClientKind) -> None:
    body = b'{"maintenance": true, "authorization": "Bearer abc", "password": "correct horse"}'
    with FaultyServer([answer(http(body))]) as server:
        client = client_kind.client(server.url, password="correct horse")
        with pytest.raises(ResponseDecodeError) as caught:
            take(client_kind, client.event.subscribe())
    assert '"maintenance": true, "authorization": ***' in str(caught.value)
    assert "horse" not in str(caught.value)


def test_streams_request_no_compression(client_kind: ClientKind) -> None:
    with FaultyServer([begin(idle_event("a")), hang]) as server:
        base_url = server.url.replace(
            "127.0.0.1", "[::ffff:127.0.0.1]"
        )  # not a loopback address to Python 3.11
        given = httpx.AsyncClient() if client_kind.is_async else httpx.Client()
        for client in (
            client_kind.client(base_url),
            client_kind.client(server.url, http_client=given),
        ):
            take(client_kind, client.event.subscribe(), 1)
        assert [one.headers["accept-encoding"] for one in server.requests] == ["identity"] * 2
        client_kind.call(given.aclose if isinstance(given, httpx.AsyncClient) else given.close)


def _deflated(data: bytes) -> bytes:
    return zlib.compress(data)


@pytest.mark.parametrize(("encoding", "encode"), [("gzip", gzip.compress), ("deflate", _deflated)])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_compressed_stream_is_decoded(
    client_kind: ClientKind, encoding: str, encode: Any, is_chunked: bool
) -> None:
    body = encode(idle_event("a") + idle_event("b"))
    form = {"transfer-encoding": "chunked"} if is_chunked else {"content-length": str(len(body))}
    head = http(headers={**_EVENTS, "content-encoding": encoding, **form})
    content = b"".join(chunk(body[i : i + 1]) for i in range(len(body))) if is_chunked else body

    def send(peer: Peer) -> None:
        peer.receive()
        peer.send(head + content)
        peer.wait()

    with FaultyServer([send]) as server:
        assert ids(take(client_kind, client_kind.client(server.url).event.subscribe(), 2)) == ["a", "b"]


def test_a_body_that_does_not_match_its_content_encoding_is_an_error(client_kind: ClientKind) -> None:
    head = http(headers={**_EVENTS, "content-encoding": "gzip", "transfer-encoding": "chunked"})
    with FaultyServer([answer(head + chunk(idle_event("a"))), hang]) as server:
        with pytest.raises(ResponseDecodeError, match="encoding"):
            take(client_kind, client_kind.client(server.url).event.subscribe())
        assert len(server.requests) == 1


def _large(session_id: str) -> bytes:
    properties = {"sessionID": session_id, "text": "x" * 1000}
    return event_of({"id": "evt", "type": "session.idle", "properties": properties})


def test_an_event_above_the_limit_raises_once_and_the_next_event_is_read(
    client_kind: ClientKind,
) -> None:
    with FaultyServer([begin(idle_event("a") + _large("b"), idle_event("c")), hang]) as server:
        stream = client_kind.client(server.url).event.subscribe(max_event_bytes=500)
        assert ids([client_kind.call(stream.get)]) == ["a"]
        with pytest.raises(EventTooLargeError, match=r"event\.subscribe: .*500 bytes"):
            client_kind.call(stream.get)
        assert ids([client_kind.call(stream.get)]) == ["c"]
        assert len(server.requests) == 1
        client_kind.call(stream.close)


def test_the_rest_of_an_event_above_the_limit_is_dropped(client_kind: ClientKind) -> None:
    pieces = [_large("b")[i : i + 300] for i in range(0, len(_large("b")), 300)]
    with FaultyServer([begin(*pieces, idle_event("c")), hang]) as server:
        stream = client_kind.client(server.url).event.subscribe(max_event_bytes=500)
        with pytest.raises(EventTooLargeError):
            client_kind.call(stream.get)
        assert ids([client_kind.call(stream.get)]) == ["c"]
        client_kind.call(stream.close)


def _durable(sequence: int, size: int = 0, *, late: bool = False) -> bytes:
    durable = {"aggregateID": "ses_1", "seq": sequence, "version": 1}
    value = {"id": f"e{sequence}", "type": "x", "durable": durable, "data": {"seq": 99, "text": "x" * size}}
    if late:
        value["durable"] = value.pop("durable")
    return event_of(value).replace(b": ", b":").replace(b", ", b",").replace(b"data:{", b"data: {", 1)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("after", [4, None])
def test_a_session_stream_does_not_fetch_an_event_above_the_limit_again(
    client_kind: ClientKind, late: bool, after: int | None
) -> None:
    health = [answer(http(HEALTH))]
    number = (after or 0) + 1
    pieces = _durable(number, 1000, late=late), _durable(number + 1)
    with FaultyServer(health, [begin(pieces[0]), end], [begin(pieces[1]), hang]) as server:
        stream = client_kind.client(server.url).v2.session.events("ses_1", after=after, max_event_bytes=500)
        with pytest.raises(EventTooLargeError):
            client_kind.call(stream.get)
        assert client_kind.call(stream.get).raw_["durable"]["seq"] == number + 1
        targets = [request.target for request in server.requests[1:]]
        client_kind.call(stream.close)
    first = "" if after is None else f"?after={after}"
    assert targets == [f"/api/session/ses_1/event{first}", f"/api/session/ses_1/event?after={number}"]


@pytest.mark.parametrize("sequence", [True, -5, 3, "7", 2**60, 1.5, None])
def test_an_invalid_sequence_number_is_ignored(client_kind: ClientKind, sequence: object) -> None:
    wrong = event_of({"id": "e", "type": "x", "durable": {"seq": sequence}})
    health = [answer(http(HEALTH))]
    with FaultyServer(health, [begin(_durable(5), wrong), end], [begin(_durable(6)), hang]) as server:
        take(client_kind, client_kind.client(server.url).v2.session.events("ses_1"), 3)
        assert server.requests[-1].target == "/api/session/ses_1/event?after=5"


@pytest.mark.parametrize("status", [400, 302, 405, 410, 422])
def test_a_permanent_error_status_is_raised(client_kind: ClientKind, status: int) -> None:
    with FaultyServer([begin(idle_event("a")), end], [answer(http(b"{}", status))]) as server:
        with pytest.raises(OpencodeError, match=str(status)) as caught:
            take(client_kind, client_kind.client(server.url).event.subscribe())
        assert len(server.requests) == 2
    assert isinstance(caught.value, BadRequestError) == (status == 400)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_a_temporary_error_status_is_only_a_gap(client_kind: ClientKind, status: int) -> None:
    scripts = [begin(idle_event("a")), end], [answer(http(b"{}", status))], [begin(idle_event("b")), hang]
    with FaultyServer(*scripts) as server:
        found = take(client_kind, client_kind.client(server.url).event.subscribe(), 3)
    assert ids(found) == ["a", "StreamGap", "b"]


@pytest.mark.parametrize(
    ("retry", "least_s", "most_s"),
    [
        (None, 0.125, 0.25),
        (b"0", 0.125, 0.25),
        (b"1500", 0.75, 1.5),
        (b"9" * 400, 30, 60),
        (b"9" * 5000, 30, 60),
        (b"-1", 0.125, 0.25),
    ],
)
def test_a_retry_field_can_lengthen_the_delay_but_not_shorten_it(
    monkeypatch: pytest.MonkeyPatch, retry: bytes | None, least_s: float, most_s: float
) -> None:
    monkeypatch.setattr(reconnect, "FIRST_DELAY_S", 0.25)
    state: StreamState[Any] = StreamState(Operation("x", "GET", "/x", "Any"), {})
    state.connected()
    state.feed(b"" if retry is None else b"retry: " + retry + b"\n\n")
    delay_s = state.delay_before_next(None)
    assert delay_s is not None
    assert least_s <= delay_s <= most_s
    later_s = [state.delay_before_next(None) or 0.0 for _ in range(50)]
    assert max(later_s) <= 60


@pytest.mark.parametrize(
    ("event_id", "sent"),
    [
        (b"7", "7"),
        (b"a b", "a b"),
        (b"\xff", None),
        ("é".encode(), None),
        (b"a\0b", None),
        (b"\x01", None),
        (b" 7 ", None),
        (b"x" * 5000, None),
    ],
)
def test_an_id_is_sent_only_if_it_is_a_valid_header_value(
    client_kind: ClientKind, event_id: bytes, sent: str | None
) -> None:
    with_id = b"id: " + event_id + b"\n" + idle_event("a")
    with FaultyServer([begin(with_id), end], [begin(idle_event("b")), hang]) as server:
        take(client_kind, client_kind.client(server.url).event.subscribe(), 3)
        assert server.requests[-1].headers.get("last-event-id") == sent


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "payload", "properties", "durable", "seq", "data", "id", "info", "part"])
            | st.text(max_size=4),
            inner | st.sampled_from(["session.idle", "message.part.updated", "server.heartbeat"]),
            max_size=5,
        )
    ),
    max_leaves=12,
)


_DATA = st.binary(max_size=60) | _JSON.map(lambda value: b"data: " + json.dumps(value).encode() + b"\n\n")


@small_and_full("examples", 15, 200)
def test_random_bytes_never_raise(examples: int) -> None:
    @settings(max_examples=examples)
    @given(_DATA)
    def check(data: bytes) -> None:
        for operation in _STREAMS:
            state: StreamState[Any] = StreamState(operation, {"max_event_bytes": 1000})
            state.connected()
            state.feed(b": a\n\n")
            state.feed(data)
            state.feed(b"\n\n" + idle_event("a"))
            state.next_arguments(Arguments())
            assert state.next_item() is not None

    check()


_STREAMS: list[Operation[Any]] = [
    Operation("event.subscribe", "GET", "/event", "Event"),
    Operation("global.event", "GET", "/global/event", "GlobalEvent"),
    Operation("v2.session.events", "GET", "/x", "SessionDurableEvent", resumes="after"),
]


@pytest.mark.usefixtures("no_collections")
def test_too_deeply_nested_json_is_an_item(client_kind: ClientKind) -> None:
    def deep(levels: int) -> bytes:
        nested = b'{"a":' * levels + b"1" + b"}" * levels
        return b'data: {"type":"session.idle","properties":' + nested + b"}\n\n"

    with FaultyServer([begin(deep(500), deep(100_000), idle_event("a")), hang]) as server:
        found = take(client_kind, client_kind.client(server.url).event.subscribe(), 3)
    assert ids(found)[2] == "a"


def test_closing_a_given_http_client_ends_its_streams_with_an_error(client_kind: ClientKind) -> None:
    given: Any = httpx.AsyncClient() if client_kind.is_async else httpx.Client()
    close = given.aclose if client_kind.is_async else given.close

    with FaultyServer([begin(idle_event("a")), hang]) as server:
        client = client_kind.client(server.url, http_client=given)
        stream = client.event.subscribe()
        assert ids([client_kind.call(stream.get)]) == ["a"]
        client_kind.call(close)
        with pytest.raises(ClientClosedError, match="closed"):
            client_kind.call(stream.get, timeout=10)
        client_kind.call(stream.close)
        with pytest.raises(ClientClosedError, match="closed"):
            take(client_kind, client.event.subscribe())
