"""A small server with one session, whose turn the test lets begin and end."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from opencode_client.model import JsonObject
from opencode_client.turns.v1 import KEY
from tests.support.turn_inputs import SESSION, Message, event, prompt, status

PIECES = 500


class _QuickServer(HTTPServer):
    """A server that stops at once: other ones look twice a second if they must."""

    def thread_target(self) -> None:
        assert self.server is not None
        self.server.serve_forever(poll_interval=0.01)


class TurnServer:
    """A server with one session. The test lets the turn begin, and end."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("")
        self.log = server.log
        """All requests, with their responses."""
        self.requests: list[tuple[str, str]] = []
        self.body: JsonObject = {}
        self.sent, self.may_stream, self.may_end = (threading.Event() for _ in range(3))
        self.aborted, self.closing = threading.Event(), threading.Event()
        self.silent_openings = 0
        """The number of event streams that do not begin."""
        self.answer = Message(2).text("word " * PIECES)
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
        if self.silent_openings:
            self.silent_openings -= 1
            self.closing.wait(20)

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
        for _ in range(PIECES):
            yield _sse(self.answer.delta("word "))
        while not self.may_end.wait(0.05) and not self.closing.is_set():
            pass
        for one in (self.answer.part_updated(), self.answer.updated(), status("idle")):
            yield _sse(one)

    def _prompt(self, request: Request) -> Response:
        self.requests.append(("POST", "/message"))
        try:
            self.body = json.loads(request.get_data())
        except ValueError:  # the client has gone
            return Response(status=400)
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


@contextmanager
def turn_server() -> Generator[TurnServer]:
    """Start the server."""
    with _QuickServer("127.0.0.1", 0, threaded=True) as httpserver:
        made = TurnServer(httpserver)
        yield made
        made.closing.set()
