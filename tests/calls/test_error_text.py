"""The server's message is extracted from a dozen forms of error bodies. No body causes a second error."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencode_client import ServerError, StatusError
from opencode_client.models import SessionPromptModel
from tests.support.both_clients import Action, ClientKind
from tests.support.faulty_server import FaultyServer, answer, http
from tests.support.retry_cases import CREATE, PLAIN, json_answer
from tests.support.retry_cases import waits as waits  # a fixture for every test here
from tests.support.sizes import small_and_full

_STACK = "Error: boom\n    at f (a.ts:1)\n    at g (b.ts:2)"
_ZOD = {"data": {"title": 5}, "error": [{"path": ["title"], "message": "not a string"}], "success": False}
_EFFECT = {"message": 'Expected string, got 5\n  at ["command"]', "kind": "Payload"}
_ISSUES: list[dict[str, object]] = [
    {"message": 'Expected string, got {"key":"sk-1"}\n  at ["model"]', "path": ["model"]},
    {"message": 'Invalid input: expected string, received "sk-1"', "path": ["agent", "build", "prompt"]},
    {"message": 'Unrecognized key: "nope"', "path": []},
]
_JSONC = """
--- JSONC Input ---
{"provider": {"a": {"options": {"apiKey": "sk-1"}}}
  "model": 1
--- Errors ---
CommaExpected at line 3, column 3
   Line 3:   "model": "sk-1"
              ^
ValueExpected at line 4, column 1
--- End ---"""
_ERRORS: dict[str, tuple[object, str]] = {
    "v1": ({"name": "NotFoundError", "data": {"message": "no such session"}}, "no such session"),
    "a stack": ({"name": "UnknownError", "data": {"message": _STACK}}, "Error: boom"),
    "zod": (_ZOD, "not a string at title"),
    "zod as documented": ({"errors": [{"message": "one"}, {"message": "two"}]}, "one; two"),
    "error": ({"error": "MCP server fake does not support OAuth"}, "MCP server fake does not support OAuth"),
    "effect": ({"name": "BadRequest", "data": _EFFECT}, 'Expected string, got 5 at ["command"]'),
    "tag": ({"_tag": "BadRequest"}, "BadRequest"),
    "tag and message": ({"_tag": "PtyNotFoundError", "ptyID": "pty_1", "message": "no pty"}, "no pty"),
    "reference": (
        {"name": "UnknownError", "data": {"message": "Unexpected.", "ref": "e"}},
        "Unexpected. (ref e in the server's log)",
    ),
    "a configuration": (
        {"name": "ConfigInvalidError", "data": {"path": "/w/opencode.json", "issues": _ISSUES}},
        'ConfigInvalidError in /w/opencode.json on the server: Expected string, got an object at ["model"]; '
        'Invalid input: expected string, received a text at agent.build.prompt; Unrecognized key: "nope"',
    ),
    "a configuration and a message": (
        {
            "name": "ConfigInvalidError",
            "data": {"path": "/c", "message": "wrong", "issues": [{"message": "one"}]},
        },
        "ConfigInvalidError in /c on the server: wrong; one",
    ),
    "a configuration that is not JSON": (
        {"name": "ConfigJsonError", "data": {"path": "/w/opencode.json", "message": _JSONC}},
        "ConfigJsonError in /w/opencode.json on the server: CommaExpected at line 3, column 3; "
        "ValueExpected at line 4, column 1".replace("; ", " "),
    ),
    "no message": ({"name": "ProviderInitError", "data": {"id": "x"}}, "ProviderInitError: id=x"),
}


@pytest.mark.parametrize(("body", "text"), _ERRORS.values(), ids=list(_ERRORS))
def test_an_error_has_the_message_of_the_server(client_kind: ClientKind, body: object, text: str) -> None:
    with FaultyServer([answer(json_answer(body, 400))]) as server:
        error = client_kind.error(server.url, CREATE)
    assert str(error) == f"session.create: 400 Bad Request: {text}"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (http(b"Malformed JSON in request body", 400, PLAIN), ": Malformed JSON in request body"),
        (http(b"<html>proxy</html>", 400, {"content-type": "text/html"}), ": a web page"),
        (http(b"\xff\xfe", 400, PLAIN), ": \ufffd\ufffd"),
        (http(b"", 400), ""),
        (http(b'{"name": "', 400), ': {"name": "'),
        (http(b"x" * 10**6, 400, PLAIN), f": {'x' * 500}..."),
    ],
    ids=["text", "page", "bytes", "empty", "cut", "long"],
)
def test_an_error_without_json_has_the_text_of_the_body(
    client_kind: ClientKind, data: bytes, text: str
) -> None:
    with FaultyServer([answer(data)]) as server:
        error = client_kind.error(server.url, CREATE)
    assert str(error) == f"session.create: 400 Bad Request{text}"


_BARE = {
    "name": "UnknownError",
    "data": {"message": "Unexpected server error. Check server logs.", "ref": "err_1"},
}
_HINTS: dict[str, tuple[Action, list[str]]] = {
    "a model": (
        lambda c: c.session.prompt("ses_1", parts=[], model={"providerID": "p", "modelID": "m"}),
        ["model 'p/m', client.config.providers() lists the models; the session keeps it"],
    ),
    "a model in a class": (
        lambda c: c.session.prompt(
            "ses_1", parts=[], model=SessionPromptModel(provider_id="p", model_id="m")
        ),
        ["model 'p/m'"],
    ),
    "a model as text": (
        lambda c: c.session.command("ses_1", command="c", arguments="", model="p/m"),
        ["model 'p/m'"],
    ),
    "a model in two members": (
        lambda c: c.session.summarize("ses_1", provider_id="p", model_id="m"),
        ["model 'p/m'"],
    ),
    "the last model": (
        lambda c: c.session.prompt("ses_1", parts=[]),
        ["no model, so the session's last one was used"],
    ),
    "an agent": (
        lambda c: c.session.prompt_async("ses_1", parts=[], agent="nope"),
        ["agent 'nope', client.app.agents() lists the agents"],
    ),
    "a command": (lambda c: c.session.command("ses_1", command="c", arguments=""), ["client.command.list()"]),
    "an id": (lambda c: c.session.message("ses_1", "x"), ["'x' is no messageID, which begins with 'msg'"]),
    "a program": (
        lambda c: c.pty.create(command="x"),
        ["the command, which must exist on the server's machine"],
    ),
}


@pytest.mark.parametrize(("action", "texts"), _HINTS.values(), ids=list(_HINTS))
def test_an_error_without_a_reason_has_a_hint(
    client_kind: ClientKind, action: Action, texts: list[str]
) -> None:
    with FaultyServer([answer(json_answer(_BARE, 500))]) as server:
        error = client_kind.error(server.url, action, max_retries=0)
    assert ": 500 Internal Server Error: Unexpected server error. Check server logs." in str(error)
    assert "(ref err_1 in the server's log) (check what was sent: " in str(error)
    assert all(text in str(error) for text in texts)


def test_a_success_without_a_body_has_a_hint(client_kind: ClientKind) -> None:
    with FaultyServer([answer(http(b""))]) as server:
        error = client_kind.error(server.url, lambda c: c.session.prompt("x", parts=[], agent="nope"))
    assert "(check what was sent: 'x' is no sessionID, which begins with 'ses'; no model, " in str(error)
    assert "agent 'nope'" in str(error)


@pytest.mark.parametrize(("status", "body"), [(404, _BARE), (500, {"message": "disk full"}), (409, {})])
def test_an_error_with_a_reason_has_no_hint(client_kind: ClientKind, status: int, body: object) -> None:
    with FaultyServer([answer(json_answer(body, status))]) as server:
        error = client_kind.error(server.url, lambda c: c.session.prompt("x", parts=[], agent="nope"))
    assert "check what was sent" not in str(error)


_TEXTS = st.text() | st.sampled_from(["\ud83d", "x" * 9999])
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS
_KEYS = st.sampled_from(["name", "data", "_tag", "message", "error", "errors", "issues", "path", "kind"])
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_KEYS | st.text(), inner), max_leaves=12
)
_STATUSES = st.integers(300, 999).filter(lambda status: status != 304)  # 304 has no body


@small_and_full("examples", 6, 40)
def test_every_error_body_raises_one_error_that_keeps_it(client_kind: ClientKind, examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(body=_JSON.map(lambda value: json.dumps(value).encode()) | st.binary(), status=_STATUSES)
    def check(body: bytes, status: int) -> None:
        with FaultyServer([answer(http(body, status))]) as server:
            error = client_kind.error(server.url, CREATE)
        assert isinstance(error, StatusError)
        assert (error.status, error.body) == (status, body)
        assert len(str(error).splitlines()) == 1
        assert len(str(error)) < 2300

    check()


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
@pytest.mark.usefixtures("no_collections")
def test_a_too_deeply_nested_error_body_raises_one_error(
    client_kind: ClientKind, body: bytes, status: int
) -> None:
    with FaultyServer([answer(http(body, status))]) as server:
        error = client_kind.error(server.url, lambda client: client.session.get("ses_1"), max_retries=0)
    assert isinstance(error, StatusError)
    assert (error.status, error.body) == (status, body)


@pytest.mark.parametrize("piece", ["://a:", "://", "--- JSONC Input ---", ", got [\\n", "Basic ", "token"])
def test_a_hostile_error_body_is_read_in_seconds(client_kind: ClientKind, piece: str) -> None:
    text = piece * (200_000 // len(piece))
    bodies = [text.encode(), json_answer({"message": text}).partition(b"\r\n\r\n")[2]]
    with FaultyServer(*[[answer(http(body, 500))] for body in bodies]) as server:
        began_s = perf_counter()
        for _ in bodies:
            assert isinstance(client_kind.error(server.url, CREATE), ServerError)
        assert perf_counter() - began_s < 20  # some took two minutes


def test_an_unterminated_configuration_in_an_error_is_hidden(client_kind: ClientKind) -> None:
    text = "invalid\n--- JSONC Input ---\n" + '{"key": "sk-1"}' * 2000
    with FaultyServer(
        [answer(json_answer({"name": "ConfigJsonError", "data": {"message": text}}, 500))]
    ) as server:
        error = client_kind.error(server.url, CREATE)
    assert "invalid" in str(error)
    assert "sk-1" not in str(error)


@pytest.mark.usefixtures("no_collections")
def test_an_error_for_a_deeply_nested_request_is_a_status_error(client_kind: ClientKind) -> None:
    metadata: dict[str, Any] = {}  # Any: JSON
    for _ in range(900):
        metadata = {"a": metadata}
    with FaultyServer([answer(json_answer({"message": "too deep"}, 400))]) as server:
        error = client_kind.error(server.url, lambda client: client.session.create(metadata=metadata))
    assert isinstance(error, StatusError)
