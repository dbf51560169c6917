"""Feeds of asks of both clients against a small server: connections, requests, answers, leaving, errors."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from opencode_client import (
    ArgumentError,
    AskClosed,
    AuthenticationError,
    PermissionAsk,
    QuestionAsk,
    Reject,
    StreamClosedError,
    StreamTimeoutError,
)
from opencode_client.model import JsonObject
from tests.support.both_clients import ClientKind
from tests.support.sizes import small_and_full
from tests.support.threaded_server import ThreadedServer
from tests.support.turn_inputs import SESSION, event, permission, question

_DIRECTORY = "/repo"


class AskServer:
    """A server with a session in /repo. The test sends events, and sets the open asks."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("")
        self.streamed: list[str] = []
        self.replies: list[JsonObject] = []
        self.waiting: list[JsonObject] = []
        self.is_late = False
        self.streams: list[SimpleQueue[JsonObject | None]] = []
        self.ended = threading.Semaphore(0)
        server.expect_request("/event").respond_with_handler(self._events)
        server.expect_request("/global/event").respond_with_handler(self._events)
        server.expect_request("/permission").respond_with_handler(self._list)
        server.expect_request("/question").respond_with_json([])
        server.expect_request("/session/status").respond_with_json({SESSION: {"type": "busy"}})
        server.expect_request("/path").respond_with_json({"directory": _DIRECTORY})
        server.expect_request("/project").respond_with_json([])
        server.expect_request("/global/health").respond_with_json({"healthy": True, "version": "1.1.31"})
        server.expect_request(f"/session/{SESSION}/children").respond_with_json([])
        server.expect_request(f"/session/{SESSION}").respond_with_json(
            {"id": SESSION, "directory": _DIRECTORY}
        )
        server.expect_request("/permission/per_1/reply").respond_with_handler(self._reply)
        server.expect_request("/question/que_1/reply").respond_with_handler(self._reply)
        server.expect_request("/question/que_1/reject").respond_with_handler(self._reply)

    def send(self, raw: JsonObject) -> None:
        """Send an event on every stream."""
        for stream in self.streams:
            stream.put(raw)

    def close(self) -> None:
        """End the streams."""
        for stream in self.streams:
            stream.put(None)

    def _events(self, request: Request) -> Response:
        self.streamed.append(request.path)
        items = SimpleQueue[JsonObject | None]()
        self.streams.append(items)
        is_global = request.path.startswith("/global")

        def stream() -> Generator[bytes]:
            try:
                raw: JsonObject | None = event("server.connected")
                while raw is not None:
                    wrapped = {"directory": _DIRECTORY, "payload": raw} if is_global else raw
                    yield b"data: " + json.dumps(wrapped).encode() + b"\n\n"
                    while True:
                        try:
                            raw = items.get(timeout=0.05)
                            break
                        except Empty:
                            yield b": still here\n\n"  # fails after the client has left
            finally:
                self.ended.release()

        return Response(stream(), mimetype="text/event-stream")

    def _list(self, _: Request) -> Response:
        return _json([one["properties"] for one in self.waiting])

    def _reply(self, request: Request) -> Response:
        self.replies.append(json.loads(request.data or b"{}"))
        return _json({"_tag": "NotFound"}, 404) if self.is_late else _json(True)


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status, mimetype="application/json")


@pytest.fixture
def server() -> Generator[AskServer]:
    with ThreadedServer() as httpserver:
        made = AskServer(httpserver)
        yield made
        made.close()


def _open(client_kind: ClientKind, asks: Any) -> Any:
    return client_kind.call(asks.__aenter__ if client_kind.is_async else asks.__enter__)


def _get(client_kind: ClientKind, asks: Any, timeout: float = 10) -> Any:
    return client_kind.call(asks.get, timeout=timeout)


@pytest.mark.parametrize("scope", [{}, {"directory": _DIRECTORY}, {"session_id": SESSION}])
def test_asks_of_lists_and_events_are_answered(
    client_kind: ClientKind, server: AskServer, scope: dict[str, str]
) -> None:
    server.waiting = [permission()]
    asks = _open(client_kind, client_kind.client(server.url).asks(**scope))
    ask = _get(client_kind, asks)
    assert isinstance(ask, PermissionAsk)
    assert (ask.id, ask.session_id, ask.directory) == ("per_1", SESSION, _DIRECTORY)
    server.send(permission())
    server.send(question())
    asked = _get(client_kind, asks)
    assert isinstance(asked, QuestionAsk)
    client_kind.call(asks.reply, ask, Reject("why"))
    assert _get(client_kind, asks) == AskClosed("per_1", SESSION)
    client_kind.call(asks.answer, asked, "A")
    assert _get(client_kind, asks) == AskClosed("que_1", SESSION)
    assert server.replies == [{"reply": "reject", "message": "why"}, {"answers": [["A"]]}]
    with pytest.raises(StreamTimeoutError):
        _get(client_kind, asks, timeout=0.1)
    client_kind.call(asks.close)


def test_a_late_answer_is_not_an_error(client_kind: ClientKind, server: AskServer) -> None:
    server.waiting, server.is_late = [permission()], True
    asks = _open(client_kind, client_kind.client(server.url).asks())
    client_kind.call(asks.reply, _get(client_kind, asks), "once")
    assert _get(client_kind, asks) == AskClosed("per_1", SESSION)


def test_feeds_of_all_directories_share_a_connection_until_the_last_one_closes(
    client_kind: ClientKind, server: AskServer
) -> None:
    client = client_kind.client(server.url)
    first, second = (_open(client_kind, client.asks()) for _ in range(2))
    assert server.streamed == ["/global/event"]
    client_kind.call(first.close)
    assert not server.ended.acquire(timeout=0.3)
    server.send(permission())
    assert _get(client_kind, second).id == "per_1"
    client_kind.call(second.close)
    assert server.ended.acquire(timeout=10)
    assert not [one for one in threading.enumerate() if one.name.startswith("opencode-turn")]


def test_the_feed_of_a_directory_shares_the_connection_of_its_turns(
    client_kind: ClientKind, server: AskServer
) -> None:
    client = client_kind.client(server.url)
    _open(client_kind, client.asks(directory=_DIRECTORY))
    _open(client_kind, client.asks(SESSION))
    _open(client_kind, client.follow(SESSION))
    assert server.streamed == ["/event"]


def test_closing_a_feed_ends_a_waiting_get(client_kind: ClientKind, server: AskServer) -> None:
    asks = _open(client_kind, client_kind.client(server.url).asks())
    [ended, _] = client_kind.meanwhile(asks.get, lambda: None, asks.close)
    assert isinstance(ended, StreamClosedError)
    with pytest.raises(StreamClosedError):
        _get(client_kind, asks)


@small_and_full("rounds", 30, 200)
def test_closing_the_client_ends_a_feed_without_a_gap(
    client_kind: ClientKind, server: AskServer, rounds: int
) -> None:
    for _ in range(rounds):
        client = client_kind.client(server.url)
        asks = _open(client_kind, client.asks())
        client_kind.call(client.close)
        with pytest.raises(StreamClosedError):
            _get(client_kind, asks)
        client_kind.call(asks.close)


def test_an_unread_feed_keeps_its_asks(client_kind: ClientKind, server: AskServer) -> None:
    asks = _open(client_kind, client_kind.client(server.url).asks())
    for number in range(300):
        server.send(permission(f"per_{number}"))
    assert [_get(client_kind, asks).id for _ in range(300)] == [f"per_{number}" for number in range(300)]


def test_an_error_of_the_first_connection_is_raised(client_kind: ClientKind, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/global/event").respond_with_data(status=401)
    with pytest.raises(AuthenticationError):
        _open(client_kind, client_kind.client(httpserver.url_for("")).asks())


def test_wrong_arguments_and_wrong_use_raise_errors(client_kind: ClientKind, server: AskServer) -> None:
    client = client_kind.client(server.url)
    with pytest.raises(ArgumentError, match="directory"):
        client.asks(directory="")
    with pytest.raises(ArgumentError, match="/elsewhere"):
        _open(client_kind, client.asks(SESSION, directory="/elsewhere"))
    server.waiting = [permission()]
    asks = client.asks()
    with pytest.raises(ArgumentError, match="with"):
        _get(client_kind, asks)
    _open(client_kind, asks)
    with pytest.raises(ArgumentError, match="again"):
        _open(client_kind, asks)
    with pytest.raises(ArgumentError, match="decision"):
        client_kind.call(asks.reply, _get(client_kind, asks), "yes")
    server.send(question())
    with pytest.raises(ArgumentError, match="answer"):
        client_kind.call(asks.reply, _get(client_kind, asks), "once")
