"""Turns of both clients against a small server: what is sent, and how often; one connection; leaving; slow readers."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from opencode_client import (
    ArgumentError,
    ClientClosedError,
    ConnectError,
    StreamClosedError,
    StreamTimeoutError,
    TextDelta,
    TurnAbortedError,
    TurnFinished,
    TurnTimeoutError,
)
from opencode_client.model import JsonObject
from opencode_client.turns.v1 import KEY
from tests.support.both_clients import ClientKind
from tests.support.turn_inputs import SESSION, Message, event, prompt, status

_PIECES = 500


class TurnServer:
    """A server with one session. The test lets the turn begin, and end."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("")
        self.requests: list[tuple[str, str]] = []
        self.body: JsonObject = {}
        self.sent, self.may_stream, self.may_end = (threading.Event() for _ in range(3))
        self.aborted, self.closing = threading.Event(), threading.Event()
        self.answer = Message(2).text("word " * _PIECES)
        server.expect_request("/event").respond_with_handler(self._events)
        server.expect_request(f"/session/{SESSION}/message", "POST").respond_with_handler(self._prompt)
        server.expect_request(f"/session/{SESSION}/message").respond_with_handler(self._messages)
        server.expect_request(f"/session/{SESSION}/abort").respond_with_handler(self._abort)
        server.expect_request("/session/status").respond_with_json({})
        server.expect_request("/session", "POST").respond_with_json(self._session())
        server.expect_request(f"/session/{SESSION}").respond_with_json(self._session())
        for path in (f"/session/{SESSION}/children", "/permission", "/question"):
            server.expect_request(path).respond_with_json([])

    def count(self, method: str, path: str) -> int:
        """The number of such requests."""
        return self.requests.count((method, path))

    def let_end(self) -> None:
        """Let the whole turn pass."""
        self.may_stream.set()
        self.may_end.set()

    def _session(self) -> JsonObject:
        times = {"created": 1, "updated": 1}
        return {
            "id": SESSION,
            "directory": "/repo",
            "title": "t",
            "version": "1",
            "projectID": "p",
            "time": times,
        }

    def _events(self, _: Request) -> Response:
        self.requests.append(("GET", "/event"))

        def stream() -> Generator[bytes]:
            yield _sse(event("server.connected"))
            yield from self._stream_turn()
            self.closing.wait(20)

        return Response(stream(), mimetype="text/event-stream")

    def _stream_turn(self) -> Generator[bytes]:
        for wanted in (self.may_stream, self.sent):
            while not wanted.wait(0.05) and not self.closing.is_set():
                pass
        mine = prompt(key=self.body.get("parts", [{}])[0].get("metadata", {}).get(KEY))
        begin = [mine.updated(), mine.part_updated(), status("busy"), Message(2, is_over=False).updated()]
        for one in [*begin, self.answer.part_updated(text="", time={"start": 1})]:
            yield _sse(one)
        for _ in range(_PIECES):
            yield _sse(self.answer.delta("word "))
        while not self.may_end.wait(0.05) and not self.closing.is_set():
            pass
        for one in (self.answer.part_updated(), self.answer.updated(), status("idle")):
            yield _sse(one)

    def _prompt(self, request: Request) -> Response:
        self.requests.append(("POST", "/message"))
        self.body = json.loads(request.data)
        self.sent.set()
        while not self.may_end.wait(0.05) and not self.closing.is_set():
            pass
        return _json({"info": self.answer.info(), "parts": self.answer.parts})

    def _messages(self, _: Request) -> Response:
        mine = prompt(key=self.body["parts"][0]["metadata"][KEY])
        return _json([{"info": one.info(), "parts": one.parts} for one in (mine, self.answer)])

    def _abort(self, _: Request) -> Response:
        self.aborted.set()
        self.answer = Message(
            2, more={"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}}
        )
        self.answer.text("word")
        self.let_end()
        return _json(True)


def _sse(raw: JsonObject) -> bytes:
    return b"data: " + json.dumps(raw).encode() + b"\n\n"


def _json(value: object) -> Response:
    return Response(json.dumps(value), mimetype="application/json")


@pytest.fixture
def server() -> Generator[TurnServer]:
    with HTTPServer("127.0.0.1", 0, threaded=True) as httpserver:
        made = TurnServer(httpserver)
        yield made
        made.closing.set()


def _open(client_kind: ClientKind, turn: Any) -> Any:
    return client_kind.call(turn.__aenter__ if client_kind.is_async else turn.__enter__)


def _updates(client_kind: ClientKind, turn: Any) -> list[Any]:
    found: list[Any] = []
    while not found or not isinstance(found[-1], TurnFinished):
        found.append(client_kind.call(turn.get, timeout=20))
    return found


def test_a_run_sends_the_prompt_once_and_needs_few_requests(
    client_kind: ClientKind, server: TurnServer
) -> None:
    server.let_end()
    result = client_kind.call(client_kind.client(server.url).run, "hi", system="be brief")
    assert result.text == "word " * _PIECES
    assert server.count("POST", "/message") == 1
    assert server.count("GET", "/event") == 1
    assert (server.body["parts"][0]["text"], server.body["system"]) == ("hi", "be brief")


def test_a_prompt_of_parts_keeps_its_metadata(client_kind: ClientKind, server: TurnServer) -> None:
    server.let_end()
    part = {"type": "text", "text": "hi", "metadata": {"mine": 1}}
    client_kind.call(client_kind.client(server.url).run, [part])
    assert server.body["parts"][0]["metadata"].keys() == {"mine", KEY}
    assert part["metadata"] == {"mine": 1}


def test_two_turns_share_one_event_connection(client_kind: ClientKind, server: TurnServer) -> None:
    server.let_end()
    client = client_kind.client(server.url)
    for _ in range(2):
        client_kind.call(client.run, "hi")
    assert server.count("GET", "/event") == 1


def test_unread_deltas_are_merged(client_kind: ClientKind, server: TurnServer) -> None:
    server.let_end()
    turn = _open(client_kind, client_kind.client(server.url).turn("hi"))
    client_kind.call(turn.result)
    updates = _updates(client_kind, turn)
    deltas = [one.text for one in updates if isinstance(one, TextDelta)]
    assert "".join(deltas) == "word " * _PIECES
    assert len(deltas) < 5
    assert turn.text == updates[-1].result.text


def test_get_raises_after_its_timeout_and_the_turn_goes_on(
    client_kind: ClientKind, server: TurnServer
) -> None:
    turn = _open(client_kind, client_kind.client(server.url).turn("hi"))
    with pytest.raises(StreamTimeoutError):
        client_kind.call(turn.get, timeout=0.01)
    server.let_end()
    assert isinstance(_updates(client_kind, turn)[-1], TurnFinished)
    with pytest.raises(StreamClosedError):
        client_kind.call(turn.get, timeout=1)


def test_leaving_aborts_the_turn_on_the_server(client_kind: ClientKind, server: TurnServer) -> None:
    turn = _open(client_kind, client_kind.client(server.url).turn("hi"))
    client_kind.call(turn.close)
    assert server.aborted.is_set()
    with pytest.raises(TurnAbortedError) as caught:
        client_kind.call(turn.result)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "word"


def test_the_deadline_aborts_a_run(client_kind: ClientKind, server: TurnServer) -> None:
    with pytest.raises(TurnTimeoutError):
        client_kind.call(client_kind.client(server.url).run, "hi", timeout=0.3)
    assert server.aborted.is_set()


def test_turn_timeout_is_the_deadline_of_a_run_without_timeout(
    client_kind: ClientKind, server: TurnServer
) -> None:
    with pytest.raises(TurnTimeoutError):
        client_kind.call(client_kind.client(server.url, turn_timeout=0.3).run, "hi")
    assert server.aborted.is_set()


def test_a_detached_turn_is_not_aborted(client_kind: ClientKind, server: TurnServer) -> None:
    turn = _open(client_kind, client_kind.client(server.url).turn("hi"))
    turn.detach()
    client_kind.call(turn.close)
    with pytest.raises(ArgumentError, match="follow"):
        client_kind.call(turn.result)
    assert not server.aborted.is_set()


def test_closing_the_client_ends_a_turn(client_kind: ClientKind, server: TurnServer) -> None:
    client = client_kind.client(server.url)
    turn = _open(client_kind, client.turn("hi"))
    client_kind.call(client.close)
    with pytest.raises(ClientClosedError):
        client_kind.call(turn.result)


def test_without_a_server_nothing_is_sent(client_kind: ClientKind) -> None:
    with pytest.raises(ConnectError):
        client_kind.call(client_kind.client("http://127.0.0.1:1", max_retries=0).run, "hi")


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ("", {}),
        (5, {}),
        (["hi"], {}),
        ("hi", {"model": "sonnet"}),
        ("hi", {"permissions": "ask"}),
        ("hi", {"timeout": -1}),
        ("hi", {"max_steps": True}),
        ("hi", {"fork": True}),
        ("hi", {"titel": "t"}),
        ("hi", {"session_id": SESSION, "title": "t"}),
        ("hi", {"session_id": SESSION, "directory": "/other"}),
    ],
)
def test_wrong_arguments_are_errors_before_anything_is_sent(
    client_kind: ClientKind, server: TurnServer, given: Any, options: JsonObject
) -> None:
    with pytest.raises(ArgumentError):
        client_kind.call(client_kind.client(server.url).run, given, **options)
    assert server.count("POST", "/message") == 0


def test_a_turn_is_opened_once_and_before_it_is_used(client_kind: ClientKind, server: TurnServer) -> None:
    server.let_end()
    turn = client_kind.client(server.url).turn("hi")
    with pytest.raises(ArgumentError, match="with"):
        client_kind.call(turn.result)
    _open(client_kind, turn)
    with pytest.raises(ArgumentError, match="once"):
        _open(client_kind, turn)
    client_kind.call(turn.result)
