"""Steps for servers that send event streams, and functions that read streams in tests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opencode_client.models import EventSessionIdle
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import Peer, Step, http

HEAD = http(headers={"content-type": "text/event-stream", "transfer-encoding": "chunked"})
HEALTH = b'{"healthy": true, "version": "1.18.33"}'


def chunk(data: bytes) -> bytes:
    """Return the data as a chunk of an HTTP body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event_of(value: object) -> bytes:
    """Return a server-sent event with this JSON."""
    return f"data: {json.dumps(value)}\n\n".encode()


def idle_event(session_id: str) -> bytes:
    return event_of({"id": "evt", "type": "session.idle", "properties": {"sessionID": session_id}})


def begin(*events: bytes) -> Step:
    """Return a step that reads the request, and sends the head of a stream and these events."""

    def step(peer: Peer) -> None:
        peer.receive()
        peer.send(HEAD + b"".join(map(chunk, events)))

    return step


def end(peer: Peer) -> None:
    """End the stream in the way of a disposed instance."""
    peer.send(b"0\r\n\r\n")
    peer.end()


def cut(peer: Peer) -> None:
    """End the stream in the way of a server that is killed."""
    peer.end()


def hang(peer: Peer) -> None:
    peer.wait()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opencode_client.streams.reconnect.FIRST_DELAY_S", 0.001)


def take(client_kind: ClientKind, stream: Any, count: int | None = None) -> list[Any]:
    """Return the items of a stream: the first `count`, or all."""
    return client_kind.call(_taken, stream, count) if client_kind.is_async else _taken_now(stream, count)


def _taken_now(stream: Any, count: int | None) -> list[Any]:
    found: list[Any] = []
    with stream as items:
        for item in items:
            found.append(item)
            if len(found) == count:
                break
    return found


async def _taken(stream: Any, count: int | None) -> list[Any]:
    found: list[Any] = []
    async with stream as items:
        async for item in items:
            found.append(item)
            if len(found) == count:
                break
    return found


def ids(items: list[Any]) -> list[str]:
    return [
        item.properties.session_id if isinstance(item, EventSessionIdle) else type(item).__name__
        for item in items
    ]
