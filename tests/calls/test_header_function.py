"""A function in place of `headers=`: called for each request, connection of a stream and WebSocket."""

from __future__ import annotations

import hashlib
import itertools
import logging
import traceback
from collections.abc import Mapping
from typing import Any

import pytest

from opencode_client import (
    ArgumentError,
    AsyncOpencodeClient,
    ClientOptions,
    HeadersError,
    OpencodeClient,
    OutgoingRequest,
    PtyClosedError,
)
from opencode_client.models import TextPartInput
from tests.support.both_clients import Client, ClientKind
from tests.support.faulty_server import FaultyServer, answer, http
from tests.support.retry_cases import EMPTY_LIST, busy
from tests.support.retry_cases import waits as waits  # a fixture for every test here
from tests.support.terminal_server import PtyServer, cursor, cut, end, say

_SECRET = "token-0123456789"
_PLAN = "a plan for us"


class _Tokens:
    """Returns another token for each request, and keeps the requests. `wait` makes it a coroutine function."""

    def __init__(self) -> None:
        self.seen: list[OutgoingRequest] = []
        self._count = itertools.count(1)

    def __call__(self, request: OutgoingRequest) -> dict[str, str]:
        self.seen.append(request)
        return {"X-Token": f"{_SECRET}-{next(self._count)}"}

    async def wait(self, request: OutgoingRequest) -> Mapping[str, str]:
        return self(request)


def _log(client: Client) -> object:
    return client.app.log(service="s", level="info", message="m", headers={"X-b": "call"})


def _given(found: Any) -> Any:  # Any: any result, for a function that is typed
    """Return a function that returns `found`."""

    def function(_: OutgoingRequest) -> Any:
        return found

    return function


@pytest.fixture
def function(client_kind: ClientKind) -> tuple[_Tokens, Any]:
    """Return the function and the value of `headers`, which is a coroutine function for the async client."""
    tokens = _Tokens()
    return tokens, tokens.wait if client_kind.is_async else tokens


def test_each_request_has_the_headers_of_its_own_call(
    client_kind: ClientKind, function: tuple[_Tokens, Any], waits: object
) -> None:
    tokens, given = function
    with FaultyServer([busy("0"), *[answer(EMPTY_LIST)] * 2]) as server:
        client_kind.run(
            server.url, lambda client: client.session.list(), lambda client: client.session.list(limit=3),
            headers=given,
        )  # fmt: skip
        assert [seen.headers["x-token"] for seen in server.requests] == [f"{_SECRET}-{n}" for n in (1, 2, 3)]
    assert [(one.operation, one.method) for one in tokens.seen] == [("session.list", "GET")] * 3
    assert tokens.seen[-1].url == f"{server.url}/session?limit=3"


def test_the_function_can_sign_the_body(client_kind: ClientKind) -> None:
    def sign(request: OutgoingRequest) -> dict[str, str]:
        return {"x-signature": hashlib.sha256(request.method.encode() + request.content).hexdigest()}

    with FaultyServer([answer(http(b"true"))]) as server:
        client_kind.run(server.url, _log, headers=sign)
        [seen] = server.requests
    assert seen.headers["x-signature"] == hashlib.sha256(b"POST" + seen.body).hexdigest()


def test_headers_of_the_call_replace_headers_of_the_function(client_kind: ClientKind) -> None:
    def tokens(request: OutgoingRequest) -> dict[str, str]:
        return {
            "X-A": "function",
            "x-b": "function",
            "Authorization": "Bearer t",
            "Content-Type": "text/plain",
        }

    with FaultyServer([answer(http(b"true"))]) as server:
        client_kind.run(server.url, _log, headers=tokens, password="p")
        [seen] = server.requests
    names = ("x-a", "x-b", "authorization", "content-type")
    assert [seen.headers[name] for name in names] == ["function", "call", "Bearer t", "application/json"]


def test_a_header_that_the_function_no_longer_returns_is_not_sent_again(
    client_kind: ClientKind, waits: object
) -> None:
    found = iter([{"x-once": "1"}, {"x-twice": "2"}])

    def take(_: OutgoingRequest) -> dict[str, str]:
        return next(found)

    with FaultyServer([busy("0"), answer(EMPTY_LIST)]) as server:
        client_kind.run(server.url, lambda client: client.session.list(), headers=take)
        assert ["x-once" in seen.headers for seen in server.requests] == [True, False]


def test_with_options_replaces_the_function(client_kind: ClientKind) -> None:
    with FaultyServer([answer(EMPTY_LIST)] * 2) as server:
        client_kind.run(
            server.url,
            lambda client: client.with_options(headers={"x-b": "2"}).session.list(),
            lambda client: client.with_options(headers=_given({"x-c": "3"})).session.list(),
            headers=_given({"x-a": "1"}),
        )
        names = ("x-a", "x-b", "x-c")
        assert [[name for name in names if name in seen.headers] for seen in server.requests] == [
            ["x-b"],
            ["x-c"],
        ]


def test_each_connection_of_a_stream_has_new_headers(
    client_kind: ClientKind, function: tuple[_Tokens, Any]
) -> None:
    tokens, given = function
    with PtyServer() as server:
        client = client_kind.client(server.url, headers=given)
        stream = client_kind.call(
            client.event.subscribe().__aenter__
            if client_kind.is_async
            else client.event.subscribe().__enter__
        )
        server.drop_events()
        client_kind.call(stream.get, timeout=10)  # the gap
        assert [seen.headers["x-token"] for seen in server.streams] == [f"{_SECRET}-1", f"{_SECRET}-2"]
        client_kind.call(stream.close)
    assert {one.url for one in tokens.seen} == {f"{server.url}/event"}


def test_each_websocket_has_new_headers(client_kind: ClientKind, function: tuple[_Tokens, Any]) -> None:
    tokens, given = function
    with PtyServer([cursor(0), say("abc"), cursor(3), cut], [cursor(3), say("def"), end]) as server:
        client = client_kind.client(server.url, headers=given)
        terminal = client.pty.connect("pty_1", auth="ticket", exit_code=False)
        assert client_kind.call(terminal.read_until, "def") == "abcdef"
        client_kind.call(terminal.close)
        dials = [seen for seen in tokens.seen if seen.url.startswith("ws:")]
        assert [dial.url for dial in dials] == [f"ws{server.url[4:]}{seen.target}" for seen in server.dials]
        assert all("ticket=" in dial.url for dial in dials)
        sent = [seen.headers["x-token"] for seen in (*server.calls, *server.dials)]
    assert len(set(sent)) == len(tokens.seen) == len(server.calls) + 2


def _fails(_: OutgoingRequest) -> dict[str, str]:
    raise LookupError(_SECRET)


def test_an_error_of_the_function_raises_headers_error_and_nothing_is_sent(client_kind: ClientKind) -> None:
    with FaultyServer([answer(EMPTY_LIST)]) as server:
        error = client_kind.error(server.url, lambda client: client.session.list(), headers=_fails)
        assert server.requests == []
    assert isinstance(error, HeadersError)
    assert str(error) == "session.list: the function passed as headers raised LookupError; nothing was sent"
    assert isinstance(error.__cause__, LookupError)


def test_the_error_at_a_retry_names_the_attempt_that_was_not_sent(client_kind: ClientKind) -> None:
    def fails_later(request: OutgoingRequest) -> dict[str, str]:
        return _fails(request) if server.requests else {}

    with FaultyServer([answer(http(b"", 503))]) as server:
        error = client_kind.error(server.url, lambda client: client.session.list(), headers=fails_later)
        assert len(server.requests) == 1
    assert str(error).endswith("raised LookupError; nothing was sent for attempt 2")


def test_a_stream_raises_the_error_of_the_function(client_kind: ClientKind) -> None:
    with PtyServer() as server:
        client = client_kind.client(server.url, headers=_fails)
        with pytest.raises(HeadersError):
            client_kind.call(client.event.subscribe().get, timeout=10)
        assert server.streams == []


def test_a_terminal_raises_the_error_of_the_function(client_kind: ClientKind) -> None:
    fail = False

    def tokens(request: OutgoingRequest) -> dict[str, str]:
        return _fails(request) if fail else {}

    with PtyServer([cursor(0), say("abc"), cursor(3), cut]) as server:
        client = client_kind.client(server.url, headers=tokens)
        terminal = client.pty.connect("pty_1", exit_code=False, max_attempts=1)
        assert client_kind.call(terminal.read_until, "abc") == "abc"
        fail = True
        with pytest.raises(PtyClosedError) as caught:
            client_kind.call(terminal.recv)
    assert isinstance(caught.value.__cause__, HeadersError)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "headers takes a mapping of names to values, not NoneType"),
        ({"a b": "c"}, "header 'a b': HTTP does not allow this name or this value"),
        ({"content-length": "1"}, "header 'content-length': it depends on the body"),
    ],
)
def test_a_result_that_cannot_be_headers_is_refused(
    client_kind: ClientKind, found: object, message: str
) -> None:
    error = client_kind.error(
        "http://127.0.0.1:1", lambda client: client.session.list(), headers=_given(found)
    )
    assert isinstance(error, ArgumentError)
    assert str(error).startswith(message)


def test_the_sync_client_refuses_a_coroutine_function() -> None:
    # type checkers refuse it; programs without types get the error
    client = OpencodeClient("http://127.0.0.1:1", headers=_Tokens().wait)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    with client, pytest.raises(ArgumentError, match="only in an AsyncOpencodeClient"):
        client.session.list()


def test_logs_errors_and_reprs_do_not_contain_the_returned_headers(
    client_kind: ClientKind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "opencode_client")
    tokens = _Tokens()
    with FaultyServer([answer(http(f'{{"message": "no {_SECRET}-1"}}'.encode(), 400))]) as server:
        error = client_kind.error(
            server.url,
            lambda client: client.session.prompt("ses_1", parts=[TextPartInput(text=_PLAN)]),
            headers=tokens,
        )
    shown = [
        caplog.text,
        *traceback.format_exception(error),
        repr(ClientOptions(base_url="http://a", headers=tokens)),
    ]
    assert not [text for text in (*shown, repr(tokens.seen)) if _SECRET in text or _PLAN in text]
    assert repr(tokens.seen[0]) == "OutgoingRequest(operation='session.prompt', method='POST')"


def test_a_given_http_client_sends_the_headers(client_kind: ClientKind) -> None:
    seen: list[Any] = []

    def handler(request: Any) -> Any:
        seen.append(request.headers["x-token"])
        return pytest.importorskip("httpx").Response(200, json=[])

    client = client_kind.mocked(handler, headers=_Tokens())
    client_kind.call(client.session.list)
    client_kind.call(client.session.list)
    assert seen == [f"{_SECRET}-1", f"{_SECRET}-2"]


def test_the_headers_of_a_call_cannot_be_a_function() -> None:
    with OpencodeClient("http://127.0.0.1:1") as client, pytest.raises(ArgumentError, match="not function"):
        client.session.list(headers=_fails)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # as above


def test_options_keep_the_function() -> None:
    function, tokens = _given({}), _Tokens()
    client = OpencodeClient("http://127.0.0.1:1", headers=function)
    assert OpencodeClient.from_options(client.options).options.headers is function
    assert AsyncOpencodeClient("http://127.0.0.1:1", headers=tokens.wait).options.headers == tokens.wait
