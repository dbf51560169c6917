"""What goes wrong between client and server: what the caller gets, and how often the server was asked."""

from __future__ import annotations

import gzip
import itertools
import json
import logging
import re
import time
import traceback
from base64 import b64encode
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any, TypeAlias

import httpx
import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opencode_client import (
    UNSET,
    ArgumentError,
    AsyncOpencodeClient,
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    EmptyResponseError,
    OpencodeClient,
    OpencodeError,
    RateLimitError,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryEvent,
    ServerError,
    StatusError,
    Unset,
    UnsupportedOperationError,
)
from opencode_client.messages import public_url
from opencode_client.models import Path
from opencode_client.options import Timeout
from tests.faulty_server import (
    FaultyServer,
    Peer,
    Seen,
    Step,
    answer,
    answer_each,
    answer_late,
    chunked,
    cut,
    hang_up,
    http,
    nobody,
    nobody_picks_up,
    read_and_reset,
    reset,
    stall,
)
from tests.worlds import Action, Client, World

_SOON = httpx.Timeout(10, read=0.05)
_EMPTY_LIST = http(b"[]")


@frozen
class Call:
    """A call as an action, with a timeout of its own where it is given one; `value` is an answer to it."""

    operation: str
    method: str
    path: str
    value: bytes
    make: Callable[[Client, Timeout | Unset], object]
    is_repeatable: bool = False

    def __call__(self, client: Client) -> object:
        return self.make(client, UNSET)

    def within(self, timeout: Timeout) -> Action:
        return lambda client: self.make(client, timeout)


def _prompt(client: Client, timeout: Timeout | Unset) -> object:
    return client.session.prompt("ses_1", parts=[{"type": "text", "text": "hi"}], timeout=timeout)


def _update(client: Client, timeout: Timeout | Unset) -> object:
    return client.session.update("ses_1", timeout=timeout)


def _delete(client: Client, timeout: Timeout | Unset) -> object:
    return client.session.delete("ses_1", timeout=timeout)


def _set_auth(client: Client, timeout: Timeout | Unset) -> object:
    return client.auth.set("anthropic", body={"type": "api", "key": "k"}, timeout=timeout)


def _next(client: Client, timeout: Timeout | Unset) -> object:
    return client.tui.control.next(timeout=timeout)


_SESSION = b'{"id":"ses_1"}'
_LIST = Call("session.list", "GET", "/session", b"[]", lambda c, t: c.session.list(timeout=t), True)
_CREATE = Call("session.create", "POST", "/session", _SESSION, lambda c, t: c.session.create(timeout=t))
_PROMPT = Call("session.prompt", "POST", "/session/ses_1/message", b'{"info":{},"parts":[]}', _prompt)
_CALLS = (
    _LIST,
    _CREATE,
    _PROMPT,
    Call("session.update", "PATCH", "/session/ses_1", _SESSION, _update),
    Call("session.delete", "DELETE", "/session/ses_1", b"true", _delete, True),
    Call("auth.set", "PUT", "/auth/anthropic", b"true", _set_auth, True),
    Call("tui.control.next", "GET", "/tui/control/next", b'{"path":"","body":null}', _next),
)
every_call = pytest.mark.parametrize("call", _CALLS, ids=[call.operation for call in _CALLS])

_HUNDRED_BYTES = {"content-type": "application/json", "content-length": "100"}
_BREAKS: dict[str, Step] = {
    "reset unread": reset,
    "reset after reading": read_and_reset,
    "closed unread": hang_up,
    "closed after reading": cut(b""),
    "cut in the headers": cut(b"HTTP/1.1 200 OK\r\ncontent-le"),
    "cut in the body": cut(http(b'[{"id":', headers=_HUNDRED_BYTES)),
    "cut before the last chunk": cut(chunked(b"[]", end=b"")),
    "no HTTP": cut(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
}
every_break = pytest.mark.parametrize("break_", _BREAKS.values(), ids=list(_BREAKS))


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been waited between attempts."""
    waited: list[float] = []

    async def wait(delay_s: float) -> None:
        waited.append(delay_s)

    monkeypatch.setattr("opencode_client.transport.time", SimpleNamespace(sleep=waited.append))
    monkeypatch.setattr("opencode_client.transport._sleep", wait)
    return waited


def _json(value: object, status: int = 200) -> bytes:
    return http(json.dumps(value).encode(), status)


def _attempts(call: Call) -> int:
    return 3 if call.is_repeatable else 1


@every_break
def test_a_broken_connection_is_an_error_that_names_the_call(world: World, break_: Step) -> None:
    with FaultyServer([break_]) as server:
        error = world.error(server.url, _CREATE)
    assert isinstance(error, ConnectionLostError)
    assert (error.operation, error.method, error.url) == ("session.create", "POST", f"{server.url}/session")
    assert str(error).startswith(f"session.create: POST {error.url}: the connection broke: ")
    assert isinstance(error.__cause__, httpx.TransportError)


@every_call
@every_break
def test_after_a_break_only_what_may_run_twice_is_sent_again(world: World, call: Call, break_: Step) -> None:
    with FaultyServer([break_]) as server:
        world.error(server.url, call)
    assert server.connections == _attempts(call)


@every_break
def test_a_read_comes_through_after_two_breaks(world: World, break_: Step) -> None:
    with FaultyServer([break_], [break_], [answer(_EMPTY_LIST)]) as server:
        assert world.run(server.url, _LIST) == []


@every_call
def test_a_refused_connection_is_tried_again_whatever_the_call(
    world: World, call: Call, waits: list[float]
) -> None:
    with nobody() as url:
        error = world.error(url, call)
    assert isinstance(error, ConnectError)
    assert str(error).startswith(f"{call.operation}: {call.method} {url}{call.path}: no connection: ")
    assert len(waits) == 2


def test_a_write_to_a_server_that_comes_up_late_is_sent_once(world: World) -> None:
    started: list[FaultyServer] = []

    def start(event: RetryEvent) -> None:
        started.append(FaultyServer([answer(http(_SESSION))], port=httpx.URL(url).port or 0))

    with nobody() as url:
        pass
    assert world.run(url, _CREATE, on_retry=start).id == "ses_1"
    started[0].close()
    assert len(started[0].requests) == 1


def test_a_connection_that_nobody_accepts_is_no_connection(world: World) -> None:
    with nobody_picks_up() as url:
        error = world.error(url, _CREATE.within(0.05), max_retries=0)
    assert isinstance(error, ConnectError)


@every_call
def test_a_connection_that_ended_between_two_calls_is_not_used_again(world: World, call: Call) -> None:
    with FaultyServer([answer(_EMPTY_LIST)], [answer(http(call.value))]) as server:
        world.run(server.url, _LIST, lambda _: server.await_ended(1), call, max_retries=0)
    assert len(server.requests) == 2


@every_call
def test_a_connection_that_breaks_under_its_second_call_is_a_break_like_others(
    world: World, call: Call
) -> None:
    with FaultyServer([answer(_EMPTY_LIST), cut(b"")], [cut(b"")]) as server:
        world.error(server.url, _LIST, call)
    assert len(server.requests) == 1 + _attempts(call)


@every_call
def test_no_answer_in_time_is_an_error_and_never_sent_again(world: World, call: Call) -> None:
    with FaultyServer([stall()]) as server:
        error = world.error(server.url, call.within(_SOON))
    assert isinstance(error, RequestTimeoutError)
    assert str(error).startswith(f"{call.operation}: {call.method} {error.url}: no answer in time: ")
    assert len(server.requests) == 1


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200", http(b"[", headers=_HUNDRED_BYTES)])
def test_the_clients_timeout_is_for_silence_at_any_point_of_the_answer(world: World, start: bytes) -> None:
    with FaultyServer([stall(start)]) as server:
        error = world.error(server.url, _LIST, timeout=0.1)
    assert isinstance(error, RequestTimeoutError)


def test_a_calls_timeout_wins_over_the_clients(world: World) -> None:
    with FaultyServer([answer_late(_EMPTY_LIST, 5)]) as server:
        error = world.error(server.url, _LIST.within(0.1), timeout=60)
    assert isinstance(error, RequestTimeoutError)


def test_a_prompt_outlives_the_clients_timeout(world: World) -> None:
    with FaultyServer([answer_late(http(_PROMPT.value), 0.3)]) as server:
        assert world.run(server.url, _PROMPT, timeout=0.1).parts == []


@every_call
def test_a_busy_server_is_asked_again_only_for_what_may_run_twice(world: World, call: Call) -> None:
    with FaultyServer(itertools.repeat(answer(_json({"message": "busy"}, 503)))) as server:
        error = world.error(server.url, call)
    assert len(server.requests) == _attempts(call)
    assert isinstance(error, StatusError)
    assert (error.operation, error.method, error.url) == (call.operation, call.method, server.url + call.path)
    assert str(error) == f"{call.operation}: 503 Service Unavailable: busy"


@pytest.mark.parametrize(
    ("status", "attempts"), [(408, 3), (429, 3), (502, 3), (503, 3), (504, 3), (400, 1), (409, 1), (500, 1)]
)
def test_a_read_is_sent_again_for_the_statuses_that_pass(world: World, status: int, attempts: int) -> None:
    with FaultyServer(itertools.repeat(answer(http(status=status)))) as server:
        world.error(server.url, _LIST)
    assert len(server.requests) == attempts


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimitError), (503, ServerError), (408, StatusError)])
def test_a_status_has_its_class(world: World, status: int, kind: type[StatusError]) -> None:
    with FaultyServer([answer(http(status=status))]) as server:
        assert type(world.error(server.url, _CREATE)) is kind


def _busy(retry_after: str) -> Step:
    return answer(http(status=429, headers={"retry-after": retry_after}))


_AT_S = 1445412480  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(
    ("asked", "delay_s"),
    [
        ("3", 3.0),
        ("0.25", 0.25),
        ("0", 0.0),
        ("-5", 0.0),
        ("60", 60.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 10.0),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", 10.0),
        ("Wed Oct 21 07:28:00 2015", 10.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
    ],
)
def test_retry_after_says_when(
    world: World, waits: list[float], monkeypatch: pytest.MonkeyPatch, asked: str, delay_s: float
) -> None:
    monkeypatch.setattr("opencode_client.retries.time", lambda: _AT_S - 10.0)
    with _new_york(monkeypatch), FaultyServer([_busy(asked), answer(_EMPTY_LIST)]) as server:
        assert world.run(server.url, _LIST) == []
    assert waits == [delay_s]


@contextmanager
def _new_york(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """A time zone that is not the one of HTTP's dates."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        try:
            yield
        finally:
            patch.undo()
            time.tzset()


@pytest.mark.parametrize("asked", ["", "soon", "nan", "inf", "1, 2", "Wed, 99 Foo 2015"])
def test_a_retry_after_that_nobody_can_read_is_ignored(world: World, waits: list[float], asked: str) -> None:
    with FaultyServer([_busy(asked), _busy(asked), answer(_EMPTY_LIST)]) as server:
        assert world.run(server.url, _LIST) == []
    first_s, second_s = waits
    assert 0.25 <= first_s <= 0.5 <= second_s <= 1.0


@pytest.mark.parametrize("asked", ["61", "86400", "1e300", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_server_that_wants_more_than_a_minute_is_not_waited_for(
    world: World, waits: list[float], asked: str
) -> None:
    with FaultyServer([_busy(asked), answer(_EMPTY_LIST)]) as server:
        error = world.error(server.url, _LIST)
    assert isinstance(error, RateLimitError)
    assert error.headers["retry-after"] == asked
    assert waits == []


def test_on_retry_is_told_of_each_wait_before_it(world: World, waits: list[float]) -> None:
    told: list[tuple[str, int, float, int]] = []

    def on_retry(event: RetryEvent) -> None:
        assert isinstance(event.error, StatusError)
        assert len(waits) == len(told)
        told.append((event.operation, event.attempt, event.delay_s, event.error.status))

    with FaultyServer([_busy("1"), answer(http(status=503)), answer(_EMPTY_LIST)]) as server:
        world.run(server.url, _LIST, on_retry=on_retry)
    assert told == [("session.list", 1, 1.0, 429), ("session.list", 2, waits[1], 503)]


@pytest.mark.parametrize("step", [answer(http(status=503)), reset, cut(b"")])
def test_with_no_retries_a_read_is_sent_once(world: World, step: Step, waits: list[float]) -> None:
    with FaultyServer([step]) as server:
        world.error(server.url, _LIST, max_retries=0)
    assert (server.connections, waits) == (1, [])


def test_a_redirect_is_an_error_and_not_followed(world: World) -> None:
    moved = http(status=302, headers={"location": "/elsewhere"})
    with FaultyServer([answer_each({"/session": moved}, _EMPTY_LIST)]) as server:
        error = world.error(server.url, _LIST)
    assert isinstance(error, StatusError)
    assert (error.status, str(error)) == (302, "session.list: 302 Found")
    assert [request.path for request in server.requests] == ["/session"]


_GZIP = {"content-type": "application/json", "content-encoding": "gzip"}
_SESSIONS = b'[{"id": "ses_1"}]'


@pytest.mark.parametrize(
    "data",
    [
        http(gzip.compress(_SESSIONS), headers=_GZIP),
        chunked(_SESSIONS[:3], _SESSIONS[3:]),
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + http(_SESSIONS),
        http(b"\n " + _SESSIONS + b"\n"),
    ],
    ids=["gzip", "chunks", "hints first", "white space"],
)
def test_a_body_may_come_in_any_form_that_http_has(world: World, data: bytes) -> None:
    with FaultyServer([answer(data)]) as server:
        assert world.run(server.url, _LIST)[0].id == "ses_1"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (http(b"no gzip", headers=_GZIP), "$: expected a body in the encoding that its headers name, got "),
        (http(gzip.compress(_SESSIONS)[:-12], headers=_GZIP), "$: expected JSON, got "),
        (http(b"<oops>"), "$: expected JSON, got 6 bytes that are none"),
        (http(b'[{"id": "ses_\xff"}]'), "$: expected JSON, got 17 bytes that are none"),
        (http(b"[" * 100_000), "$: expected JSON, got 100000 bytes that are none"),
        (http(b'{"id": "ses_1"}'), "$: expected array, got object"),
        (http(b"null"), "$: expected array, got null"),
    ],
    ids=["no gzip", "cut gzip", "no JSON", "no UTF-8", "too deep", "object", "null"],
)
def test_a_body_that_cannot_be_read_is_an_error_of_one_request(world: World, data: bytes, text: str) -> None:
    with FaultyServer([answer(data)]) as server:
        error = world.error(server.url, _LIST)
    assert isinstance(error, ResponseDecodeError)
    assert str(error).startswith(f"session.list: {text}")
    assert (error.model, error.path, len(server.requests)) == ("session.list", "$", 1)


def test_an_empty_body_where_one_is_documented_is_an_error(world: World) -> None:
    with FaultyServer([answer(http())]) as server:
        error = world.error(server.url, _CREATE)
    assert isinstance(error, EmptyResponseError)
    assert str(error).startswith("session.create: 200 with an empty body")
    assert (error.operation, error.method, error.url, error.status) == (
        "session.create", "POST", f"{server.url}/session", 200,
    )  # fmt: skip


_PAGE = http(b"<!doctype html>", headers={"content-type": "text/html;charset=UTF-8"})


@pytest.mark.parametrize(
    ("health", "version"),
    [(_json({"healthy": True, "version": "1.3.2"}), "1.3.2"), (_PAGE, None), (http(status=500), None)],
)
def test_a_web_page_is_an_operation_that_this_server_does_not_have(
    world: World, health: bytes, version: str | None
) -> None:
    with FaultyServer(itertools.repeat(answer_each({"/global/health": health}, _PAGE))) as server:
        error = world.error(server.url, _CREATE)
    assert isinstance(error, UnsupportedOperationError)
    assert (error.operation, error.version) == ("session.create", version)
    assert str(error).startswith(
        f"session.create: opencode {version or '(version unknown)'} at {server.url} "
    )
    assert [request.path for request in server.requests].count("/session") == 1


def test_a_body_of_200_mb_comes_back(world: World) -> None:
    block, blocks = memoryview(b"x" * 2**20), 200

    def send(peer: Peer) -> None:
        peer.receive()
        length = len(b'{"home":""}') + blocks * len(block)
        peer.send(http(headers={"content-type": "application/json", "content-length": str(length)}))
        peer.send(b'{"home":"')
        for _ in range(blocks):
            peer.send(block)
        peer.send(b'"}')

    with FaultyServer([send]) as server:
        assert world.run(server.url, _length_of_home) == blocks * len(block)


def _length_of_home(client: Client) -> int | Awaitable[int]:
    # not the model itself: `asyncio.run` writes the `repr` of what it gives, and throws it away
    async def later(value: Awaitable[Path]) -> int:
        return len((await value).home)

    value = client.path.get()
    return len(value.home) if isinstance(value, Path) else later(value)


_PLAIN = {"content-type": "application/octet-stream"}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (http(b"Unauthorized", 401, _PLAIN), "session.create: 401 Unauthorized: Unauthorized"),
        (http(b"", 401, {}), "session.create: 401 Unauthorized"),
        (
            _json({"_tag": "UnauthorizedError", "message": "Authentication required"}, 401),
            "session.create: 401 Unauthorized: Authentication required",
        ),
    ],
    ids=["1.1.31", "1.18.33", "1.18.33 below api"],
)
def test_each_servers_way_to_ask_for_a_password_is_one_error(world: World, data: bytes, text: str) -> None:
    with FaultyServer([answer(data)]) as server:
        error = world.error(server.url, _CREATE)
    assert isinstance(error, AuthenticationError)
    assert (str(error), error.status) == (f"{text} (no password was given)", 401)


def test_credentials_that_are_refused_are_told_from_none(world: World) -> None:
    with FaultyServer([answer(http(b"", 401, {}))]) as server:
        error = world.error(server.url, _CREATE, password="other")
    assert str(error) == "session.create: 401 Unauthorized (these credentials were refused)"


def test_half_a_character_goes_to_the_server_and_comes_back(world: World) -> None:
    half = "a\ud83d"
    with FaultyServer([answer(_json({"id": "ses_1", "title": half}))]) as server:
        session = world.run(server.url, lambda client: client.session.create(title=half))
    assert json.loads(server.requests[0].body) == {"title": half}
    assert session.title == half


_STACK = "Error: boom\n    at f (a.ts:1)\n    at g (b.ts:2)"
_ZOD = {"data": {"title": 5}, "error": [{"path": ["title"], "message": "not a string"}], "success": False}
_EFFECT = {"message": 'Expected string, got 5\n  at ["command"]', "kind": "Payload"}
_ERRORS: dict[str, tuple[object, str]] = {
    "v1": ({"name": "NotFoundError", "data": {"message": "no such session"}}, "no such session"),
    "a stack": ({"name": "UnknownError", "data": {"message": _STACK}}, "Error: boom"),
    "zod": (_ZOD, "not a string at title"),
    "zod as documented": ({"errors": [{"message": "one"}, {"message": "two"}]}, "one; two"),
    "error": ({"error": "MCP server fake does not support OAuth"}, "MCP server fake does not support OAuth"),
    "effect": ({"name": "BadRequest", "data": _EFFECT}, 'Expected string, got 5 at ["command"]'),
    "tag": ({"_tag": "BadRequest"}, "BadRequest"),
    "tag and message": ({"_tag": "PtyNotFoundError", "ptyID": "pty_1", "message": "no pty"}, "no pty"),
    "reference": ({"name": "UnknownError", "data": {"message": "Unexpected.", "ref": "e"}}, "Unexpected."),
    "no message": ({"name": "ProviderInitError", "data": {"id": "x"}}, "ProviderInitError: id=x"),
}


@pytest.mark.parametrize(("body", "text"), _ERRORS.values(), ids=list(_ERRORS))
def test_what_servers_say_of_an_error_is_in_its_message(world: World, body: object, text: str) -> None:
    with FaultyServer([answer(_json(body, 400))]) as server:
        error = world.error(server.url, _CREATE)
    assert str(error) == f"session.create: 400 Bad Request: {text}"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (http(b"Malformed JSON in request body", 400, _PLAIN), ": Malformed JSON in request body"),
        (http(b"<html>proxy</html>", 400, {"content-type": "text/html"}), ": a web page"),
        (http(b"\xff\xfe", 400, _PLAIN), ": \ufffd\ufffd"),
        (http(b"", 400), ""),
        (http(b'{"name": "', 400), ': {"name": "'),
        (http(b"x" * 10**6, 400, _PLAIN), f": {'x' * 500}..."),
    ],
    ids=["text", "page", "bytes", "empty", "cut", "long"],
)
def test_an_error_without_json_has_the_text_that_came(world: World, data: bytes, text: str) -> None:
    with FaultyServer([answer(data)]) as server:
        error = world.error(server.url, _CREATE)
    assert str(error) == f"session.create: 400 Bad Request{text}"


_TEXTS = st.text() | st.sampled_from(["\ud83d", "x" * 9999])
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS
_KEYS = st.sampled_from(["name", "data", "_tag", "message", "error", "errors", "issues", "path", "kind"])
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_KEYS | st.text(), inner), max_leaves=12
)
_STATUSES = st.integers(300, 999).filter(lambda status: status != 304)  # 304 has no body


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=_JSON.map(lambda value: json.dumps(value).encode()) | st.binary(), status=_STATUSES)
def test_whatever_an_errors_body_is_there_is_one_error_with_it(
    world: World, body: bytes, status: int
) -> None:
    with FaultyServer([answer(http(body, status))]) as server:
        error = world.error(server.url, _CREATE)
    assert isinstance(error, StatusError)
    assert (error.status, error.body) == (status, body)
    assert len(str(error).splitlines()) == 1
    assert len(str(error)) < 600


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":' * 1000 + b'"deep"' + b"}" * 1000,
        b"[" * 1000 + b"]" * 1000,
        b'{"error":[' * 500 + b'"deep"' + b"]}" * 500,
        b'{"data":{"name":"N","data":' + b"[" * 1000 + b"]" * 1000 + b"}}",
        b"[" * 100_000,
    ],
    ids=["objects", "arrays", "both", "below data", "beyond JSON"],
)
@pytest.mark.parametrize("status", [400, 404, 500])
def test_an_error_nested_deeper_than_python_recurses_is_one_error(
    world: World, body: bytes, status: int
) -> None:
    with FaultyServer([answer(http(body, status))]) as server:
        error = world.error(server.url, lambda client: client.session.get("ses_1"), max_retries=0)
    assert isinstance(error, StatusError)
    assert (error.status, error.body) == (status, body)


def test_an_error_for_a_body_nested_deeply_is_one_error(world: World) -> None:
    metadata: dict[str, Any] = {}  # Any: JSON
    for _ in range(900):
        metadata = {"a": metadata}
    with FaultyServer([answer(_json({"message": "too deep"}, 400))]) as server:
        error = world.error(server.url, lambda client: client.session.create(metadata=metadata))
    assert isinstance(error, StatusError)


_KEY = "sk-ant-0123456789"
_PASSWORD = "correct horse battery"
_PLAN = "the plan that nobody else may read"
_WORD = "zwölf"
_QUOTED = f'Plan: "fünf\tvor"\n{_WORD}'
_HEADER = "header-0123456789"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[OpencodeError], str]:
    """All that an error and the log say, the error's causes included; the log is at DEBUG."""
    caplog.set_level(logging.DEBUG, "opencode_client")

    def everything(error: OpencodeError) -> str:
        return "\n".join([caplog.text, str(error), repr(error), *traceback.format_exception(error)])

    return everything


_Make: TypeAlias = Callable[[Client, Any], object]  # Any: text where the types want something else
_Part: TypeAlias = Callable[[Any], object]  # Any: a body's JSON


def _as_1_18_33(part: _Part) -> Callable[[Seen], bytes]:
    """The server's 400 for a body of which a part is not what was expected: it writes that part as JSON."""

    def refuse(request: Seen) -> bytes:
        got = json.dumps(part(json.loads(request.body)), ensure_ascii=False, separators=(",", ":"))
        data = {"message": f'Expected other, got {got}\n  at ["parts"][0]', "kind": "Payload"}
        return _json({"name": "BadRequest", "data": data}, 400)

    return refuse


def _as_1_1_31(request: Seen) -> bytes:
    issue = {"code": "invalid_type", "path": ["parts", 0], "message": "Invalid input: expected object"}
    return _json({"data": json.loads(request.body), "error": [issue], "success": False}, 400)


def _as_text(request: Seen) -> bytes:
    return http(b"cannot read " + request.body, 400, {"content-type": "text/plain"})


_ECHOES: dict[str, Callable[[Seen], bytes]] = {
    "1.1.31": _as_1_1_31,
    "1.18.33": _as_1_18_33(lambda body: body),
    "text": _as_text,
}


def _echo(refuse: Callable[[Seen], bytes]) -> Step:
    return lambda peer: peer.send(refuse(peer.receive()))


def _text(text: str) -> Action:
    return lambda client: client.session.prompt("ses_1", parts=[{"type": "text", "text": text}])


def _refresh(client: Client) -> object:
    return client.auth.set("x", body={"type": "oauth", "refresh": _KEY, "access": "a", "expires": 1})


_SECRETS: dict[str, tuple[Action, str]] = {
    "key": (lambda c: c.auth.set("x", body={"type": "api", "key": _KEY}), _KEY),
    "refresh": (_refresh, _KEY),
    "prompt": (_text(_PLAN), _PLAN),
    "long prompt": (_text(200 * _PLAN), _PLAN),
    "quoted prompt": (_text(_QUOTED), _WORD),
    "system": (lambda c: c.session.prompt("ses_1", parts=[], system=_PLAN), _PLAN),
    "arguments": (lambda c: c.session.command("ses_1", command="c", arguments=_PLAN), _PLAN),
}


@pytest.mark.parametrize("refuse", _ECHOES.values(), ids=list(_ECHOES))
@pytest.mark.parametrize(("action", "secret"), _SECRETS.values(), ids=list(_SECRETS))
def test_an_error_that_repeats_the_body_is_not_repeated(
    world: World,
    said: Callable[[OpencodeError], str],
    action: Action,
    secret: str,
    refuse: Callable[[Seen], bytes],
) -> None:
    with FaultyServer([_echo(refuse)]) as server:
        error = world.error(server.url, action)
    assert secret not in said(error)
    assert isinstance(error, StatusError)
    assert secret in str(error.data) or secret.encode() in error.body


_MISPLACED: dict[str, tuple[_Make, _Part]] = {
    "a text": (
        lambda c, text: c.session.prompt("s", parts=[{"type": "text", "text": text}]),
        lambda body: body["parts"][0]["text"],
    ),
    "texts for parts": (lambda c, text: c.session.prompt("s", parts=[text]), lambda body: body["parts"][0]),
    "a text for the parts": (lambda c, text: c.session.prompt("s", parts=text), lambda body: body["parts"]),
    "an answer": (lambda c, text: c.question.reply("q", answers=text), lambda body: body["answers"]),
}


@pytest.mark.parametrize("text", [_PLAN, _QUOTED], ids=["plain", "quoted"])
@pytest.mark.parametrize(("make", "misplaced"), _MISPLACED.values(), ids=list(_MISPLACED))
def test_an_error_that_repeats_one_text_of_the_body_is_not_repeated(
    world: World,
    said: Callable[[OpencodeError], str],
    make: _Make,
    misplaced: _Part,
    text: str,
) -> None:
    with FaultyServer([_echo(_as_1_18_33(misplaced))]) as server:
        error = world.error(server.url, lambda client: make(client, text))
    assert "Expected other, got " in str(error)
    for secret in (text, text.split()[-1], json.dumps(text)[1:-1]):
        assert secret not in said(error)


@pytest.mark.parametrize("break_", [*_BREAKS.values(), answer(http(status=503)), answer(http(status=401))])
def test_no_error_and_no_log_holds_password_or_headers(
    world: World, said: Callable[[OpencodeError], str], break_: Step
) -> None:
    with FaultyServer(itertools.repeat(break_)) as server:
        url = server.url.replace("//", f"//someone:{_PASSWORD.replace(' ', '%20')}@")
        error = world.error(url, _LIST, headers={"x-api-key": _HEADER})
    everything = said(error)
    assert server.url in everything
    for secret in (_PASSWORD, "correct%20horse", b64encode(_PASSWORD.encode()).decode()[4:12], _HEADER):
        assert secret not in everything
    assert all(request.headers["x-api-key"] == _HEADER for request in server.requests)


@pytest.mark.parametrize("kind", [OpencodeClient, AsyncOpencodeClient])
def test_no_repr_of_client_or_options_holds_password_or_headers(kind: type[Client]) -> None:
    client = kind(f"http://u:{_KEY}@127.0.0.1:1", headers={"x-api-key": _HEADER})
    for shown in (repr(client), repr(client.options), str(client.with_options(timeout=1).options)):
        assert _KEY not in shown
        assert _HEADER not in shown


@pytest.mark.parametrize(
    "url",
    [
        f"http://127.0.0.1:1/?auth_token={_KEY}",
        f"ftp://u:{_KEY}@127.0.0.1",
        f"http://u:{_KEY}@127.0.0.1:0",
        f"http://u:{_KEY}@[::1",
        f"http://u:{_KEY}@127.0.0.1:x",
        f"http://u:{_KEY}@a b",
    ],
)
def test_no_error_of_a_base_url_holds_its_secrets(world: World, url: str) -> None:
    error = world.error(url, _LIST)
    assert isinstance(error, ArgumentError)
    assert _KEY not in f"{error} {error!r}"


@pytest.mark.parametrize("name", ["ticket", "auth_token"])
@pytest.mark.parametrize("form", ["?{}", "?cursor=1&{}", "?{}&cursor=1", "?{}#end"])
def test_a_url_for_people_has_no_ticket(name: str, form: str) -> None:
    url = public_url("http://127.0.0.1:1/pty/1/connect" + form.format(f"{name}={_KEY}"))
    assert _KEY not in url
    assert f"{name}=***" in url


def _debug_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("opencode_client") and record.levelno == logging.DEBUG
    ]


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (answer(_EMPTY_LIST), "200 OK, 2 bytes"),
        (answer(http(b"no", 418)), "418 I'm a Teapot, 2 bytes"),
        (answer(http(b"no", 599)), "599, 2 bytes"),
        (reset, r"\w+Error"),
    ],
    ids=["success", "status", "unknown status", "break"],
)
def test_at_debug_there_is_one_line_for_a_request(
    world: World, caplog: pytest.LogCaptureFixture, step: Step, outcome: str
) -> None:
    caplog.set_level(logging.DEBUG, "opencode_client")
    with FaultyServer([step]) as server, suppress(OpencodeError):
        world.run(server.url, lambda c: c.session.list(directory="/r"), max_retries=0)
    (line,) = _debug_lines(caplog)
    assert re.fullmatch(rf"session\.list: GET {server.url}/session: {outcome} in \d+\.\d ms", line)


def test_every_attempt_has_its_line(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "opencode_client")
    with FaultyServer([answer(http(status=503)), _busy("1"), answer(_EMPTY_LIST)]) as server:
        world.run(server.url, _LIST)
    assert [line.split(": ")[2].split(",")[0] for line in _debug_lines(caplog)] == [
        "503 Service Unavailable", "429 Too Many Requests", "200 OK",
    ]  # fmt: skip
