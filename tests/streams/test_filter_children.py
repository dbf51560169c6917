"""A filter with `children=True` lists the children over REST at the start and after each gap. So does `resync`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from opencode_client import NotFoundError, OpencodeError, ServerError, SessionSnapshot, StreamGap
from opencode_client.models import EventSessionError, EventSessionIdle
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer, Peer, http
from tests.support.stream_cases import HEAD, HEALTH, chunk, event_of, idle_event, take
from tests.support.stream_cases import hurry as hurry  # a fixture


class Family:
    """A server with sessions that start others. Each connection of its stream has its own events, then ends.

    `births` has, for each connection of the stream, the children that were born before it: child -> parent.
    """

    def __init__(self, births: list[dict[str, str]], *streams: list[bytes]) -> None:
        self.listed: list[str] = []
        self.refusals = 0
        self._births = births
        self._streams = streams
        self._parents: dict[str, str] = {}
        self._opened = 0

    def __call__(self, peer: Peer) -> None:
        while True:
            request = peer.receive()
            if request.path.endswith("/event"):
                self._parents |= self._births[self._opened]
                events = self._streams[self._opened]
                self._opened += 1
                peer.send(HEAD + b"".join(map(chunk, events)))
                if self._opened == len(self._streams):
                    peer.wait()
                peer.send(b"0\r\n\r\n")
                peer.end()
            elif request.path.endswith("/health"):
                peer.send(http(HEALTH))
            else:
                peer.send(self._children(request.path.split("/")[2]))

    def _children(self, parent_id: str) -> bytes:
        if self.refusals:
            self.refusals -= 1
            return http(b"{}", 500)
        self.listed.append(parent_id)
        if parent_id == "ses_none":
            return http(b"{}", 404)
        children = [{"id": child} for child, parent in self._parents.items() if parent == parent_id]
        return http(json.dumps(children).encode())


def _ids(items: list[Any]) -> list[str]:
    return ["gap" if isinstance(item, StreamGap) else item.properties.session_id for item in items]


def _filter(client_kind: ClientKind, server: FaultyServer, **options: Any) -> Any:
    stream = client_kind.client(server.url, max_retries=0).event.subscribe(**options)
    return stream.filter(session_id="ses_1", children=True)


def test_children_created_before_the_stream_are_included(client_kind: ClientKind) -> None:
    family = Family(
        [{"ses_2": "ses_1", "ses_3": "ses_2", "ses_8": "ses_9"}], [*map(idle_event, ("ses_8", "ses_3"))]
    )
    with FaultyServer([family]) as server:
        assert _ids(take(client_kind, _filter(client_kind, server), 1)) == ["ses_3"]
    assert family.listed == ["ses_1", "ses_2", "ses_3"]


@pytest.mark.parametrize("shows_gap", [True, False])
def test_children_created_during_a_gap_are_included(client_kind: ClientKind, shows_gap: bool) -> None:
    births = [{}, {"ses_2": "ses_1"}, {"ses_3": "ses_2"}]
    streams = [idle_event("ses_1")], [idle_event("ses_2")], [idle_event("ses_3")]
    family = Family(births, *streams)
    gaps: list[StreamGap] = []
    options: dict[str, Any] = {} if shows_gap else {"on_gap": gaps.append}
    with FaultyServer([family]) as server:
        found = _ids(take(client_kind, _filter(client_kind, server, **options), 5 if shows_gap else 3))
    assert [one for one in found if one != "gap"] == ["ses_1", "ses_2", "ses_3"]
    assert found.count("gap") + len(gaps) == 2


def test_a_child_with_a_session_created_event_needs_no_list(client_kind: ClientKind) -> None:
    created = {"info": {"id": "ses_2", "parentID": "ses_1"}, "sessionID": "ses_2"}
    events = [event_of({"id": "e", "type": "session.created", "properties": created}), idle_event("ses_2")]
    family = Family([{}], events)
    with FaultyServer([family]) as server:
        found = take(client_kind, _filter(client_kind, server), 2)
    assert isinstance(found[1], EventSessionIdle)
    assert family.listed == ["ses_1"]


def test_a_filter_without_children_sends_no_list_request(client_kind: ClientKind) -> None:
    family = Family([{"ses_2": "ses_1"}], [idle_event("ses_2"), idle_event("ses_1")])
    with FaultyServer([family]) as server:
        stream = client_kind.client(server.url).event.subscribe().filter(session_id="ses_1")
        assert _ids(take(client_kind, stream, 1)) == ["ses_1"]
    assert family.listed == []


def test_a_failed_list_is_raised_and_repeated_by_the_next_read(
    client_kind: ClientKind,
) -> None:
    family = Family([{"ses_2": "ses_1"}], [idle_event("ses_2"), idle_event("ses_1")])
    family.refusals = 1
    with FaultyServer([family]) as server:
        events = _filter(client_kind, server)
        with pytest.raises(ServerError):
            client_kind.call(events.get)
        assert _ids([client_kind.call(events.get) for _ in range(2)]) == ["ses_2", "ses_1"]
        client_kind.call(events.close)


def test_cancelling_an_async_list_loses_no_event() -> None:
    client_kind = ClientKind(is_async=True)
    family = Family([{"ses_2": "ses_1"}], [idle_event("ses_2")])

    async def run(events: Any) -> Any:
        caller, found = events._caller, list[Any]()
        call = caller.call

        async def cancelled(*arguments: Any) -> Any:
            caller.call = call
            found.append(arguments)
            raise asyncio.CancelledError

        caller.call = cancelled
        with pytest.raises(asyncio.CancelledError):
            await anext(events)
        assert len(found) == 1
        return await anext(events)

    with FaultyServer([family]) as server:
        events = _filter(client_kind, server)
        assert _ids([client_kind.call(run, events)]) == ["ses_2"]
        client_kind.call(events.close)
    client_kind.close()


def test_a_session_that_does_not_exist_is_an_error(client_kind: ClientKind) -> None:
    family = Family([{}], [idle_event("ses_2")])
    with FaultyServer([family]) as server:
        stream = client_kind.client(server.url).event.subscribe()
        with pytest.raises(NotFoundError, match=r"session\.children"):
            take(client_kind, stream.filter(session_id="ses_none", children=True), 1)


def test_a_deleted_child_is_not_an_error(client_kind: ClientKind) -> None:
    family = Family([{"ses_none": "ses_1", "ses_2": "ses_1"}], [idle_event("ses_2")])
    with FaultyServer([family]) as server:
        assert _ids(take(client_kind, _filter(client_kind, server), 1)) == ["ses_2"]
    assert "ses_none" in family.listed


@pytest.mark.parametrize("envelope", [False, True])
def test_an_error_event_without_a_session_is_included(client_kind: ClientKind, envelope: bool) -> None:
    error: dict[str, Any] = {
        "id": "e",
        "type": "session.error",
        "properties": {"error": {"name": "UnknownError"}},
    }
    other = {"id": "e", "type": "session.error", "properties": {"sessionID": "ses_9"}}
    sent = [{"directory": "/r", "payload": one} if envelope else one for one in (other, error)]
    family = Family([{}], [*map(event_of, sent)])
    with FaultyServer([family]) as server:
        client = client_kind.client(server.url)
        stream = client.global_.event() if envelope else client.event.subscribe()
        [found] = take(client_kind, stream.filter(session_id="ses_1"), 1)
    event = found.payload if envelope else found
    assert isinstance(event, EventSessionError)
    assert event.properties.session_id is None


_USER = {
    "role": "user",
    "sessionID": "ses_1",
    "time": {"created": 1},
    "agent": "a",
    "model": {"providerID": "p", "modelID": "m"},
}
_ANSWER: dict[str, Any] = {
    "role": "assistant",
    "sessionID": "ses_1",
    "modelID": "m",
    "providerID": "p",
    "mode": "a",
    "agent": "a",
    "path": {"cwd": "/", "root": "/"},
    "cost": 0,
    "tokens": {},
    "system": [],
}
_PROMPT = {
    "info": {**_USER, "id": "msg_2"},
    "parts": [
        {
            "type": "text",
            "id": "p",
            "sessionID": "ses_1",
            "messageID": "msg_2",
            "text": "x",
            "metadata": {"n": "1", "m": 2},
        }
    ],
}
_OLD: list[Any] = [
    {"info": {**_USER, "id": "msg_0"}, "parts": []},
    {"info": {**_ANSWER, "id": "msg_1", "parentID": "msg_0", "time": {"created": 1, "completed": 2}}, "parts": []},
]  # fmt: skip


def _answer(**members: Any) -> dict[str, Any]:
    return {
        "info": {**_ANSWER, "id": "msg_3", "parentID": "msg_2", "time": {"created": 1}, **members},
        "parts": [],
    }


_DONE = {"created": 1, "completed": 2}


@pytest.mark.parametrize(
    ("messages", "status", "turn"),
    [
        ([], None, "not begun"),
        (_OLD, None, "not begun"),
        (_OLD, {"type": "busy"}, "not begun"),
        ([*_OLD, _PROMPT], None, "not begun"),
        ([*_OLD, _PROMPT], {"type": "busy"}, "running"),
        ([*_OLD, _PROMPT, _answer()], {"type": "busy"}, "running"),
        ([_PROMPT, _answer(time=_DONE, finish="tool-calls")], {"type": "busy"}, "running"),
        ([_PROMPT, _answer(time=_DONE, finish="tool-calls")], None, "running"),
        ([_PROMPT, _answer(time=_DONE, finish="stop")], None, "over"),
        ([_PROMPT, _answer(time=_DONE)], {"type": "busy"}, "over"),
        ([_PROMPT, _answer(error={"name": "MessageAbortedError", "data": {"message": "x"}})], None, "over"),
    ],
)
def test_a_snapshot_reports_if_a_turn_has_not_begun_or_runs_or_is_over(
    client_kind: ClientKind, messages: list[Any], status: Any, turn: str
) -> None:
    answers: dict[str, Any] = {
        "/session/ses_1": {"id": "ses_1", "directory": "/r"},
        "/session/status": {} if status is None else {"ses_1": status},
        "/session/ses_1/message": messages,
        "/permission": [],
        "/question": [],
    }
    client = client_kind.mocked(lambda request: httpx.Response(200, json=answers[request.url.path]))
    found: SessionSnapshot = client_kind.call(client.resync, "ses_1")
    assert found.turn({"n": "1"}) == turn
    assert found.turn({"n": "2"}) == "not begun"


@pytest.mark.parametrize(("children", "requests"), [(False, "1"), (True, "123")])
def test_resync_reads_the_requests_of_the_children_that_the_filter_yields(
    client_kind: ClientKind, children: bool, requests: str
) -> None:
    def session(number: int) -> dict[str, Any]:
        return {"id": f"ses_{number}", "directory": "/r"}

    def permission(number: int) -> dict[str, Any]:
        return {"id": f"per_{number}", "sessionID": f"ses_{number}", "permission": "bash", "patterns": []}

    answers: dict[str, Any] = {
        "/session/ses_1": session(1),
        "/session/ses_1/children": [session(2)],
        "/session/ses_2/children": [session(3)],
        "/session/ses_3/children": [],
        "/session/status": {},
        "/session/ses_1/message": [],
        "/permission": [permission(number) for number in (1, 2, 3, 4)],
        "/question": [
            {"id": f"que_{number}", "sessionID": f"ses_{number}", "questions": []} for number in (1, 2, 3, 4)
        ],
    }
    client = client_kind.mocked(lambda request: httpx.Response(200, json=answers[request.url.path]))
    found = client_kind.call(client.resync, "ses_1", children=children)
    assert [one.id for one in found.permissions] == [f"per_{number}" for number in requests]
    assert [one.id for one in found.questions] == [f"que_{number}" for number in requests]
    assert [one.id for one in found.children] == [f"ses_{number}" for number in requests[1:]]


def test_a_failed_list_of_a_filter_raises_an_opencode_error(client_kind: ClientKind) -> None:
    with pytest.raises(OpencodeError):
        take(client_kind, client_kind.client().event.subscribe().filter(session_id="ses_1", children=True))
