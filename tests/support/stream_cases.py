"""What servers of streams do in tests, and what is taken of a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opencode_client.models import EventSessionIdle
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import Peer, Step, http

_HEAD = http(headers={"content-type": "text/event-stream", "transfer-encoding": "chunked"})
HEALTH = b'{"healthy": true, "version": "1.18.33"}'


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def idle_event(session_id: str) -> bytes:
    value = {"id": "evt", "type": "session.idle", "properties": {"sessionID": session_id}}
    return f"data: {json.dumps(value)}\n\n".encode()


def begin(*events: bytes) -> Step:
    """Read the request and send the head of a stream and some events."""

    def step(peer: Peer) -> None:
        peer.receive()
        peer.send(_HEAD + b"".join(map(_chunk, events)))

    return step


def end(peer: Peer) -> None:
    """End the stream as a disposed instance does."""
    peer.send(b"0\r\n\r\n")
    peer.end()


def cut(peer: Peer) -> None:
    """End the stream as a server that is killed does."""
    peer.end()


def hang(peer: Peer) -> None:
    peer.wait()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opencode_client.streams.reconnect.FIRST_DELAY_S", 0.001)


def take(client_kind: ClientKind, stream: Any, count: int | None = None) -> list[Any]:
    """What a stream yields: so many, or all."""
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
