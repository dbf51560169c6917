"""Readers of event streams, each in its own thread: raw sockets, and streams of a client."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from opencode_client import AsyncOpencodeClient, OpencodeClient
from opencode_client.model import JsonObject, is_object
from tests.live.client_pairs import SyncOrAsync

EVENT, GLOBAL = PATHS = ("/event", "/global/event")
_PATIENCE_S = 30.0
_SIGNS_OF_LIFE = ("server.connected", "server.heartbeat")

Open: TypeAlias = Callable[[Any], Any]
"""Open a stream of a sync or async client."""


class Watch:
    """The items that a reader thread has received. Each wait starts after the item that the last wait returned."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._changed = threading.Condition()
        self._passed = 0

    def see(self, item: object) -> None:
        """Add an item. The reader calls this."""
        with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    def until(self, is_wanted: Callable[[Any], bool]) -> Any:  # Any: an item of the stream
        """Return the next item that is wanted. Items before it are skipped for good."""
        with self._changed:
            while True:
                for index in range(self._passed, len(self.items)):
                    self._passed = index + 1
                    if is_wanted(self.items[index]):
                        return self.items[index]
                seen = [kind_of(item) for item in self.items]
                assert self._changed.wait(_PATIENCE_S), f"no new item after {seen}"

    def kind(self, kind: str) -> Any:  # Any: as above
        """Return the next item of a type."""
        return self.until(lambda item: kind_of(item) == kind)

    def text(self, text: str) -> Any:  # Any: as above
        """Return the next item that contains a text."""
        return self.until(lambda item: text in json.dumps(raw_of(item)))


def raw_of(item: Any) -> JsonObject:  # Any: an item of a stream, or JSON
    """Return an item as the JSON that the server sent."""
    if is_object(item):
        return item
    raw: JsonObject = getattr(item, "raw_", {})
    return raw


def kind_of(item: Any) -> str:  # Any: as above
    raw = raw_of(item)
    return str(raw.get("type") or raw.get("payload", {}).get("type", ""))


@contextmanager
def watching_raw(url: str, path: str) -> Generator[Watch]:
    """Read a stream with a plain socket: only chunks and `data:` lines are understood."""
    watch, parts, begun = Watch(), urlsplit(url), threading.Event()
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: {parts.netloc}\r\n\r\n".encode())

        def read() -> None:
            for event in _events(connection):
                begun.set()
                if kind_of(event) not in _SIGNS_OF_LIFE:
                    watch.see(event)

        thread = threading.Thread(target=read)
        thread.start()
        try:
            assert path not in PATHS or begun.wait(_PATIENCE_S)
            yield watch
        finally:
            connection.shutdown(socket.SHUT_RDWR)
            thread.join()


def _events(connection: socket.socket) -> Iterator[JsonObject]:
    with connection.makefile("rb") as file:
        while file.readline() not in (b"\r\n", b""):
            pass  # skip the headers
        rest = b""
        while size := int(file.readline() or b"0", 16):
            rest += file.read(size)
            file.readline()
            *blocks, rest = rest.split(b"\n\n")
            yield from (json.loads(block[6:]) for block in blocks if block.startswith(b"data: "))


@contextmanager
def watching(client_kind: SyncOrAsync, url: str, opened: Open) -> Generator[Watch]:
    """Read a stream of our client."""
    with _watching_now(url, opened) if client_kind == "sync" else _watching_async(url, opened) as watch:
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
