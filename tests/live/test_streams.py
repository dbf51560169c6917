"""Event streams of real servers, compared with raw sockets: no event is lost, repeated or out of order."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Generator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
from attrs import frozen

from opencode_client import OpencodeClient, SessionSnapshot, StreamGap
from opencode_client.model import JsonObject, UnknownEvent
from opencode_client.models import TextPartInput
from opencode_client.server import OpencodeServer
from tests.live.client_pairs import CLIENT_KINDS, SyncOrAsync
from tests.live.scripted_turns import script
from tests.live.servers import NEW, scripted_server
from tests.live.stream_watchers import EVENT, PATHS, Open, Watch, kind_of, raw_of, watching, watching_raw
from tests.support.chaos_proxy import ChaosProxy, Fate

pytestmark = pytest.mark.live

_VERSIONS = ("1.1.31", "1.3.2", NEW)
_START, _END = "the start", "the end"
_TOLD = {
    *("message.part.updated", "permission.asked", "permission.replied", "question.asked", "question.replied"),
    *("todo.updated", "session.error", "session.idle"),
}
"""The event types that the conversation must cause."""


def _between(items: list[Any]) -> list[Any]:
    """Return the items from the first one that mentions the start to the first one that mentions the end."""
    texts = [json.dumps(raw_of(item)) for item in items]
    first = next(index for index, text in enumerate(texts) if _START in text)
    last = next(index for index, text in enumerate(texts) if _END in text)
    return items[first : last + 1]


def _subscribed(path: str) -> Open:
    return lambda client: client.event.subscribe() if path == EVENT else client.global_.event()


class Servers:
    """Servers, started when a test first uses their version."""

    def __init__(self, running: ExitStack) -> None:
        self._running = running
        self.get = cache(self._start)
        self.conversation = cache(self._conversation)
        self.disposal = cache(self._disposal)
        self.restart = cache(self._restart)

    def _start(self, version: str) -> OpencodeServer:
        running = scripted_server(version, script=script, permission={"bash": "ask"}, snapshot=False)
        return self._running.enter_context(running)[0]

    def _conversation(self, version: str) -> dict[tuple[str, str], list[Any]]:
        """Return the items of a conversation, by the reader ("raw" or a kind of client) and the path."""
        url = self.get(version).url
        with ExitStack() as stack, OpencodeClient(url) as client:
            watches: dict[tuple[str, str], Watch] = {
                ("raw", path): stack.enter_context(watching_raw(url, path)) for path in PATHS
            }
            for path in PATHS:
                for client_kind in CLIENT_KINDS:
                    opened = watching(client_kind, url, _subscribed(path))
                    watches[client_kind, path] = stack.enter_context(opened)
            for watch in watches.values():
                while not watch.items:  # raw streams may not be subscribed yet: see docs/events.md
                    client.session.create(title="are you there?")
            client.session.create(title=_START)
            for watch in watches.values():
                watch.text(_START)
            _converse(client, watches["sync", EVENT])
            client.session.create(title=_END)
            for watch in watches.values():
                watch.text(_END)
        return {reader: _between(watch.items) for reader, watch in watches.items()}

    def _disposal(self, version: str) -> dict[tuple[str, str], Lost]:
        """Return the items before and after an instance was disposed."""
        return self._loss(version, (EVENT,), lambda client, _: client.instance.dispose())

    def _restart(self, version: str) -> dict[tuple[str, str], Lost]:
        """Return the items before and after a server was killed and a new one was started on its port."""

        def kill(_: OpencodeClient, server: OpencodeServer) -> None:
            assert server.pid is not None
            assert server._process is not None  # pyright: ignore[reportPrivateUsage] # as below
            os.kill(server.pid, signal.Signals["SIGKILL"])
            again = OpencodeServer(
                server.executable,
                directory=server.directory,
                port=server.port,
                env=server._process.settings.env(),  # pyright: ignore[reportPrivateUsage] # the same settings
            )
            self._running.enter_context(again)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("opencode_client.streams.reconnect.LONGEST_DELAY_S", 0.5)
            return self._loss(version, PATHS, kill)

    def _loss(
        self, version: str, paths: tuple[str, ...], lose: Callable[[OpencodeClient, OpencodeServer], object]
    ) -> dict[tuple[str, str], Lost]:
        server = self.get(version)
        with ExitStack() as stack, OpencodeClient(server.url) as client:
            watches: dict[tuple[str, str], Watch] = {}
            for path in paths:
                for client_kind in CLIENT_KINDS:
                    opened = watching(client_kind, server.url, _subscribed(path))
                    watches[client_kind, path] = stack.enter_context(opened)
            session = client.session.create(title="before")
            client.session.prompt(session.id, parts=[TextPartInput(text="hello")])
            for watch in watches.values():
                watch.kind("session.idle")
            lose(client, server)
            for watch in watches.values():
                watch.until(lambda item: isinstance(item, StreamGap))
            client.session.create(title=_END)
            for watch in watches.values():
                watch.text(_END)
            snapshot = client.resync(session.id)
            messages_read = [message.to_dict() for message in client.session.messages(session.id)]
        return {key: Lost(watch.items, snapshot, messages_read) for key, watch in watches.items()}


@frozen
class Lost:
    """The items of a stream that lost its connection, and a session read afterwards by `resync` and by a call."""

    items: list[Any]
    snapshot: SessionSnapshot
    messages_read: list[JsonObject]


def _converse(client: OpencodeClient, watch: Watch) -> None:
    """Have a conversation: a tool call with a permission, a question, a todo and an abort."""
    session = client.session.create(title="asks")
    _say(client, session.id, "#bash")
    client.permission.reply(watch.kind("permission.asked").properties.id, reply="once")
    watch.kind("session.idle")
    _say(client, session.id, "#question")
    client.question.reply(watch.kind("question.asked").properties.id, answers=[["A"]])
    watch.kind("session.idle")
    _say(client, session.id, "#todo")
    watch.kind("session.idle")
    _say(client, session.id, "#endless")
    watch.text("on and on")
    client.session.abort(session.id)
    watch.kind("session.error")


def _say(client: OpencodeClient, session_id: str, text: str) -> None:
    client.session.prompt_async(session_id, parts=[TextPartInput(text=text)])


@pytest.fixture(scope="module")
def servers() -> Generator[Servers]:
    with ExitStack() as running:
        yield Servers(running)


each_version = pytest.mark.parametrize("version", _VERSIONS)
each_client_kind = pytest.mark.parametrize("client_kind", CLIENT_KINDS)
each_path = pytest.mark.parametrize("path", PATHS)


@each_version
@each_path
@each_client_kind
def test_a_stream_yields_the_events_of_a_raw_socket_once_and_in_order(
    servers: Servers, version: str, path: str, client_kind: SyncOrAsync
) -> None:
    seen = servers.conversation(version)
    assert [raw_of(item) for item in seen[client_kind, path]] == seen["raw", path]


@each_version
@each_path
def test_a_conversation_yields_all_its_types_of_events(servers: Servers, version: str, path: str) -> None:
    kinds = {kind_of(item) for item in servers.conversation(version)["raw", path]}
    assert _TOLD - kinds == set()


@each_version
@each_path
@each_client_kind
def test_an_event_right_after_opening_the_stream_is_yielded(
    servers: Servers, version: str, path: str, client_kind: SyncOrAsync
) -> None:
    url = servers.get(version).url
    with OpencodeClient(url) as client:
        for _ in range(10):
            with watching(client_kind, url, _subscribed(path)) as watch:
                first, last = client.session.create(), client.session.create()
                watch.text(last.id)
            assert first.id in json.dumps([raw_of(item) for item in watch.items])


@each_path
@each_client_kind
def test_every_event_of_the_newest_server_has_a_known_type(
    servers: Servers, path: str, client_kind: SyncOrAsync
) -> None:
    items = servers.conversation(NEW)[client_kind, path]
    events = items if path == EVENT else [item.payload for item in items]
    assert [kind_of(item) for item in events if isinstance(item, UnknownEvent)] == []


@each_client_kind
def test_a_v2_session_stream_has_no_gap_when_its_connections_are_killed(
    servers: Servers, client_kind: SyncOrAsync
) -> None:
    url = servers.get(NEW).url
    with (
        OpencodeClient(url) as client,
        ChaosProxy(url, seed=2, most_bytes=4_000, fates=[Fate.CUT, Fate.RESET]) as proxy,
    ):
        session_id = client.v2.session.create(model={"id": "scripted-1", "providerID": "scripted"}).data.id
        path = f"/api/session/{session_id}/event"
        with (
            watching_raw(url, path) as raw,
            watching(client_kind, proxy.url, lambda it: it.v2.session.events(session_id)) as ours,
        ):
            for text, answer in (("hello", "echo: hello"), ("#todo", "done"), ("bye", "echo: bye")):
                client.v2.session.prompt(session_id, prompt={"text": text})
                raw.text(json.dumps(answer))
                raw.kind("session.next.step.ended")
            client.v2.session.switch_agent(session_id, agent=_END)
            raw.text(_END)
            ours.text(_END)
    assert proxy.met.total() >= 3
    assert [raw_of(item) for item in ours.items] == raw.items


@each_version
@each_client_kind
def test_a_disposed_instance_is_one_gap_with_events_after_it(
    servers: Servers, version: str, client_kind: SyncOrAsync
) -> None:
    items = servers.disposal(version)[client_kind, EVENT].items
    [gap] = [item for item in items if isinstance(item, StreamGap)]
    assert (gap.error, kind_of(items[items.index(gap) - 1])) == (None, "server.instance.disposed")


@each_version
@each_path
@each_client_kind
def test_a_killed_server_and_a_new_one_are_one_gap_with_events_after_it(
    servers: Servers, version: str, path: str, client_kind: SyncOrAsync
) -> None:
    items = servers.restart(version)[client_kind, path].items
    [gap] = [item for item in items if isinstance(item, StreamGap)]
    assert "the connection broke" in gap.reason
    assert _END in json.dumps([raw_of(item) for item in items[items.index(gap) :]])


@each_version
def test_resync_after_a_gap_returns_the_sessions_messages(servers: Servers, version: str) -> None:
    lost = servers.restart(version)["sync", EVENT]
    assert len(lost.messages_read) == 2
    assert [message.to_dict() for message in lost.snapshot.messages] == lost.messages_read
