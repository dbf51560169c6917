"""No error, log or repr contains a secret or a user's text; the log of a request."""

from __future__ import annotations

import itertools
import json
import logging
import pickle
import re
import traceback
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

import httpx
import pytest

from opencode_client import (
    ArgumentError,
    AsyncOpencodeClient,
    OpencodeClient,
    OpencodeError,
    StatusError,
)
from opencode_client.calls.error_text import public_url
from opencode_client.models import ApiAuth, McpLocalConfig, TextPartInput
from tests.support.both_clients import Action, Client, ClientKind
from tests.support.faulty_server import (
    FaultyServer,
    Seen,
    Step,
    answer,
    http,
    reset,
)
from tests.support.retry_cases import (
    BREAKS,
    EMPTY_LIST,
    LIST,
    busy,
    json_answer,
)
from tests.support.retry_cases import waits as waits  # a fixture for every test here

_KEY = "sk-ant-0123456789"
_PASSWORD = "correct horse battery"
_PLAN = "the plan that nobody else may überlesen"  # no path and no line of code contains its last word
_WORD = "zwölf"
_QUOTED = f'Plan: "fünf\tvor"\n{_WORD}'
_HEADER = "header-0123456789"


@pytest.fixture
def all_text(caplog: pytest.LogCaptureFixture) -> Callable[[OpencodeError], str]:
    """All text of an error, of its causes, and of the log at DEBUG."""
    caplog.set_level(logging.DEBUG, "opencode_client")

    def everything(error: OpencodeError) -> str:
        return "\n".join([caplog.text, str(error), repr(error), *traceback.format_exception(error)])

    return everything


_Make: TypeAlias = Callable[[Client, Any], object]  # Any: text where the types want something else
_Part: TypeAlias = Callable[[Any], object]  # Any: a body's JSON


def _as_1_18_33(part: _Part) -> Callable[[Seen], bytes]:
    """The server's 400 for a body with a part of a wrong type. It contains that part as JSON."""

    def refuse(request: Seen) -> bytes:
        got = json.dumps(part(json.loads(request.body)), ensure_ascii=False, separators=(",", ":"))
        data = {"message": f'Expected other, got {got}\n  at ["parts"][0]', "kind": "Payload"}
        return json_answer({"name": "BadRequest", "data": data}, 400)

    return refuse


def _as_1_1_31(request: Seen) -> bytes:
    issue = {"code": "invalid_type", "path": ["parts", 0], "message": "Invalid input: expected object"}
    return json_answer({"data": json.loads(request.body), "error": [issue], "success": False}, 400)


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
    "prompt in a model": (
        lambda c: c.session.prompt("ses_1", parts=[TextPartInput(text=_PLAN)]),
        _PLAN,
    ),
    "long prompt": (_text(200 * _PLAN), _PLAN),
    "quoted prompt": (_text(_QUOTED), _WORD),
    "system": (lambda c: c.session.prompt("ses_1", parts=[], system=_PLAN), _PLAN),
    "arguments": (lambda c: c.session.command("ses_1", command="c", arguments=_PLAN), _PLAN),
}


@pytest.mark.parametrize("refuse", _ECHOES.values(), ids=list(_ECHOES))
@pytest.mark.parametrize(("action", "secret"), _SECRETS.values(), ids=list(_SECRETS))
def test_a_server_error_that_repeats_the_body_is_hidden(
    client_kind: ClientKind,
    all_text: Callable[[OpencodeError], str],
    action: Action,
    secret: str,
    refuse: Callable[[Seen], bytes],
) -> None:
    with FaultyServer([_echo(refuse)]) as server:
        error = client_kind.error(server.url, action)
    assert secret not in all_text(error)
    assert isinstance(error, StatusError)
    assert secret in str(error.data) or secret.encode() in error.body


_MISPLACED: dict[str, tuple[_Make, _Part]] = {
    "a text": (
        lambda c, text: c.session.prompt("s", parts=[{"type": "text", "text": text}]),
        lambda body: body["parts"][0]["text"],
    ),
    "texts for parts": (lambda c, text: c.session.prompt("s", parts=[text]), lambda body: body["parts"][0]),
    "an answer": (
        lambda c, text: c.session.update("s", metadata={"content": text}),
        lambda body: body["metadata"]["content"],
    ),
}


@pytest.mark.parametrize("text", [_PLAN, _QUOTED], ids=["plain", "quoted"])
@pytest.mark.parametrize(("make", "misplaced"), _MISPLACED.values(), ids=list(_MISPLACED))
def test_a_server_error_that_repeats_one_text_of_the_body_is_hidden(
    client_kind: ClientKind,
    all_text: Callable[[OpencodeError], str],
    make: _Make,
    misplaced: _Part,
    text: str,
) -> None:
    with FaultyServer([_echo(_as_1_18_33(misplaced))]) as server:
        error = client_kind.error(server.url, lambda client: make(client, text))
    assert "Expected other, got " in str(error)
    for secret in (text, text.split()[-1], json.dumps(text)[1:-1]):
        assert secret not in all_text(error)


_REFUSED: dict[str, _Make] = {
    "parts": lambda c, text: c.session.prompt("s", parts=text),
    "answers": lambda c, text: c.question.reply("q", answers=text),
}


@pytest.mark.parametrize("make", _REFUSED.values(), ids=list(_REFUSED))
def test_a_text_in_place_of_a_list_is_not_sent_and_not_shown(
    client_kind: ClientKind, all_text: Callable[[OpencodeError], str], make: _Make
) -> None:
    with FaultyServer([_echo(_as_text)]) as server:
        error = client_kind.error(server.url, lambda client: make(client, _QUOTED))
    assert isinstance(error, ArgumentError)
    assert "takes a list, not a text" in str(error)
    assert _WORD not in str(error)
    assert not server.requests


_BODIES: dict[str, tuple[bytes, str]] = {
    "a header": (f"proxy: authorization: Bearer {_KEY} was refused".encode(), "was refused"),
    "a URL": (
        f"cannot reach http://someone:{_KEY}@host/x".encode(),
        "cannot reach http://someone:***@host/x",
    ),
    "a query": (f"GET /pty?ticket={_KEY}&cursor=1 failed".encode(), "cursor=1 failed"),
    "cut JSON": (f'{{"provider": {{"a": {{"apiKey": "{_KEY}", "x"'.encode(), '"provider"'),
    "cut messages": (f'[{{"parts": [{{"type": "text", "text": "{_KEY} and'.encode(), '"type": "text"'),
    "cut headers": (f'{{"type": "remote", "headers": {{"x-a": "{_KEY}"}}, '.encode(), '"type": "remote"'),
    "our password": (f"user opencode with {_PASSWORD} is unknown".encode(), "is unknown"),
    "our header": (f"x-own is {_HEADER}, which is wrong".encode(), "which is wrong"),
}


@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize(("body", "shown"), _BODIES.values(), ids=list(_BODIES))
def test_a_body_that_is_not_json_is_shown_without_secrets(
    client_kind: ClientKind, all_text: Callable[[OpencodeError], str], body: bytes, shown: str, status: int
) -> None:
    with FaultyServer([answer(http(body, status))]) as server:
        options = {"password": _PASSWORD, "headers": {"x-own": _HEADER}, "max_retries": 0}
        error = client_kind.error(server.url, LIST, **options)
    assert shown in str(error)
    for secret in (_KEY, _PASSWORD, _HEADER):
        assert secret not in all_text(error)


@pytest.mark.parametrize("status", [200, 404])
def test_an_error_does_not_keep_the_credentials_of_its_request(client_kind: ClientKind, status: int) -> None:
    with FaultyServer([answer(http(b"<oops>", status))]) as server:
        error: Any = client_kind.error(server.url, LIST, password=_PASSWORD, headers={"x-own": _HEADER})
    sent = error.response.request
    assert (sent.method, str(sent.url), sent.content) == ("GET", f"{server.url}/session", b"")
    assert not {"authorization", "x-own"} & set(sent.headers)
    given = b64encode(f"opencode:{_PASSWORD}".encode())
    assert given in server.requests[0].headers["authorization"].encode()
    assert given not in pickle.dumps(error)


def test_the_error_for_a_redirect_does_not_keep_credentials(client_kind: ClientKind) -> None:
    def redirect(_: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": "/elsewhere"})

    client = client_kind.mocked(redirect, password=_PASSWORD, headers={"x-own": _HEADER})
    with pytest.raises(StatusError) as caught:
        client_kind.call(client.session.list)
    kept = pickle.dumps(caught.value)
    for secret in (b64encode(f"opencode:{_PASSWORD}".encode()), _HEADER.encode()):
        assert secret not in kept


@pytest.mark.parametrize("break_", [*BREAKS.values(), answer(http(status=503)), answer(http(status=401))])
def test_no_error_and_no_log_contains_password_or_headers(
    client_kind: ClientKind, all_text: Callable[[OpencodeError], str], break_: Step
) -> None:
    with FaultyServer(itertools.repeat(break_)) as server:
        url = server.url.replace("//", f"//someone:{_PASSWORD.replace(' ', '%20')}@")
        error = client_kind.error(url, LIST, headers={"x-api-key": _HEADER})
    everything = all_text(error)
    assert server.url in everything
    for secret in (_PASSWORD, "correct%20horse", b64encode(_PASSWORD.encode()).decode()[4:12], _HEADER):
        assert secret not in everything
    assert all(request.headers["x-api-key"] == _HEADER for request in server.requests)


def test_no_repr_of_a_model_contains_a_secret() -> None:
    server = McpLocalConfig(command=["serve"], environment={"TOKEN": _KEY})
    assert repr(ApiAuth(key=_KEY)) == "ApiAuth(type='api', key='***')"
    assert "environment={'TOKEN': '***'}" in repr(server)


@pytest.mark.parametrize("kind", [OpencodeClient, AsyncOpencodeClient])
def test_no_repr_of_client_or_options_contains_password_or_headers(kind: type[Client]) -> None:
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
        f"opencode:{_KEY}@host:4096",
        f"http:/u:{_KEY}@host",
        f"http://u:12#{_KEY}@host",
        f"http://u:12?{_KEY}@host",
        f"http://u:12/{_KEY}@host",
        f"http://u:{_KEY}/x@host",
    ],
)
def test_no_error_for_a_base_url_contains_its_secrets(client_kind: ClientKind, url: str) -> None:
    error = client_kind.error(url, LIST)
    assert isinstance(error, ArgumentError)
    assert _KEY not in f"{error} {error!r}"


@pytest.mark.parametrize("name", ["ticket", "auth_token"])
@pytest.mark.parametrize("form", ["?{}", "?cursor=1&{}", "?{}&cursor=1", "?{}#end"])
def test_public_url_hides_tickets(name: str, form: str) -> None:
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
        (answer(EMPTY_LIST), "200 OK, 2 bytes"),
        (answer(http(b"no", 418)), "418 I'm a Teapot, 2 bytes"),
        (answer(http(b"no", 599)), "599, 2 bytes"),
        (reset, r"\w+Error"),
    ],
    ids=["success", "status", "unknown status", "break"],
)
def test_the_debug_log_has_one_line_for_a_request(
    client_kind: ClientKind, caplog: pytest.LogCaptureFixture, step: Step, outcome: str
) -> None:
    caplog.set_level(logging.DEBUG, "opencode_client")
    with FaultyServer([step]) as server, suppress(OpencodeError):
        client_kind.run(server.url, lambda c: c.session.list(directory="/r"), max_retries=0)
    (line,) = _debug_lines(caplog)
    assert re.fullmatch(rf"session\.list: GET {server.url}/session: {outcome} in \d+\.\d ms", line)


def test_the_debug_log_has_a_line_for_every_attempt(
    client_kind: ClientKind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "opencode_client")
    with FaultyServer([answer(http(status=503)), busy("1"), answer(EMPTY_LIST)]) as server:
        client_kind.run(server.url, LIST)
    assert [line.split(": ")[2].split(",")[0] for line in _debug_lines(caplog)] == [
        "503 Service Unavailable", "429 Too Many Requests", "200 OK",
    ]  # fmt: skip
