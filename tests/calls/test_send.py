"""`client.send`: any route, with the client's authentication, directory, retries, timeouts and errors."""

from __future__ import annotations

import itertools
import json
from typing import Any

import httpx
import pytest

from opencode_client import (
    UNSET,
    ArgumentError,
    BadRequestError,
    EmptyResponseError,
    NotFoundError,
    RequestTimeoutError,
    ResponseDecodeError,
    UnsupportedOperationError,
)
from opencode_client.models import TextPartInput
from tests.support.both_clients import ClientKind, Handler
from tests.support.faulty_server import FaultyServer, answer, answer_late, cut, http, stall
from tests.support.retry_cases import EMPTY_LIST, SOON, json_answer
from tests.support.retry_cases import waits as waits  # a fixture for every test here


class Server:
    """A server of 1.18.33 that responds to all requests except the version's with one value, and keeps the requests."""

    def __init__(self, value: object = None, status: int = 200) -> None:
        self.seen: list[httpx.Request] = []
        self._content = json.dumps(value).encode()
        self._status = status

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/global/health":
            return httpx.Response(200, json={"healthy": True, "version": "1.18.33"})
        self.seen.append(request)
        headers = {"content-type": "application/json"}
        return httpx.Response(self._status, content=self._content, headers=headers)


def _with_health(page: bytes) -> Handler:
    """A server of 1.18.33 that responds with a web page to everything else."""

    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/global/health":
            return httpx.Response(200, json={"healthy": True, "version": "1.18.33"})
        return httpx.Response(200, content=page, headers={"content-type": "text/html"})

    return server


@pytest.mark.parametrize("value", [{"a": [1, None]}, [], "text", 0, False, None])
def test_send_returns_the_json_of_the_response(client_kind: ClientKind, value: object) -> None:
    client = client_kind.mocked(Server(value))
    assert client_kind.call(client.send, "GET", "/plugin/route") == value


def test_send_sends_query_json_headers_password_and_directory(client_kind: ClientKind) -> None:
    server = Server()
    client = client_kind.mocked(server, directory="/r", workspace="wrk_1", password="secret")
    query = {"new": [1, True], "left_out": None}
    client_kind.call(client.send, "patch", "/plugin", query=query, json={"a": None}, headers={"x-a": "b"})
    [request] = server.seen
    assert (request.method, request.url.raw_path) == (
        "PATCH",
        b"/plugin?directory=%2Fr&workspace=wrk_1&new=1&new=true",
    )
    assert json.loads(request.content) == {"a": None}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-a"] == "b"
    assert request.headers["authorization"].startswith("Basic ")


def test_a_route_below_api_gets_the_directory_as_a_location(client_kind: ClientKind) -> None:
    server = Server()
    client_kind.call(client_kind.mocked(server, directory="/r").send, "GET", "/api/plugin")
    assert dict(server.seen[0].url.params) == {"location[directory]": "/r"}


@pytest.mark.parametrize(("path", "name"), [("/plugin", "directory"), ("/api/a", "location[directory]")])
def test_the_querys_directory_replaces_the_clients(client_kind: ClientKind, path: str, name: str) -> None:
    server = Server()
    client = client_kind.mocked(server, directory="/r")
    client_kind.call(client.send, "GET", path, query={name: "/other"})
    assert server.seen[0].url.params.multi_items() == [(name, "/other")]


def test_a_documented_route_that_accepts_no_directory_gets_none(client_kind: ClientKind) -> None:
    server = Server()
    client_kind.call(client_kind.mocked(server, directory="/r").send, "PUT", "/auth/anthropic", json={})
    assert not server.seen[0].url.query


def test_a_documented_body_gets_the_directory(client_kind: ClientKind) -> None:
    server = Server({})
    client = client_kind.mocked(server, directory="/r")
    client_kind.call(client.send, "POST", "/api/session", json={"new": 1})
    assert json.loads(server.seen[0].content) == {"new": 1, "location": {"directory": "/r"}}


def test_without_json_there_is_no_body(client_kind: ClientKind) -> None:
    server = Server()
    client_kind.call(client_kind.mocked(server).send, "POST", "/plugin")
    assert server.seen[0].content == b""
    assert "content-type" not in server.seen[0].headers


def test_a_documented_route_with_an_object_body_gets_an_empty_object(client_kind: ClientKind) -> None:
    server = Server({})
    client_kind.call(client_kind.mocked(server).send, "POST", "/session")
    assert server.seen[0].content == b"{}"


def test_json_may_be_null_or_a_model(client_kind: ClientKind) -> None:
    server = Server()
    client = client_kind.mocked(server)
    client_kind.call(client.send, "POST", "/plugin", json=None)
    client_kind.call(client.send, "POST", "/plugin", json=TextPartInput(text="hi"))
    assert [request.content for request in server.seen] == [b"null", b'{"type":"text","text":"hi"}']


def test_send_returns_none_for_an_empty_body(client_kind: ClientKind) -> None:
    client = client_kind.mocked(lambda _: httpx.Response(204))
    assert client_kind.call(client.send, "DELETE", "/plugin") is None


def test_an_empty_body_of_a_documented_value_is_an_error(client_kind: ClientKind) -> None:
    client = client_kind.mocked(lambda _: httpx.Response(200))
    with pytest.raises(EmptyResponseError, match=r"session\.messages"):
        client_kind.call(client.send, "GET", "/session/ses_1/message")


def test_a_response_that_is_not_json_is_an_error_with_its_bytes(client_kind: ClientKind) -> None:
    client = client_kind.mocked(lambda _: httpx.Response(200, text="plain"))
    with pytest.raises(ResponseDecodeError) as caught:
        client_kind.call(client.send, "GET", "/plugin")
    assert caught.value.body == b"plain"
    assert caught.value.operation == "send"
    assert str(caught.value).startswith("send: GET /plugin: $: expected JSON, got 5 bytes")


def test_a_documented_route_that_returns_bytes_returns_them(client_kind: ClientKind) -> None:
    client = client_kind.mocked(_with_health(b"<p>"))
    assert client_kind.call(client.send, "GET", "/api/fs/read/a/b.html") == b"<p>"


def test_a_web_page_is_an_unsupported_operation(client_kind: ClientKind) -> None:
    client = client_kind.mocked(_with_health(b"<!doctype html>"))
    with pytest.raises(UnsupportedOperationError, match=r"send: opencode 1\.18\.33 .* GET /plugin"):
        client_kind.call(client.send, "GET", "/plugin")


@pytest.mark.parametrize(
    ("path", "status", "kind", "operation"),
    [
        ("/plugin", 400, BadRequestError, "send: GET /plugin"),
        ("/session/ses_x", 404, NotFoundError, "session.get"),
    ],
)
def test_an_error_status_has_its_class_and_names_the_operation(
    client_kind: ClientKind, path: str, status: int, kind: type[Exception], operation: str
) -> None:
    client = client_kind.mocked(Server({"message": "no"}, status))
    with pytest.raises(kind, match=f"^{operation}: {status} .*: no$"):
        client_kind.call(client.send, "GET", path)


@pytest.mark.parametrize(
    ("method", "path", "attempts"),
    [
        ("GET", "/plugin", 3),
        ("PUT", "/plugin", 3),
        ("DELETE", "/plugin", 3),
        ("POST", "/plugin", 1),
        ("PATCH", "/plugin", 1),
        ("GET", "/session", 3),
        ("GET", "/tui/control/next", 1),  # it removes the value that it returns
    ],
)
def test_after_a_broken_connection_only_repeatable_requests_are_retried(
    client_kind: ClientKind, method: str, path: str, attempts: int, waits: list[float]
) -> None:
    with FaultyServer([cut(b"")]) as server:
        client_kind.error(server.url, lambda client: client.send(method, path))
    assert server.connections == attempts


def test_send_succeeds_after_two_broken_connections(client_kind: ClientKind, waits: list[float]) -> None:
    with FaultyServer([cut(b"")], [cut(b"")], [answer(EMPTY_LIST)]) as server:
        assert client_kind.run(server.url, lambda client: client.send("GET", "/plugin")) == []


def test_a_404_after_a_lost_response_of_a_delete_has_a_note(
    client_kind: ClientKind, waits: list[float]
) -> None:
    gone = answer(json_answer({"message": "gone"}, 404))
    with FaultyServer([cut(b"")], [gone]) as server:
        error = client_kind.error(server.url, lambda client: client.send("DELETE", "/plugin"))
    assert "may have done it" in error.__notes__[0]


@pytest.mark.parametrize("options", [{"timeout": SOON}, {"timeout": 0.1}])
def test_a_timeout_of_the_client_or_the_call_ends_it(client_kind: ClientKind, options: Any) -> None:
    with FaultyServer([stall()]) as server:
        by_client = client_kind.error(server.url, lambda client: client.send("GET", "/plugin"), **options)
        by_call = client_kind.error(server.url, lambda client: client.send("GET", "/plugin", **options))
    assert isinstance(by_client, RequestTimeoutError)
    assert isinstance(by_call, RequestTimeoutError)


@pytest.mark.parametrize("is_given", [False, True])
def test_a_route_with_an_event_stream_is_an_error(client_kind: ClientKind, is_given: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {}\n\n"
    kind = httpx.AsyncClient if client_kind.is_async else httpx.Client
    with FaultyServer([stall(head)]) as server:
        client = client_kind.client(server.url, http_client=kind() if is_given else None)
        with pytest.raises(ResponseDecodeError, match="expected JSON, got an event stream"):
            client_kind.call(client.send, "GET", "/plugin")
        server.await_ended(1)  # the connection is closed


def test_a_prompt_follows_turn_timeout(client_kind: ClientKind) -> None:
    path, body = "/session/ses_1/message", {"noReply": True}
    with FaultyServer(itertools.repeat(answer_late(http(b"{}"), 0.3))) as server:
        assert client_kind.run(server.url, lambda c: c.send("POST", path, json=body), timeout=0.1) == {}
        error = client_kind.error(server.url, lambda c: c.send("POST", path, json=body), turn_timeout=0.1)
    assert isinstance(error, RequestTimeoutError)


def test_a_view_sends_its_own_directory(client_kind: ClientKind) -> None:
    server = Server()
    client_kind.call(client_kind.mocked(server).with_options(directory="/v").send, "GET", "/plugin")
    assert server.seen[0].url.params["directory"] == "/v"


def test_raw_returns_the_value_with_status_and_headers(client_kind: ClientKind) -> None:
    client = client_kind.mocked(lambda _: httpx.Response(202, json=[1], headers={"X-Next-Cursor": "c"}))
    response = client_kind.call(client.raw, client.send, "GET", "/plugin")
    assert (response.value, response.status, response.headers["x-next-cursor"]) == ([1], 202, "c")


@pytest.mark.parametrize(
    ("arguments", "named", "text"),
    [
        (("GET", "plugin"), {}, "path takes a path"),
        (("GET", "http://other/session"), {}, "path takes a path"),
        (("GET", "/plugin?a=1"), {}, "path takes a path"),
        (("GET", "/plugin#a"), {}, "path takes a path"),
        (("GET", None), {}, "path takes a path"),
        (("GET", "/session/../config"), {}, "segments"),
        (("GET", "/session/%2e%2E/config"), {}, "segments"),
        (("GET /", "/plugin"), {}, "method takes"),
        (("", "/plugin"), {}, "method takes"),
        ((None, "/plugin"), {}, "method takes"),
        (("GET", "/plugin"), {"query": "a=1"}, "query takes a mapping"),
        (("GET", "/plugin"), {"query": {"a": {"b": 1}}}, "a takes text, a number or a boolean"),
        (("POST", "/plugin"), {"json": {"a": {1}}}, r"\$\.a: set cannot be written as JSON"),
        (("GET", "/plugin"), {"timeout": 0}, "timeout takes seconds"),
        (("GET", "/plugin"), {"headers": {"a b": "c"}}, "header 'a b'"),
        (("GET", "/plugin"), {"query": {1: "a"}}, "names in query are texts, not 1"),
        (("GET", "/\ud800"), {}, "surrogates not allowed"),
        (("POST", "/plugin"), {"json": {"a": [UNSET]}}, r"\$\.a\[0\]: _Unset cannot be written as JSON"),
        (("GET", "/event"), {}, r"use client\.event\.subscribe"),
        (("GET", "//%65vent/"), {}, r"use client\.event\.subscribe"),
        (("GET", "/api/session/ses_1/event"), {}, r"use client\.v2\.session\.events"),
    ],
)
def test_a_wrong_argument_is_an_error_and_nothing_is_sent(
    client_kind: ClientKind, arguments: tuple[Any, ...], named: dict[str, Any], text: str
) -> None:
    server = Server()
    with pytest.raises(ArgumentError, match=text):
        client_kind.call(client_kind.mocked(server).send, *arguments, **named)
    assert not server.seen


@pytest.mark.parametrize(
    "path", ["/x?auth_token=s3cret", "/x#s3cret", "http://u:s3cret@h/x", "x?ticket=s3cret"]
)
def test_a_wrong_path_is_shown_without_its_secrets(client_kind: ClientKind, path: str) -> None:
    with pytest.raises(ArgumentError, match="path takes a path") as caught:
        client_kind.call(client_kind.mocked(Server()).send, "GET", path)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "sent"),
    [("/a b/ü", b"/a%20b/%C3%BC"), ("/a%2Fb", b"/a%2Fb"), ("/file/content", b"/file/content")],
)
def test_a_path_is_sent_percent_encoded(client_kind: ClientKind, path: str, sent: bytes) -> None:
    server = Server()
    client_kind.call(client_kind.mocked(server).send, "GET", path)
    assert server.seen[0].url.raw_path == sent


@pytest.mark.parametrize("path", ["/tui/control/next/", "//tui/control//next", "/tui/%63ontrol/next"])
def test_another_spelling_of_a_documented_path_follows_its_rules(
    client_kind: ClientKind, path: str, waits: list[float]
) -> None:
    with FaultyServer([cut(b"")]) as server:
        error = client_kind.error(server.url, lambda client: client.send("GET", path))
    assert str(error).startswith("tui.control.next: ")
    assert server.connections == 1


@pytest.mark.parametrize("path", ["/plugin/", "//plugin", "/%70lugin"])
def test_any_other_path_is_sent_unchanged(client_kind: ClientKind, path: str) -> None:
    server = Server()
    client_kind.call(client_kind.mocked(server).send, "GET", path)
    assert server.seen[0].url.raw_path == path.encode()


def test_a_lone_surrogate_in_the_query_is_sent(client_kind: ClientKind) -> None:
    server = Server()
    client_kind.call(client_kind.mocked(server).send, "GET", "/plugin", query={"\ud800": "\ud800"})
    assert server.seen[0].url.query == b"%ED%A0%80=%ED%A0%80"


def test_an_encoded_slash_in_a_documented_path_stays_encoded(client_kind: ClientKind) -> None:
    server = Server(True)
    client_kind.call(client_kind.mocked(server).send, "DELETE", "/session/a%2Fb")
    assert server.seen[0].url.raw_path == b"/session/a%2Fb"


@pytest.mark.parametrize("path", ["/session/status", "/session/ses_1"])
def test_a_path_without_variables_wins_over_one_with_variables(client_kind: ClientKind, path: str) -> None:
    client = client_kind.mocked(Server({"message": "no"}, 400))
    operation = "session.status" if path.endswith("status") else "session.get"
    with pytest.raises(BadRequestError, match=f"^{operation}:"):
        client_kind.call(client.send, "GET", path)
