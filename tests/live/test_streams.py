"""Event streams of real servers, beside raw sockets that read the same: nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from attrs import frozen

from opencode_client import AsyncOpencodeClient, OpencodeClient, SessionSnapshot, StreamGap
from opencode_client.model import JsonObject, UnknownEvent, is_object
from opencode_client.models import TextPartInput
from opencode_client.server import OpencodeServer
from tests.chaos_proxy import ChaosProxy, Fate
from tests.live.servers import NEW, scripted_server
from tests.live.turns import script
from tests.live.worlds import WORLDS, World

pytestmark = pytest.mark.live

_VERSIONS = ("1.1.31", "1.3.2", NEW)
_EVENT, _GLOBAL = _PATHS = ("/event", "/global/event")
_PATIENCE_S = 30.0
_START, _END = "the start", "the end"
_SIGNS_OF_LIFE = ("server.connected", "server.heartbeat")
_TOLD = {
    *("message.part.updated", "permission.asked", "permission.replied", "question.asked", "question.replied"),
    *("todo.updated", "session.error", "session.idle"),
}
"""What the conversation is about."""

Open: TypeAlias = Callable[[Any], Any]
"""Opens a stream of a client of either world."""


class Watch:
    """What a reader, in a thread of its own, has seen; whoever awaits something of it goes on behind that."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._changed = threading.Condition()
        self._passed = 0

    def see(self, item: object) -> None:
        """Called by the reader."""
        with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    def until(self, is_wanted: Callable[[Any], bool]) -> Any:  # Any: an item of the stream
        """The next item that is wanted; of those before it, none is looked at again."""
        with self._changed:
            while True:
                for index in range(self._passed, len(self.items)):
                    self._passed = index + 1
                    if is_wanted(self.items[index]):
                        return self.items[index]
                seen = [_kind(item) for item in self.items]
                assert self._changed.wait(_PATIENCE_S), f"nothing new any more after {seen}"

    def kind(self, kind: str) -> Any:  # Any: as above
        """The next item of a type."""
        return self.until(lambda item: _kind(item) == kind)

    def text(self, text: str) -> Any:  # Any: as above
        """The next item with a text."""
        return self.until(lambda item: text in json.dumps(_raw(item)))


def _raw(item: Any) -> JsonObject:  # Any: an item of a stream, or what a raw reader read
    """What came, as JSON."""
    if is_object(item):
        return item
    raw: JsonObject = item.raw if isinstance(item, UnknownEvent) else getattr(item, "raw_", {})
    return raw


def _kind(item: Any) -> str:  # Any: as above
    raw = _raw(item)
    return str(raw.get("type") or raw.get("payload", {}).get("type", ""))


def _between(items: list[Any]) -> list[Any]:
    """Those from the first mention of the start to the first one of the end."""
    texts = [json.dumps(_raw(item)) for item in items]
    first = next(index for index, text in enumerate(texts) if _START in text)
    last = next(index for index, text in enumerate(texts) if _END in text)
    return items[first : last + 1]


@contextmanager
def watching_raw(url: str, path: str) -> Generator[Watch]:
    """Reads the chunks of a stream and their lines, and nothing else of HTTP or of events."""
    watch, parts, begun = Watch(), urlsplit(url), threading.Event()
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: {parts.netloc}\r\n\r\n".encode())

        def read() -> None:
            for event in _events(connection):
                begun.set()
                if _kind(event) not in _SIGNS_OF_LIFE:
                    watch.see(event)

        thread = threading.Thread(target=read)
        thread.start()
        try:
            assert path not in _PATHS or begun.wait(_PATIENCE_S)
            yield watch
        finally:
            connection.shutdown(socket.SHUT_RDWR)
            thread.join()


def _events(connection: socket.socket) -> Iterator[JsonObject]:
    with connection.makefile("rb") as file:
        while file.readline() not in (b"\r\n", b""):
            pass  # the head
        rest = b""
        while size := int(file.readline() or b"0", 16):
            rest += file.read(size)
            file.readline()
            *blocks, rest = rest.split(b"\n\n")
            yield from (json.loads(block[6:]) for block in blocks if block.startswith(b"data: "))


@contextmanager
def watching(world: World, url: str, opened: Open) -> Generator[Watch]:
    """Reads a stream of a client of ours."""
    with _watching_now(url, opened) if world == "sync" else _watching_async(url, opened) as watch:
        yield watch


@contextmanager
def _watching_now(url: str, opened: Open) -> Generator[Watch]:
    watch = Watch()

    def read(stream: Any) -> None:  # Any: as above
        for item in stream:
            watch.see(item)

    with OpencodeClient(url) as client, opened(client) as stream:
        thread = threading.Thread(target=read, args=(stream,))
        thread.start()
        try:
            yield watch
        finally:
            stream.close()
            thread.join()


@contextmanager
def _watching_async(url: str, opened: Open) -> Generator[Watch]:
    watch, loop, is_open = Watch(), asyncio.new_event_loop(), threading.Event()
    streams: list[Any] = []  # Any: as above

    async def read() -> None:
        try:
            async with AsyncOpencodeClient(url) as client, opened(client) as stream:
                streams.append(stream)
                is_open.set()
                async for item in stream:
                    watch.see(item)
        finally:
            is_open.set()

    thread = threading.Thread(target=loop.run_until_complete, args=(read(),))
    thread.start()
    try:
        assert is_open.wait(_PATIENCE_S)
        yield watch
    finally:
        if streams:
            asyncio.run_coroutine_threadsafe(streams[0].close(), loop)
        thread.join()
        loop.close()


def _subscribed(path: str) -> Open:
    return lambda client: client.event.subscribe() if path == _EVENT else client.global_.event()


class Servers:
    """One server of each version that is asked for."""

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
        """What was seen of a conversation, by the reader ("raw" or a world) and the path."""
        url = self.get(version).url
        with ExitStack() as stack, OpencodeClient(url) as client:
            watches: dict[tuple[str, str], Watch] = {
                ("raw", path): stack.enter_context(watching_raw(url, path)) for path in _PATHS
            }
            for path in _PATHS:
                for world in WORLDS:
                    opened = watching(world, url, _subscribed(path))
                    watches[world, path] = stack.enter_context(opened)
            for watch in watches.values():
                while (
                    not watch.items
                ):  # 1.18.33 sends the first event of /global/event before it listens itself
                    client.session.create(title="are you there?")
            client.session.create(title=_START)
            for watch in watches.values():
                watch.text(_START)
            _converse(client, watches["sync", _EVENT])
            client.session.create(title=_END)
            for watch in watches.values():
                watch.text(_END)
        return {reader: _between(watch.items) for reader, watch in watches.items()}

    def _disposal(self, version: str) -> dict[tuple[str, str], Lost]:
        """What was seen before and after an instance was disposed."""
        return self._loss(version, (_EVENT,), lambda client, _: client.instance.dispose())

    def _restart(self, version: str) -> dict[tuple[str, str], Lost]:
        """What was seen before and after a server was killed and another one started in its place."""

        def kill(_: OpencodeClient, server: OpencodeServer) -> None:
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            again = OpencodeServer(
                server.executable,
                directory=server.directory,
                port=server.port,
                env=server._env,  # pyright: ignore[reportPrivateUsage] # the same settings
            )
            self._running.enter_context(again)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("opencode_client.stream_state.LONGEST_DELAY_S", 0.5)
            return self._loss(version, _PATHS, kill)

    def _loss(
        self, version: str, paths: tuple[str, ...], lose: Callable[[OpencodeClient, OpencodeServer], object]
    ) -> dict[tuple[str, str], Lost]:
        server = self.get(version)
        with ExitStack() as stack, OpencodeClient(server.url) as client:
            watches: dict[tuple[str, str], Watch] = {}
            for path in paths:
                for world in WORLDS:
                    opened = watching(world, server.url, _subscribed(path))
                    watches[world, path] = stack.enter_context(opened)
            session = client.session.create(title="before")
            client.session.prompt(session.id, parts=[TextPartInput(text="hello")])
            for watch in watches.values():
                watch.kind("session.idle")
            lose(client, server)
            for watch in watches.values():
                watch.until(lambda item: isinstance(item, StreamGap))
            client.global_.health()  # takes long enough for 1.18.33 to listen: see above
            client.session.create(title=_END)
            for watch in watches.values():
                watch.text(_END)
            snapshot = client.resync(session.id)
            said = [message.to_dict() for message in client.session.messages(session.id)]
        return {key: Lost(watch.items, snapshot, said) for key, watch in watches.items()}


@frozen
class Lost:
    """What a stream yielded around the loss of its connection; a session read then, by `resync` and by a call."""

    items: list[Any]
    snapshot: SessionSnapshot
    said: list[JsonObject]


def _converse(client: OpencodeClient, watch: Watch) -> None:
    """A tool call with a permission, a question, a todo and an abort."""
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
each_world = pytest.mark.parametrize("world", WORLDS)
each_path = pytest.mark.parametrize("path", _PATHS)


@each_version
@each_path
@each_world
def test_what_a_raw_socket_saw_is_yielded_once_and_in_order(
    servers: Servers, version: str, path: str, world: World
) -> None:
    seen = servers.conversation(version)
    assert [_raw(item) for item in seen[world, path]] == seen["raw", path]


@each_version
@each_path
def test_a_conversation_shows_all_that_it_is_about(servers: Servers, version: str, path: str) -> None:
    kinds = {_kind(item) for item in servers.conversation(version)["raw", path]}
    assert _TOLD - kinds == set()


@each_version
@each_path
@each_world
def test_what_happens_as_soon_as_a_stream_is_open_is_yielded(
    servers: Servers, version: str, path: str, world: World
) -> None:
    if (path, version) == ("/global/event", "1.18.33"):
        pytest.skip("this server sends its head before it listens itself: docs/events.md, traps")
    url = servers.get(version).url
    with OpencodeClient(url) as client:
        for _ in range(10):
            with watching(world, url, _subscribed(path)) as watch:
                first, last = client.session.create(), client.session.create()
                watch.text(last.id)
            assert first.id in json.dumps([_raw(item) for item in watch.items])


@each_path
@each_world
def test_every_event_of_the_newest_server_is_of_a_known_type(
    servers: Servers, path: str, world: World
) -> None:
    items = servers.conversation(NEW)[world, path]
    told = items if path == _EVENT else [item.payload for item in items]
    assert [_kind(item) for item in told if isinstance(item, UnknownEvent)] == []


@each_world
def test_a_v2_session_stream_has_no_gap_when_its_connections_are_killed(
    servers: Servers, world: World
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
            watching(world, proxy.url, lambda it: it.v2.session.events(session_id)) as ours,
        ):
            for text, answer in (("hello", "echo: hello"), ("#todo", "done"), ("bye", "echo: bye")):
                client.v2.session.prompt(session_id, prompt={"text": text})
                raw.text(json.dumps(answer))
                raw.kind("session.next.step.ended")
            client.v2.session.switch_agent(session_id, agent=_END)
            raw.text(_END)
            ours.text(_END)
    assert proxy.met.total() >= 3
    assert [_raw(item) for item in ours.items] == raw.items


@each_version
@each_world
def test_a_disposed_instance_is_one_gap_with_events_after_it(
    servers: Servers, version: str, world: World
) -> None:
    items = servers.disposal(version)[world, _EVENT].items
    [gap] = [item for item in items if isinstance(item, StreamGap)]
    assert (gap.error, _kind(items[items.index(gap) - 1])) == (None, "server.instance.disposed")


@each_version
@each_path
@each_world
def test_a_killed_server_and_a_new_one_are_one_gap_with_events_after_it(
    servers: Servers, version: str, path: str, world: World
) -> None:
    items = servers.restart(version)[world, path].items
    [gap] = [item for item in items if isinstance(item, StreamGap)]
    assert "the connection broke" in gap.reason
    assert _END in json.dumps([_raw(item) for item in items[items.index(gap) :]])


@each_version
def test_resync_after_a_gap_gives_the_sessions_messages(servers: Servers, version: str) -> None:
    lost = servers.restart(version)["sync", _EVENT]
    assert len(lost.said) == 2
    assert [message.to_dict() for message in lost.snapshot.messages] == lost.said
