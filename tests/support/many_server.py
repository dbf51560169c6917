"""A small server that runs many turns."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from queue import Queue
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from opencode_client import (
    StreamClosedError,
    TurnOutcome,
)
from opencode_client.model import JsonObject
from opencode_client.turns.v1 import KEY
from tests.support.both_clients import ClientKind
from tests.support.threaded_server import ThreadedServer
from tests.support.turn_inputs import Message, event, prompt, status

FOREVER_S = 20


class ManyServer:
    """A server whose turns end at once.

    Those with "wait" in their prompt end after `let_end`, or when aborted. Two with "meet" end when both run.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("")
        self.prompts: list[str] = []
        self.aborted: set[str] = set()
        self.running: set[str] = set()
        self.most_running = 0
        self.closing = False
        self._bodies: dict[str, JsonObject] = {}
        self._ends: dict[str, threading.Event] = {}
        self._streams: list[Queue[JsonObject]] = []
        self._lock = threading.Lock()
        self._meeting = threading.Barrier(2)
        messages = re.compile("/session/ses_[0-9]+/message$")
        server.expect_request("/event").respond_with_handler(self._events)
        server.expect_request("/session", "POST").respond_with_handler(self._create)
        server.expect_request(messages, "POST").respond_with_handler(self._prompt)
        server.expect_request(messages).respond_with_handler(self._messages)
        server.expect_request(re.compile("/session/ses_[0-9]+/abort$")).respond_with_handler(self._abort)
        server.expect_request(re.compile("/session/ses_[0-9]+$")).respond_with_handler(self._session)
        server.expect_request(re.compile("/session/ses_[0-9]+/children$")).respond_with_json([])
        server.expect_request("/session/status").respond_with_handler(self._statuses)
        server.expect_request("/config/providers").respond_with_json({"providers": [], "default": {}})
        for path in ("/permission", "/question"):
            server.expect_request(path).respond_with_json([])

    def let_end(self, count: int) -> None:
        """End some of the waiting turns."""
        waiting = [self._ends[one] for one in sorted(self.running) if not self._ends[one].is_set()]
        for end in waiting[:count]:
            end.set()

    def close(self) -> None:
        """End all turns and streams."""
        self.closing = True
        for end in self._ends.values():
            end.set()
        for stream in self._streams:
            stream.put({})

    def _create(self, request: Request) -> Response:
        with self._lock:
            session_id = f"ses_{len(self._ends)}"
            self._ends[session_id] = threading.Event()
        return _json(_session(session_id))

    def _session(self, request: Request) -> Response:
        return _json(_session(request.path.split("/")[2]))

    def _prompt(self, request: Request) -> Response:
        session_id, body = request.path.split("/")[2], json.loads(request.data)
        text = body["parts"][0]["text"]
        with self._lock:
            self._bodies[session_id] = body
            self.prompts.append(text)
            self.running.add(session_id)
            self.most_running = max(self.most_running, len(self.running))
        if "meet" in text:
            self._meeting.wait(FOREVER_S)
        if "wait" in text:
            self._ends[session_id].wait(FOREVER_S)
        with self._lock:
            self.running.discard(session_id)
        if "refuse" in text:
            return Response(json.dumps({"name": "BadRequest", "data": {}}), 400, mimetype="application/json")
        for stream in self._streams:
            stream.put(status("idle", session_id))
        return _json(_raw(self._answer(session_id)))

    def _answer(self, session_id: str) -> Message:
        error = {"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}}
        answer = Message(2, session=session_id, more=error if session_id in self.aborted else {})
        return answer.text(f"answer to {self._bodies[session_id]['parts'][0]['text']}")

    def _messages(self, request: Request) -> Response:
        session_id = request.path.split("/")[2]
        mine = prompt(key=self._bodies[session_id]["parts"][0]["metadata"][KEY])
        mine.session = session_id
        found = [mine] if session_id in self.running else [mine, self._answer(session_id)]
        return _json([_raw(one) for one in found])

    def _abort(self, request: Request) -> Response:
        session_id = request.path.split("/")[2]
        self.aborted.add(session_id)
        self._ends[session_id].set()
        return _json(True)

    def _statuses(self, _: Request) -> Response:
        return _json({one: {"type": "busy"} for one in sorted(self.running)})

    def _events(self, _: Request) -> Response:
        items: Queue[JsonObject] = Queue()
        self._streams.append(items)
        items.put(event("server.connected"))

        def stream() -> Generator[bytes]:
            while not self.closing:
                yield b"data: " + json.dumps(items.get()).encode() + b"\n\n"

        return Response(stream(), mimetype="text/event-stream")


def _session(session_id: str) -> JsonObject:
    times = {"created": 1, "updated": 1}
    about = {"directory": "/repo", "title": "t", "version": "1", "projectID": "p"}
    return {"id": session_id, "time": times, **about}


def _raw(message: Message) -> JsonObject:
    return {"info": message.info(), "parts": message.parts}


def _json(value: object) -> Response:
    return Response(json.dumps(value), mimetype="application/json")


@contextmanager
def many_server() -> Generator[ManyServer]:
    """Start the server."""
    with ThreadedServer() as httpserver:
        made = ManyServer(httpserver)
        yield made
        made.close()


def enter(client_kind: ClientKind, many: Any) -> Any:
    return client_kind.call(many.__aenter__ if client_kind.is_async else many.__enter__)


def open_many(client_kind: ClientKind, server: ManyServer, specs: Any, **options: Any) -> Any:
    return enter(client_kind, client_kind.client(server.url).run_many(specs, **options))


def outcomes_of(client_kind: ClientKind, many: Any) -> list[TurnOutcome]:
    found: list[TurnOutcome] = []
    try:
        while True:
            found.append(client_kind.call(many.get, timeout=FOREVER_S))
    except StreamClosedError:
        return found


def texts_of(outcomes: list[TurnOutcome]) -> list[str]:
    return sorted(one.result.text for one in outcomes if one.result is not None)
