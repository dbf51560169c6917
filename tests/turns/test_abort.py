"""`client.abort` of both clients, against a small server. Each test sets its status and messages."""

from __future__ import annotations

import json
import math
from collections.abc import Generator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from opencode_client import ArgumentError, TurnTimeoutError
from opencode_client.model import JsonObject
from opencode_client.turns import async_calls, calls
from tests.support.both_clients import ClientKind
from tests.support.turn_inputs import SESSION, Message, prompt


class BusyServer:
    """A server whose session is busy until `is_busy` is false."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("")
        self.is_busy, self.ends_after_abort = True, False
        self.messages = [prompt(), Message(2)]
        self.has_schema, self.after_abort = False, list[Message]()
        self.aborts = 0
        place = f"/session/{SESSION}"
        times = {"created": 1, "updated": 1}
        names = {"id": SESSION, "directory": "/repo", "title": "t", "version": "1", "projectID": "p"}
        server.expect_request(place).respond_with_json({**names, "time": times})
        server.expect_request("/session/status").respond_with_handler(
            lambda _: _json({SESSION: {"type": "busy"}} if self.is_busy else {})
        )
        server.expect_request(f"{place}/message").respond_with_handler(self._list)
        server.expect_request(f"{place}/abort", "POST").respond_with_handler(self._abort)

    def _list(self, request: Request) -> Response:
        found = self.messages[-int(request.args["limit"]) :]
        if self.has_schema and len(found) == len(self.messages):
            return Response('{"name":"BadRequest","data":{"message":"Expected","kind":"Body"}}', 400)
        return _json([{"info": one.info(), "parts": one.parts} for one in found])

    def _abort(self, _: Request) -> Response:
        self.aborts += 1
        self.messages += self.after_abort
        self.is_busy = self.is_busy and not self.ends_after_abort
        return _json(True)


def _json(value: JsonObject | list[JsonObject] | bool) -> Response:
    return Response(json.dumps(value), mimetype="application/json")


@pytest.fixture
def server(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Generator[BusyServer]:
    for module in (calls, async_calls):
        monkeypatch.setattr(module, "_ABORT_AGAIN_S", 0.05)
    yield BusyServer(httpserver)
    httpserver.check_assertions()


def test_abort_sends_nothing_to_an_idle_session(client_kind: ClientKind, server: BusyServer) -> None:
    server.is_busy = False
    assert client_kind.call(client_kind.client(server.url).abort, SESSION) is False
    assert server.aborts == 0


def test_abort_waits_for_the_end_of_the_turn(client_kind: ClientKind, server: BusyServer) -> None:
    server.ends_after_abort = True
    assert client_kind.call(client_kind.client(server.url).abort, SESSION) is True
    assert server.aborts == 1


@pytest.mark.parametrize("messages", [[prompt()], [prompt(), Message(2, is_over=False)]], ids=["one", "two"])
def test_a_prompt_with_a_json_schema_is_aborted(
    client_kind: ClientKind, server: BusyServer, messages: list[Message]
) -> None:
    """1.14 to 1.18 cannot send the page with the session's first messages."""
    server.messages, server.has_schema, server.ends_after_abort = messages, True, True
    assert client_kind.call(client_kind.client(server.url).abort, SESSION) is True
    assert server.aborts == 1


def test_a_later_prompt_is_not_aborted_after_a_prompt_with_a_json_schema(
    client_kind: ClientKind, server: BusyServer
) -> None:
    server.messages, server.has_schema = [prompt(), Message(2, is_over=False)], True
    server.after_abort = [Message(3, "user"), Message(4, parent=3, is_over=False)]
    assert client_kind.call(client_kind.client(server.url).abort, SESSION) is True
    assert server.aborts == 1


def test_an_abort_without_a_timeout_waits_for_the_end(client_kind: ClientKind, server: BusyServer) -> None:
    server.ends_after_abort = True
    assert client_kind.call(client_kind.client(server.url).abort, SESSION, timeout=None) is True


@pytest.mark.parametrize("timeout", ["10", -1, math.nan])
def test_a_wrong_timeout_is_an_error_and_nothing_is_sent(
    client_kind: ClientKind, server: BusyServer, timeout: Any
) -> None:
    with pytest.raises(ArgumentError, match="timeout takes seconds above 0"):
        client_kind.call(client_kind.client(server.url).abort, SESSION, timeout=timeout)
    assert server.aborts == 0


def test_without_waiting_one_abort_is_sent(client_kind: ClientKind, server: BusyServer) -> None:
    assert client_kind.call(client_kind.client(server.url).abort, SESSION, wait_idle=False) is True
    assert server.aborts == 1


def test_a_status_that_stays_busy_after_a_complete_answer_is_not_awaited(
    client_kind: ClientKind, server: BusyServer
) -> None:
    """1.1.31 stays "busy" for ever if the abort arrives between two steps."""
    assert client_kind.call(client_kind.client(server.url).abort, SESSION) is True
    assert server.aborts == 1


@pytest.mark.parametrize("last", [prompt(), Message(2, is_over=False)], ids=["no answer", "answer begun"])
def test_a_turn_that_continues_after_the_abort_is_an_error(
    client_kind: ClientKind, server: BusyServer, last: Message
) -> None:
    server.messages = [prompt(), last]
    with pytest.raises(TurnTimeoutError, match="still busy"):
        client_kind.call(client_kind.client(server.url).abort, SESSION, timeout=1)
    assert server.aborts > 1
