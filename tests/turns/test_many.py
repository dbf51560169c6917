"""`run_many` of both clients against a small server: how many turns run, what leaving and errors do, what is read."""

from __future__ import annotations

import asyncio
import json
import pickle
import re
import sys
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from contextvars import ContextVar
from queue import Queue
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from opencode_client import (
    ArgumentError,
    BadRequestError,
    ClientClosedError,
    ModelNotFoundError,
    StreamClosedError,
    StreamTimeoutError,
    TurnAbortedError,
    TurnOutcome,
    TurnSpec,
    TurnTimeoutError,
)
from opencode_client.model import JsonObject
from opencode_client.turns.v1 import KEY
from tests.support.both_clients import ClientKind
from tests.support.resources import needs_ctrl_c, pause, press_ctrl_c, until
from tests.support.turn_inputs import Message, event, prompt, status

_FOREVER_S = 20


class Server:
    """A server whose turns end at once.

    Those with "wait" in their prompt end after `let_end`, or when aborted. Two with "meet" go on when both run.
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
        messages = re.compile("/session/ses_[0-9]+/message")
        server.expect_request("/event").respond_with_handler(self._events)
        server.expect_request("/session", "POST").respond_with_handler(self._create)
        server.expect_request(messages, "POST").respond_with_handler(self._prompt)
        server.expect_request(messages).respond_with_handler(self._messages)
        server.expect_request(re.compile("/session/ses_[0-9]+/abort")).respond_with_handler(self._abort)
        server.expect_request(re.compile("/session/ses_[0-9]+")).respond_with_handler(self._session)
        server.expect_request(re.compile("/session/ses_[0-9]+/children")).respond_with_json([])
        server.expect_request("/session/status").respond_with_handler(self._statuses)
        server.expect_request("/config/providers").respond_with_json({"providers": [], "default": {}})
        for path in ("/permission", "/question"):
            server.expect_request(path).respond_with_json([])

    def let_end(self, count: int) -> None:
        """Let some of the turns that wait end."""
        waiting = [self._ends[one] for one in sorted(self.running) if not self._ends[one].is_set()]
        for end in waiting[:count]:
            end.set()

    def close(self) -> None:
        """Let all turns and streams end."""
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
            self._meeting.wait(_FOREVER_S)
        if "wait" in text:
            self._ends[session_id].wait(_FOREVER_S)
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


@pytest.fixture
def server() -> Generator[Server]:
    with HTTPServer("127.0.0.1", 0, threaded=True) as httpserver:
        made = Server(httpserver)
        yield made
        made.close()


def _open(client_kind: ClientKind, many: Any) -> Any:
    return client_kind.call(many.__aenter__ if client_kind.is_async else many.__enter__)


def _many(client_kind: ClientKind, server: Server, specs: Any, **options: Any) -> Any:
    return _open(client_kind, client_kind.client(server.url).run_many(specs, **options))


def _outcomes(client_kind: ClientKind, many: Any) -> list[TurnOutcome]:
    found: list[TurnOutcome] = []
    try:
        while True:
            found.append(client_kind.call(many.get, timeout=_FOREVER_S))
    except StreamClosedError:
        return found


def _texts(outcomes: list[TurnOutcome]) -> list[str]:
    return sorted(one.result.text for one in outcomes if one.result is not None)


def test_each_turn_has_an_outcome(client_kind: ClientKind, server: Server) -> None:
    many = _many(client_kind, server, [TurnSpec(f"turn {number}", key=number) for number in range(5)])
    outcomes = _outcomes(client_kind, many)
    client_kind.call(many.close)
    assert {one.spec.key: one.result.text for one in outcomes if one.result} == {
        number: f"answer to turn {number}" for number in range(5)
    }
    assert [one.error for one in outcomes] == [None] * 5
    assert sum(one.cost for one in outcomes) == 2.5


def test_it_is_iterated(client_kind: ClientKind, server: Server) -> None:
    async def read() -> list[TurnOutcome]:
        async with client.run_many(specs) as many:
            return [one async for one in many]

    client, specs = client_kind.client(server.url), (TurnSpec(text) for text in ("a", "b"))
    if client_kind.is_async:
        outcomes = client_kind.call(read)
    else:
        with client.run_many(specs) as many:
            outcomes = list(many)
    assert _texts(outcomes) == ["answer to a", "answer to b"]


def test_outcomes_come_as_turns_end_and_at_most_so_many_turns_run(
    client_kind: ClientKind, server: Server
) -> None:
    specs = [TurnSpec("wait"), *(TurnSpec(f"turn {number}") for number in range(6))]
    many = _many(client_kind, server, specs, concurrency=2)
    first = [client_kind.call(many.get, timeout=_FOREVER_S) for _ in range(6)]
    assert "wait" not in [one.spec.prompt for one in first]
    server.let_end(1)
    assert [one.spec.prompt for one in _outcomes(client_kind, many)] == ["wait"]
    assert server.most_running == 2


def test_a_generator_is_read_as_fast_as_turns_start(client_kind: ClientKind, server: Server) -> None:
    read: list[int] = []
    text = ContextVar("text", default="")
    text.set("wait")

    def specs() -> Iterator[TurnSpec]:
        try:
            for number in range(100):
                read.append(number)
                yield TurnSpec(text.get())
        finally:
            read.append(-1)

    many = _many(client_kind, server, specs(), concurrency=2)
    until(client_kind, lambda: len(server.running) == 2)
    pause(client_kind, 0.2)  # nothing more happens
    assert read == [0, 1]
    server.let_end(1)
    until(client_kind, lambda: len(server.prompts) == 3)
    assert read == [0, 1, 2]
    client_kind.call(many.close)
    assert read == [0, 1, 2, -1]  # the generator is closed


def test_an_async_iterable_is_read_while_turns_run(server: Server) -> None:
    async def specs() -> AsyncIterator[TurnSpec]:
        yield TurnSpec("first")
        await has_read.wait()
        yield TurnSpec("second")

    async def read() -> list[object]:
        async with kind.client(server.url).run_many(specs()) as many:
            outcomes = [await many.get(timeout=_FOREVER_S)]
            has_read.set()
            return [one.spec.prompt for one in [*outcomes, *[one async for one in many]]]

    kind, has_read = ClientKind(True), asyncio.Event()
    assert kind.call(read) == ["first", "second"]
    kind.close()


def test_a_slow_reader_stops_new_turns_and_loses_nothing(client_kind: ClientKind, server: Server) -> None:
    many = _many(client_kind, server, [TurnSpec(f"{number}") for number in range(20)], concurrency=2)
    until(client_kind, lambda: len(server.prompts) >= 2)
    pause(client_kind, 1.0)  # the turns end, and no more begin
    assert len(server.prompts) <= 3
    assert len(_outcomes(client_kind, many)) == 20


def test_a_failure_stops_no_other_turn(client_kind: ClientKind, server: Server) -> None:
    specs = [
        TurnSpec("refuse", key="refused"),
        TurnSpec("hi", model="p/m", key="no model"),
        TurnSpec("hi", files=["/does/not/exist"], key="no file"),
        TurnSpec("", key="no prompt"),
        TurnSpec("wait", timeout=0.3, key="late"),
        TurnSpec("hi", key="good"),
    ]
    many = _many(client_kind, server, iter(specs), concurrency=1)
    outcomes = {one.spec.key: one for one in _outcomes(client_kind, many)}
    errors = {key: type(one.error) for key, one in outcomes.items()}
    assert errors == {
        "refused": BadRequestError,
        "no model": ModelNotFoundError,
        "no file": ArgumentError,
        "no prompt": ArgumentError,
        "late": TurnTimeoutError,
        "good": type(None),
    }
    assert [one.result is None for one in outcomes.values()] == [True] * 5 + [False]
    assert str(outcomes["no prompt"].error).startswith("specs[3] with the key 'no prompt': prompt takes")
    assert pickle.loads(pickle.dumps(outcomes["late"])).spec == specs[4]  # noqa: S301 # ours
    assert outcomes["late"].cost == 0.5


@pytest.mark.parametrize(
    ("specs", "options", "message"),
    [
        ([TurnSpec("a"), TurnSpec("b", key=7, permissions="ask")], {}, r"specs\[1\] with the key 7: \"ask\""),
        (["hi"], {}, r"specs\[0\]: run_many takes TurnSpecs, not 'hi'"),
        ("hi", {}, "TurnSpecs"),
        (TurnSpec("hi"), {}, "iterable of TurnSpecs"),
        ([], {"concurrency": 0}, "concurrency"),
        ([], {"concurrency": True}, "concurrency"),
        ([], {"progress": 1}, "progress"),
    ],
)
def test_wrong_arguments_are_errors_before_anything_is_sent(
    client_kind: ClientKind, specs: Any, options: JsonObject, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        client_kind.client().run_many(specs, **options)


def test_no_specs_have_no_outcomes(client_kind: ClientKind) -> None:
    many = _open(client_kind, client_kind.client().run_many([]))
    assert _outcomes(client_kind, many) == []


def test_leaving_early_aborts_what_runs_and_starts_nothing(client_kind: ClientKind, server: Server) -> None:
    specs = (TurnSpec("wait" if number else "hi") for number in range(100))
    client = client_kind.client(server.url)
    many = _open(client_kind, client.run_many(specs, concurrency=3))
    until(client_kind, lambda: len(server.running) == 3)
    running = set(server.running)
    client_kind.call(many.close)
    assert server.aborted == running
    outcomes = _outcomes(client_kind, many)
    assert _texts(outcomes) == ["answer to hi"]
    assert [type(one.error) for one in outcomes if one.error] == [TurnAbortedError] * 3
    assert len(server.prompts) == 4
    client_kind.call(client.close)
    until(client_kind, lambda: _left(client_kind) == [])
    assert _left(client_kind) == []


def _left(client_kind: ClientKind) -> list[str]:
    """The threads and tasks that are left."""

    async def tasks() -> list[str]:
        return [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    threads = [one.name for one in threading.enumerate() if one.name.startswith("opencode")]
    return threads + (client_kind.call(tasks) if client_kind.is_async else [])


def test_leaving_at_once_sends_nothing(client_kind: ClientKind) -> None:
    many = _open(client_kind, client_kind.client(max_retries=0).run_many(TurnSpec("hi") for _ in range(9)))
    client_kind.call(many.close)
    assert len(_outcomes(client_kind, many)) < 9


def test_an_error_of_the_iterable_is_raised_after_the_outcomes(
    client_kind: ClientKind, server: Server
) -> None:
    def specs() -> Iterator[TurnSpec]:
        yield TurnSpec("meet and wait")
        yield TurnSpec("meet")
        raise ZeroDivisionError  # when the second one is over

    many = _many(client_kind, server, specs(), concurrency=2)
    outcomes = [client_kind.call(many.get, timeout=_FOREVER_S) for _ in range(2)]
    assert _texts(outcomes) == ["answer to meet"]
    assert isinstance(outcomes[1].error, TurnAbortedError)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            client_kind.call(many.get, timeout=_FOREVER_S)
    assert (len(server.aborted), server.running) == (1, set())


def test_what_is_no_spec_is_an_error_of_the_iterable(client_kind: ClientKind, server: Server) -> None:
    many = _many(client_kind, server, iter([TurnSpec("hi"), None]))
    client_kind.call(many.get, timeout=_FOREVER_S)
    with pytest.raises(ArgumentError, match=r"specs\[1\]: run_many takes TurnSpecs, not None"):
        client_kind.call(many.get, timeout=_FOREVER_S)


def test_get_raises_after_its_timeout_and_the_turns_go_on(client_kind: ClientKind, server: Server) -> None:
    many = _many(client_kind, server, [TurnSpec("wait")])
    with pytest.raises(StreamTimeoutError):
        client_kind.call(many.get, timeout=0.01)
    until(client_kind, lambda: len(server.running) == 1)
    server.let_end(1)
    assert _texts(_outcomes(client_kind, many)) == ["answer to wait"]


def test_closing_the_client_ends_the_turns(client_kind: ClientKind, server: Server) -> None:
    client = client_kind.client(server.url)
    many = _open(client_kind, client.run_many((TurnSpec("wait") for _ in range(100)), concurrency=2))
    until(client_kind, lambda: len(server.running) == 2)
    client_kind.call(client.close)
    outcomes = [client_kind.call(many.get, timeout=_FOREVER_S) for _ in range(2)]
    assert [type(one.error) for one in outcomes] == [ClientClosedError] * 2
    with pytest.raises(ClientClosedError):
        client_kind.call(many.get, timeout=_FOREVER_S)


def test_they_are_opened_once_and_before_they_are_read(client_kind: ClientKind, server: Server) -> None:
    many = client_kind.client(server.url).run_many([TurnSpec("hi")])
    with pytest.raises(ArgumentError, match="with"):
        client_kind.call(many.get)
    client_kind.call(many.close)
    _open(client_kind, many)
    with pytest.raises(ArgumentError, match="again"):
        _open(client_kind, many)
    assert len(_outcomes(client_kind, many)) == 1


@needs_ctrl_c
def test_ctrl_c_aborts_what_runs(server: Server) -> None:
    def run() -> None:
        with kind.client(server.url).run_many([TurnSpec("wait")] * 50, concurrency=2) as many:
            next(many)

    kind = ClientKind(False)
    thread = press_ctrl_c(lambda: until(kind, lambda: len(server.running) == 2), bool)
    with pytest.raises(KeyboardInterrupt):
        run()
    thread.join()
    assert server.aborted == {"ses_0", "ses_1"}
    kind.close()


def test_cancelling_aborts_what_runs(server: Server) -> None:
    async def run() -> None:
        async with client.run_many([TurnSpec("wait")] * 50, concurrency=2) as many:
            await anext(many)

    async def cancel() -> None:
        task = asyncio.create_task(run())
        while len(server.running) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    kind = ClientKind(True)
    client = kind.client(server.url)
    kind.call(cancel)
    assert server.aborted == {"ses_0", "ses_1"}
    kind.close()


class _Terminal:
    """A stderr that is a terminal, or is none."""

    encoding = "utf-8"

    def __init__(self, is_terminal: bool) -> None:
        self.is_terminal, self.text = is_terminal, ""

    def isatty(self) -> bool:
        return self.is_terminal

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_progress_is_shown_on_a_terminal(
    client_kind: ClientKind,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_terminal: bool,
) -> None:
    stderr = _Terminal(is_terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    many = _many(client_kind, server, [TurnSpec("hi"), TurnSpec("refuse")], progress=True)
    assert len(_outcomes(client_kind, many)) == 2
    print("for a file")
    client_kind.call(many.close)
    assert capsys.readouterr().out == "for a file\n"
    shown = "2/2" in stderr.text and "1 failed, 0.5000 USD" in stderr.text
    assert shown if is_terminal else stderr.text == ""


def test_progress_without_rich_names_the_extra(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(ArgumentError, match=r"opencode-client\[cli\]"):
        client_kind.client().run_many([], progress=True)
