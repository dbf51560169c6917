"""Turns of both clients against a fake server: requests, the shared connection, leaving, slow readers."""

from __future__ import annotations

import asyncio
import inspect
import math
import threading
from collections.abc import Generator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from attrs import define

from opencode_client import (
    ArgumentError,
    ClientClosedError,
    ConnectError,
    OutgoingRequest,
    PermissionAsk,
    RequestTimeoutError,
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
from opencode_client.testing import MODEL, FakeServer, Reply, ToolCall
from opencode_client.turns.options import FollowOptions
from opencode_client.turns.v1 import KEY
from tests.support.both_clients import ClientKind

_TEXT = "word " * 500
_WHOLE = Reply(text=_TEXT, chunks=500)
_HANGS = Reply(text="word", hang=True)


@define
class _Unhashable:
    def __call__(self, _: OutgoingRequest) -> dict[str, str]:
        return {"x-user": "ann"}


@pytest.fixture
def server() -> Generator[FakeServer]:
    with FakeServer(script=lambda _: _WHOLE) as fake:
        yield fake


@pytest.fixture
def hanging() -> Generator[FakeServer]:
    """A server whose model begins a reply and never ends it."""
    with FakeServer(script=lambda _: _HANGS) as fake:
        yield fake


def _open(client_kind: ClientKind, turn: Any) -> Any:
    return client_kind.call(turn.__aenter__ if client_kind.is_async else turn.__enter__)


def _updates(client_kind: ClientKind, turn: Any) -> list[Any]:
    found: list[Any] = []
    while not found or not isinstance(found[-1], TurnFinished):
        found.append(client_kind.call(turn.get, timeout=20))
    return found


def _read_for_ever(client_kind: ClientKind, turn: Any) -> None:
    while True:
        client_kind.call(turn.get, timeout=0.01)


def test_a_run_sends_the_prompt_once_and_needs_few_requests(
    client_kind: ClientKind, server: FakeServer
) -> None:
    result = client_kind.call(client_kind.client(server.url).run, "hi", system="be brief")
    assert result.text == _TEXT
    assert len(server.calls("session.prompt")) == 1
    assert len(server.calls("event.subscribe")) == 1
    assert len(server.calls()) <= 9  # if the turn takes a second, it reads the session's state once
    body = server.calls("session.prompt")[0].json
    assert (body["parts"][0]["text"], body["system"]) == ("hi", "be brief")


def test_a_prompt_of_parts_keeps_its_metadata(client_kind: ClientKind, server: FakeServer) -> None:
    part = {"type": "text", "text": "hi", "metadata": {"mine": 1}}
    client_kind.call(client_kind.client(server.url).run, [part])
    [sent] = server.calls("session.prompt")[0].json["parts"]
    assert sent["metadata"].keys() == {"mine", KEY}
    assert part["metadata"] == {"mine": 1}


def test_two_turns_share_one_event_connection(client_kind: ClientKind, server: FakeServer) -> None:
    client = client_kind.client(server.url)
    for _ in range(2):
        client_kind.call(client.run, "hi")
    assert len(server.calls("event.subscribe")) == 1


def test_only_used_names_of_models_and_agents_are_cached(client_kind: ClientKind, server: FakeServer) -> None:
    client = client_kind.client(server.url)
    for directory in ("/a", "/b"):
        for _ in range(2):
            client_kind.call(client.run, "hi", model=MODEL, agent="build", directory=directory)
    assert [len(server.calls(name)) for name in ("config.providers", "app.agents")] == [2, 2]
    kept = client._caller.knowledge.names
    assert {name for name, *_ in kept} == {MODEL, "build"}
    assert len(kept) == 4


def test_views_with_other_headers_use_another_event_connection(
    client_kind: ClientKind, server: FakeServer
) -> None:
    client = client_kind.client(server.url)
    for user in ("ann", "bob", "ann"):
        client_kind.call(client.with_options(headers={"x-user": user}).run, "hi")
    assert [call.headers["x-user"] for call in server.calls("event.subscribe")] == ["ann", "bob"]


def test_headers_may_be_returned_by_an_unhashable_object(client_kind: ClientKind, server: FakeServer) -> None:
    client = client_kind.client(server.url, headers=_Unhashable())
    for _ in range(2):
        client_kind.call(client.run, "hi")
    assert [call.headers["x-user"] for call in server.calls("event.subscribe")] == ["ann"]


def test_a_slow_event_stream_in_a_new_directory_is_retried(
    client_kind: ClientKind, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opencode_client.streams.reconnect.HEAD_S", 0.3)
    server.delay("event.subscribe", 20, times=2)
    assert client_kind.call(client_kind.client(server.url).run, "hi").text == _TEXT
    assert len(server.calls("event.subscribe")) == 3


def test_a_server_without_an_event_stream_fails_a_run_in_time(
    client_kind: ClientKind, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opencode_client.streams.reconnect.HEAD_S", 0.3)
    server.delay("event.subscribe", 20, times=9)
    with pytest.raises(RequestTimeoutError):
        client_kind.call(client_kind.client(server.url).run, "hi", timeout=0.1)
    assert len(server.calls("event.subscribe")) == 1
    assert not server.calls("session.prompt")


def test_unread_deltas_are_merged(client_kind: ClientKind, server: FakeServer) -> None:
    turn = _open(client_kind, client_kind.client(server.url).turn("hi"))
    client_kind.call(turn.result)
    updates = _updates(client_kind, turn)
    deltas = [one.text for one in updates if isinstance(one, TextDelta)]
    assert "".join(deltas) == _TEXT
    assert len(deltas) < 5
    assert turn.text == updates[-1].result.text


def test_a_timeout_of_get_does_not_stop_the_turn(client_kind: ClientKind) -> None:
    may_reply = threading.Event()
    with FakeServer(script=lambda _: _WHOLE if may_reply.wait(20) else None) as server:
        turn = _open(client_kind, client_kind.client(server.url).turn("hi"))
        with pytest.raises(StreamTimeoutError):
            _read_for_ever(client_kind, turn)
        may_reply.set()
        assert isinstance(_updates(client_kind, turn)[-1], TurnFinished)
        with pytest.raises(StreamClosedError):
            client_kind.call(turn.get, timeout=1)


def test_closing_a_turn_aborts_it_on_the_server(client_kind: ClientKind, hanging: FakeServer) -> None:
    turn = _open(client_kind, client_kind.client(hanging.url).turn("hi"))
    while not isinstance(client_kind.call(turn.get, timeout=20), TextDelta):
        pass
    client_kind.call(turn.close)
    assert hanging.calls("session.abort")
    with pytest.raises(TurnAbortedError) as caught:
        client_kind.call(turn.result)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "word"


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError(), GeneratorExit()], ids=repr)
def test_a_base_exception_of_a_policy_ends_the_turn(client_kind: ClientKind, error: BaseException) -> None:
    def policy(_: PermissionAsk) -> Any:
        raise error

    call = ToolCall(name="bash", arguments={"command": "echo hi", "description": "says hi"})
    with FakeServer(Reply(tools=[call]), config={"permission": {"bash": "ask"}}) as fake:
        client = client_kind.client(fake.url)
        turn = _open(client_kind, client.turn("hi", permissions=policy, timeout=60))
        while not isinstance(last := client_kind.call(turn.get, timeout=20), TurnFinished):
            pass
        assert last.error is error
        # on the server the abort or the rejection ends it, whichever comes first
        assert not client_kind.call(client.session.status)


def test_the_deadline_aborts_a_run(client_kind: ClientKind, hanging: FakeServer) -> None:
    with pytest.raises(TurnTimeoutError):
        client_kind.call(client_kind.client(hanging.url).run, "hi", timeout=0.3)
    assert hanging.calls("session.abort")


def test_a_server_that_does_not_respond_before_the_prompt_fails_a_run_in_time(
    client_kind: ClientKind, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"opencode_client.turns.{'async_' * client_kind.is_async}calls._LATE_S", 0.1)
    client, began_s = client_kind.client(server.url), monotonic()
    for operation in ("session.create", "session.get"):
        server.delay(operation, 10, times=9)
    for method in (client.run, client.abort):
        with pytest.raises(RequestTimeoutError):
            client_kind.call(method, "ses_1", timeout=0.2)
    assert monotonic() - began_s < 5
    assert not server.calls("session.prompt")


def test_the_directory_of_a_session_may_be_given_as_a_symlink(
    client_kind: ClientKind, server: FakeServer, tmp_path: Path
) -> None:
    place, link = tmp_path / "place", tmp_path / "link"
    place.mkdir()
    link.symlink_to(place)
    client = client_kind.client(server.url)
    first = client_kind.call(client.run, "hi", directory=place)
    assert client_kind.call(client.run, "hi", session_id=first.session_id, directory=link).text == _TEXT


def test_turn_timeout_is_the_deadline_of_a_run_without_timeout(
    client_kind: ClientKind, hanging: FakeServer
) -> None:
    with pytest.raises(TurnTimeoutError):
        client_kind.call(client_kind.client(hanging.url, turn_timeout=0.3).run, "hi")
    assert hanging.calls("session.abort")


def test_a_detached_turn_is_not_aborted(client_kind: ClientKind, hanging: FakeServer) -> None:
    turn = _open(client_kind, client_kind.client(hanging.url).turn("hi"))
    turn.detach()
    client_kind.call(turn.close)
    with pytest.raises(ArgumentError, match="follow"):
        client_kind.call(turn.result)
    assert not hanging.calls("session.abort")


def test_closing_the_client_ends_a_turn(client_kind: ClientKind, hanging: FakeServer) -> None:
    client = client_kind.client(hanging.url)
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
        ("hi", {"timeout": math.nan}),
        ("hi", {"max_steps": True}),
        ("hi", {"fork": True}),
        ("hi", {"session_id": "", "title": "t"}),
        ("hi", {"session_id": "", "directory": "/other"}),
    ],
)
def test_wrong_arguments_raise_before_a_request_is_sent(
    client_kind: ClientKind, server: FakeServer, given: Any, options: JsonObject
) -> None:
    client = client_kind.client(server.url)
    session = client_kind.call(client.session.create)
    if "session_id" in options:
        options = {**options, "session_id": session.id}
    with pytest.raises(ArgumentError):
        client_kind.call(client.run, given, **options)
    assert len(server.calls("session.prompt")) == 0


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


def test_a_turn_must_be_opened_once_before_it_is_used(client_kind: ClientKind, server: FakeServer) -> None:
    turn = client_kind.client(server.url).turn("hi")
    with pytest.raises(ArgumentError, match="with"):
        client_kind.call(turn.result)
    _open(client_kind, turn)
    with pytest.raises(ArgumentError, match="once"):
        _open(client_kind, turn)
    client_kind.call(turn.result)
