"""Faults between client and server: the error that the caller gets, and the number of requests that were sent."""

from __future__ import annotations

import copy
import gzip
import itertools
import json
import pickle
import re
import ssl
from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from opencode_client import (
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    EmptyResponseError,
    RequestError,
    ResponseDecodeError,
    RetryEvent,
    ServerError,
    StatusError,
    UnsupportedOperationError,
    UnsupportedServerError,
)
from opencode_client.models import Path
from tests.support.both_clients import Action, Client, ClientKind
from tests.support.faulty_server import (
    FaultyServer,
    Peer,
    Step,
    answer,
    answer_each,
    chunked,
    cut,
    http,
    refused_connections,
    unaccepted_connections,
)
from tests.support.retry_cases import (
    CREATE,
    EMPTY_LIST,
    LIST,
    PLAIN,
    SESSION,
    Call,
    attempts_of,
    every_break,
    every_call,
    json_answer,
)
from tests.support.retry_cases import waits as waits  # a fixture for every test here
from tests.support.sizes import small_and_full


@every_break
def test_a_broken_connection_is_an_error_that_names_the_call(client_kind: ClientKind, break_: Step) -> None:
    with FaultyServer([break_]) as server:
        error = client_kind.error(server.url, CREATE)
    assert isinstance(error, ConnectionLostError)
    assert (error.operation, error.method, error.url) == ("session.create", "POST", f"{server.url}/session")
    assert str(error).startswith(f"session.create: POST {error.url}: the connection broke: ")
    assert isinstance(error.__cause__, httpx.TransportError)


@every_call
@every_break
def test_after_a_broken_connection_only_repeatable_requests_are_retried(
    client_kind: ClientKind, call: Call, break_: Step
) -> None:
    with FaultyServer([break_]) as server:
        client_kind.error(server.url, call)
    assert server.connections == attempts_of(call)


@every_break
def test_a_read_succeeds_after_two_broken_connections(client_kind: ClientKind, break_: Step) -> None:
    with FaultyServer([break_], [break_], [answer(EMPTY_LIST)]) as server:
        assert client_kind.run(server.url, LIST) == []


@every_call
def test_a_refused_connection_is_retried_for_every_call(
    client_kind: ClientKind, call: Call, waits: list[float]
) -> None:
    with refused_connections() as url:
        error = client_kind.error(url, call)
    assert isinstance(error, ConnectError)
    assert str(error).startswith(f"{call.operation}: {call.method} {url}{call.path}: no connection: ")
    assert len(waits) == 2


def test_a_write_to_a_server_that_starts_late_is_sent_once(client_kind: ClientKind) -> None:
    started: list[FaultyServer] = []

    def start(event: RetryEvent) -> None:
        started.append(FaultyServer([answer(http(SESSION))], port=httpx.URL(url).port or 0))

    with refused_connections() as url:
        pass
    assert client_kind.run(url, CREATE, on_retry=start).id == "ses_1"
    started[0].close()
    assert len(started[0].requests) == 1


def test_a_connection_that_is_not_accepted_raises_connect_error(client_kind: ClientKind) -> None:
    with unaccepted_connections() as url:
        error = client_kind.error(url, CREATE.within(0.05), max_retries=0)
    assert isinstance(error, ConnectError)


@every_call
def test_a_connection_that_ended_between_two_calls_is_not_reused(client_kind: ClientKind, call: Call) -> None:
    with FaultyServer([answer(EMPTY_LIST)], [answer(http(call.value))]) as server:
        client_kind.run(server.url, LIST, lambda _: server.await_ended(1), call, max_retries=0)
    assert len(server.requests) == 2


@every_call
def test_a_reused_connection_that_breaks_is_retried_like_a_new_one(
    client_kind: ClientKind, call: Call
) -> None:
    with FaultyServer([answer(EMPTY_LIST), cut(b"")], [cut(b"")]) as server:
        client_kind.error(server.url, LIST, call)
    assert len(server.requests) == 1 + attempts_of(call)


def test_a_redirect_is_an_error_and_not_followed(client_kind: ClientKind) -> None:
    moved = http(status=302, headers={"location": "/elsewhere"})
    with FaultyServer([answer_each({"/session": moved}, EMPTY_LIST)]) as server:
        error = client_kind.error(server.url, LIST)
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
def test_every_http_encoding_of_a_body_is_read(client_kind: ClientKind, data: bytes) -> None:
    with FaultyServer([answer(data)]) as server:
        assert client_kind.run(server.url, LIST)[0].id == "ses_1"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (http(b"no gzip", headers=_GZIP), "$: expected a body in the encoding that its headers name, got "),
        (http(gzip.compress(_SESSIONS)[:-12], headers=_GZIP), "$: expected JSON, got "),
        (http(b"<oops>"), "$: expected JSON, got 6 bytes that are not JSON"),
        (http(b'[{"id": "ses_\xff"}]'), "$: expected JSON, got 17 bytes that are not JSON"),
        (http(b"[" * 100_000), "$: expected JSON, got 100000 bytes that are not JSON"),
        (http(b'{"id": "ses_1"}'), "$: expected array, got object"),
    ],
    ids=["no gzip", "cut gzip", "no JSON", "no UTF-8", "too deep", "object"],
)
def test_an_unreadable_body_raises_an_error_without_a_retry(
    client_kind: ClientKind, data: bytes, text: str
) -> None:
    with FaultyServer([answer(data)]) as server:
        error = client_kind.error(server.url, LIST)
    assert isinstance(error, ResponseDecodeError)
    assert str(error).startswith(f"session.list: {text}")
    assert (error.model, error.path, len(server.requests)) == ("session.list", "$", 1)


def test_a_request_that_http_does_not_allow_is_an_error_and_not_sent(client_kind: ClientKind) -> None:
    kind = httpx.AsyncClient if client_kind.is_async else httpx.Client
    own = kind(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), headers={"x-own": "a\nb"}, trust_env=False)
    with FaultyServer([answer(EMPTY_LIST)]) as server:
        error = client_kind.error(server.url, LIST, http_client=own)
        assert type(error) is RequestError
        assert "HTTP does not allow this request" in str(error)
        assert server.requests == []


@pytest.mark.parametrize(("body", "text"), [(b"", "an empty body"), (b"null", "null")])
def test_an_empty_body_in_place_of_a_documented_value_is_an_error(
    client_kind: ClientKind, body: bytes, text: str
) -> None:
    with FaultyServer([answer(http(body))]) as server:
        error = client_kind.error(server.url, CREATE)
    assert isinstance(error, EmptyResponseError)
    assert str(error).startswith(f"session.create: 200 with {text}: ")
    assert (error.operation, error.method, error.url, error.status) == (
        "session.create", "POST", f"{server.url}/session", 200,
    )  # fmt: skip


_PAGE = http(b"<!doctype html>", headers={"content-type": "text/html;charset=UTF-8"})


@pytest.mark.parametrize(
    ("health", "version"),
    [(json_answer({"healthy": True, "version": "1.3.2"}), "1.3.2"), (http(status=500), None)],
)
def test_a_web_page_raises_unsupported_operation_error(
    client_kind: ClientKind, health: bytes, version: str | None
) -> None:
    with FaultyServer(itertools.repeat(answer_each({"/global/health": health}, _PAGE))) as server:
        error = client_kind.error(server.url, CREATE)
    assert isinstance(error, UnsupportedOperationError)
    assert (error.operation, error.version) == ("session.create", version)
    assert str(error).startswith(
        f"session.create: opencode {version or '(version unknown)'} at {server.url} "
    )
    assert [request.path for request in server.requests].count("/session") == 1


_INFO = {"version": "2.1.2", "pid": 1}
_SECOND = r"is OpenCode {} \(by GET /api/info\); this client speaks 1\.x: see docs/opencode-2\.md$"
_OTHER_SERVERS: dict[str, tuple[dict[str, bytes], str, str | None]] = {
    "a web page": ({}, "is not an opencode server: GET /global/health gave 200 text/html", None),
    "OpenCode 2": ({"/api/info": json_answer(_INFO)}, _SECOND.format(r"2\.1\.2"), "2.1.2"),
    "OpenCode 2 with a password": (
        {"/api/info": json_answer({"_tag": "UnauthorizedError"}, 401)}, _SECOND.format(r"2\.x"), None,
    ),
    "a page with a login": ({"/api/info": http(status=401)}, "is not an opencode server", None),
}  # fmt: skip


_ACTIONS: list[Action] = [LIST, CREATE, lambda c: c.check_server(), lambda c: c.v2.session.list()]


@pytest.mark.parametrize("call", _ACTIONS)
@pytest.mark.parametrize(("routes", "text", "version"), _OTHER_SERVERS.values(), ids=list(_OTHER_SERVERS))
def test_a_server_that_only_sends_web_pages_raises_unsupported_server_error(
    client_kind: ClientKind, call: Action, routes: dict[str, bytes], text: str, version: str | None
) -> None:
    with FaultyServer(itertools.repeat(answer_each(routes, _PAGE))) as server:
        error = client_kind.error(server.url, call)
    assert isinstance(error, UnsupportedServerError)
    assert re.match(f"{server.url} {text}", str(error))
    assert (error.url, error.version) == (server.url, version)


@pytest.mark.parametrize("status", [200, 502])
def test_an_error_for_a_plain_text_response_has_its_status_headers_and_body(
    client_kind: ClientKind, status: int
) -> None:
    body = b"We are down for maintenance.\nBack at 5."
    with FaultyServer(
        [answer(http(body, status, {"content-type": "text/plain", "x-proxy": "p1"}))]
    ) as server:
        error: Any = client_kind.error(server.url, CREATE)
    for twin in (error, pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 # ours
        assert (twin.operation, twin.method, twin.status) == ("session.create", "POST", status)
        assert (twin.url, twin.headers["x-proxy"], twin.body) == (f"{server.url}/session", "p1", body)
        assert (twin.response.status_code, twin.response.content, twin.response.text) == (
            status,
            body,
            body.decode(),
        )
        assert "We are down for maintenance. Back at 5." in str(twin)
        assert str(status) in str(twin)
    assert isinstance(error, ResponseDecodeError if status == 200 else ServerError)
    assert status == 502 or "with 200 OK, text/plain: 'We are" in str(error)


@small_and_full("blocks", 20, 200)
def test_a_large_body_is_returned(client_kind: ClientKind, blocks: int) -> None:
    block = memoryview(b"x" * 2**20)

    def send(peer: Peer) -> None:
        peer.receive()
        length = len(b'{"home":""}') + blocks * len(block)
        peer.send(http(headers={"content-type": "application/json", "content-length": str(length)}))
        peer.send(b'{"home":"')
        for _ in range(blocks):
            peer.send(block)
        peer.send(b'"}')

    with FaultyServer([send]) as server:
        assert client_kind.run(server.url, _length_of_home) == blocks * len(block)


def _length_of_home(client: Client) -> int | Awaitable[int]:
    # not the model itself: `asyncio.run` makes the `repr` of its result
    async def later(value: Awaitable[Path]) -> int:
        return len((await value).home)

    value = client.path.get()
    return len(value.home) if isinstance(value, Path) else later(value)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (http(b"Unauthorized", 401, PLAIN), "session.create: 401 Unauthorized: Unauthorized"),
        (http(b"", 401, {}), "session.create: 401 Unauthorized"),
        (
            json_answer({"_tag": "UnauthorizedError", "message": "Authentication required"}, 401),
            "session.create: 401 Unauthorized: Authentication required",
        ),
    ],
    ids=["1.1.31", "1.18.33", "1.18.33 below api"],
)
def test_the_401_of_every_version_raises_authentication_error(
    client_kind: ClientKind, data: bytes, text: str
) -> None:
    with FaultyServer([answer(data)]) as server:
        error = client_kind.error(server.url, CREATE)
    assert isinstance(error, AuthenticationError)
    assert (str(error), error.status) == (
        f"{text} (no password was sent: pass password=, or set OPENCODE_SERVER_PASSWORD)",
        401,
    )


def test_the_error_for_refused_credentials_differs_from_missing_ones(client_kind: ClientKind) -> None:
    with FaultyServer([answer(http(b"", 401, {}))]) as server:
        error = client_kind.error(server.url, CREATE, password="other")
    assert str(error) == (
        "session.create: 401 Unauthorized "
        "(user or password is wrong: the server has OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD)"
    )


def test_a_lone_surrogate_is_sent_and_read(client_kind: ClientKind) -> None:
    half = "a\ud83d"
    with FaultyServer([answer(json_answer({"id": "ses_1", "title": half}))]) as server:
        session = client_kind.run(server.url, lambda client: client.session.create(title=half))
    assert json.loads(server.requests[0].body) == {"title": half}
    assert session.title == half
