"""Turns of both clients against a small server: what is sent, and how often; one connection; leaving; slow readers."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from typing import Any

import pytest

from opencode_client import (
    ArgumentError,
    ClientClosedError,
    ConnectError,
    StreamClosedError,
    StreamTimeoutError,
    TextDelta,
    TurnAbortedError,
    TurnFinished,
    TurnOptions,
    TurnSpec,
    TurnTimeoutError,
)
from opencode_client.model import JsonObject
from opencode_client.turns.options import FollowOptions
from opencode_client.turns.v1 import KEY
from tests.support.both_clients import ClientKind
from tests.support.turn_inputs import SESSION
from tests.support.turn_server import PIECES, TurnServer, turn_server


@pytest.fixture
def server() -> Generator[TurnServer]:
    with turn_server() as made:
        yield made


def _open(client_kind: ClientKind, turn: Any) -> Any:
    return client_kind.call(turn.__aenter__ if client_kind.is_async else turn.__enter__)


def _updates(client_kind: ClientKind, turn: Any) -> list[Any]:
    found: list[Any] = []
    while not found or not isinstance(found[-1], TurnFinished):
        found.append(client_kind.call(turn.get, timeout=20))
    return found


def test_a_run_sends_the_prompt_once_and_needs_few_requests(
    client_kind: ClientKind, server: TurnServer
) -> None:
    server.let_end()
    result = client_kind.call(client_kind.client(server.url).run, "hi", system="be brief")
    assert result.text == "word " * PIECES
    assert server.count("POST", "/message") == 1
    assert server.count("GET", "/event") == 1
    assert len(server.log) <= 9  # if the turn takes a second, it reads the session's state once
    assert (server.body["parts"][0]["text"], server.body["system"]) == ("hi", "be brief")


def test_a_prompt_of_parts_keeps_its_metadata(client_kind: ClientKind, server: TurnServer) -> None:
    server.let_end()
    part = {"type": "text", "text": "hi", "metadata": {"mine": 1}}
    client_kind.call(client_kind.client(server.url).run, [part])
    assert server.body["parts"][0]["metadata"].keys() == {"mine", KEY}
    assert part["metadata"] == {"mine": 1}


def test_two_turns_share_one_event_connection(client_kind: ClientKind, server: TurnServer) -> None:
    server.let_end()
    client = client_kind.client(server.url)
    for _ in range(2):
        client_kind.call(client.run, "hi")
    assert server.count("GET", "/event") == 1


def test_a_server_may_not_respond_at_once_in_a_new_directory(
    client_kind: ClientKind, server: TurnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opencode_client.streams.reconnect.HEAD_S", 0.3)
    server.let_end()
    server.silent_openings = 2
    assert client_kind.call(client_kind.client(server.url).run, "hi").text == "word " * PIECES
    assert server.count("GET", "/event") == 3


def test_unread_deltas_are_merged(client_kind: ClientKind, server: TurnServer) -> None:
    server.let_end()
    turn = _open(client_kind, client_kind.client(server.url).turn("hi"))
    client_kind.call(turn.result)
    updates = _updates(client_kind, turn)
    deltas = [one.text for one in updates if isinstance(one, TextDelta)]
    assert "".join(deltas) == "word " * PIECES
    assert len(deltas) < 5
    assert turn.text == updates[-1].result.text


def test_get_raises_after_its_timeout_and_the_turn_goes_on(
    client_kind: ClientKind, server: TurnServer
) -> None:
    turn = _open(client_kind, client_kind.client(server.url).turn("hi"))
    with pytest.raises(StreamTimeoutError):
        client_kind.call(turn.get, timeout=0.01)
    server.let_end()
    assert isinstance(_updates(client_kind, turn)[-1], TurnFinished)
    with pytest.raises(StreamClosedError):
        client_kind.call(turn.get, timeout=1)


def test_leaving_aborts_the_turn_on_the_server(client_kind: ClientKind, server: TurnServer) -> None:
    turn = _open(client_kind, client_kind.client(server.url).turn("hi"))
    client_kind.call(turn.close)
    assert server.aborted.is_set()
    with pytest.raises(TurnAbortedError) as caught:
        client_kind.call(turn.result)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "word"


def test_the_deadline_aborts_a_run(client_kind: ClientKind, server: TurnServer) -> None:
    with pytest.raises(TurnTimeoutError):
        client_kind.call(client_kind.client(server.url).run, "hi", timeout=0.3)
    assert server.aborted.is_set()


def test_turn_timeout_is_the_deadline_of_a_run_without_timeout(
    client_kind: ClientKind, server: TurnServer
) -> None:
    with pytest.raises(TurnTimeoutError):
        client_kind.call(client_kind.client(server.url, turn_timeout=0.3).run, "hi")
    assert server.aborted.is_set()


def test_a_detached_turn_is_not_aborted(client_kind: ClientKind, server: TurnServer) -> None:
    turn = _open(client_kind, client_kind.client(server.url).turn("hi"))
    turn.detach()
    client_kind.call(turn.close)
    with pytest.raises(ArgumentError, match="follow"):
        client_kind.call(turn.result)
    assert not server.aborted.is_set()


def test_closing_the_client_ends_a_turn(client_kind: ClientKind, server: TurnServer) -> None:
    client = client_kind.client(server.url)
    turn = _open(client_kind, client.turn("hi"))
    client_kind.call(client.close)
    with pytest.raises(ClientClosedError):
        client_kind.call(turn.result)


def test_without_a_server_nothing_is_sent(client_kind: ClientKind) -> None:
    with pytest.raises(ConnectError):
        client_kind.call(client_kind.client("http://127.0.0.1:1", max_retries=0).run, "hi")


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ("", {}),
        (5, {}),
        (["hi"], {}),
        ("hi", {"model": "sonnet"}),
        ("hi", {"permissions": "ask"}),
        ("hi", {"timeout": -1}),
        ("hi", {"max_steps": True}),
        ("hi", {"fork": True}),
        ("hi", {"session_id": SESSION, "title": "t"}),
        ("hi", {"session_id": SESSION, "directory": "/other"}),
    ],
)
def test_wrong_arguments_are_errors_before_anything_is_sent(
    client_kind: ClientKind, server: TurnServer, given: Any, options: JsonObject
) -> None:
    with pytest.raises(ArgumentError):
        client_kind.call(client_kind.client(server.url).run, given, **options)
    assert server.count("POST", "/message") == 0


def _defaults(method: Any) -> dict[str, Any]:
    parameters = inspect.signature(method).parameters.values()
    return {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}


def test_help_shows_the_options_of_turns_with_their_defaults(client_kind: ClientKind) -> None:
    client = client_kind.client()
    run = _defaults(client.run)
    assert run == {
        **dict.fromkeys(("session_id", "title", "directory", "model", "agent", "variant", "system", "tools")),
        **dict.fromkeys(("output", "timeout", "max_cost", "max_steps")),
        "files": (),
        "max_file_bytes": 10_000_000,
        "permissions": "reject",
        "questions": "reject",
        "fork": False,
    }
    turn = {**run, "permissions": "ask", "questions": "ask"}
    assert _defaults(client.turn) == turn
    assert _defaults(client.follow) == {name: turn[name] for name in FollowOptions.__annotations__}
    assert _defaults(TurnSpec) == {"key": None, **run}
    assert {*TurnOptions.__annotations__, "output"} == run.keys()


def test_a_turn_is_opened_once_and_before_it_is_used(client_kind: ClientKind, server: TurnServer) -> None:
    server.let_end()
    turn = client_kind.client(server.url).turn("hi")
    with pytest.raises(ArgumentError, match="with"):
        client_kind.call(turn.result)
    _open(client_kind, turn)
    with pytest.raises(ArgumentError, match="once"):
        _open(client_kind, turn)
    client_kind.call(turn.result)
