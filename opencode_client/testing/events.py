"""The events of a fake server: their forms in each version, and the streams that get them."""

from __future__ import annotations

import json
import threading
from collections import deque
from typing import Any
from uuid import uuid4

from attrs import define, field

from ..calls.server_info import release
from ..errors import ArgumentError
from ..model import JsonObject
from .connections import Peer

HEARTBEAT_S = 10.0
PROJECT = "0" * 40
_OLDEST, _NEW = (1, 2, 12), (1, 4)
_DURABLE = frozenset({
    "message.part.removed", "message.part.updated", "message.removed", "message.updated", "session.created",
    "session.deleted", "session.updated",
})  # fmt: skip
"""Events that new servers repeat on `/global/event`, in another form."""
_HEADERS = {"cache-control": "no-cache", "x-content-type-options": "nosniff", "x-accel-buffering": "no"}


def is_new(version: str) -> bool:
    """Return True if a version has the forms of 1.18.33, and False if it has those of 1.3.2.

    Raises:
        ArgumentError: the fake does not support this version.
    """
    numbers = release(version)
    if numbers is None or not _OLDEST <= numbers < (2,):
        raise ArgumentError(
            f"FakeServer: version takes a release from 1.2.12 on and before 2, not {version!r}"
        )
    return numbers >= _NEW


@define(eq=False)
class _Subscriber:
    """One open stream. `directory` is None for the stream of all directories."""

    directory: str | None
    unsent: deque[bytes] = field(factory=deque[bytes])
    end: bytes | None = None
    """The last bytes of a stream that has ended; no bytes if it broke."""


class Events:
    """Sends events to the streams that are open, in order. Any thread may publish."""

    def __init__(self, version: str) -> None:
        self.is_new: bool = is_new(version)
        self.heartbeat_s: float = HEARTBEAT_S
        self.lost: deque[str | None] = deque()
        """Types of events that are not sent, one entry for each event; None is any type."""
        self._changed = threading.Condition()
        self._subscribers: list[_Subscriber] = []
        self._numbers: dict[str, int] = {}

    def publish(self, kind: str, directory: str, /, **properties: Any) -> None:  # Any: JSON
        """Send an event to the streams of a directory and of all directories."""
        plain = self._event(kind, properties)
        wrapped: JsonObject = {"directory": directory, "payload": plain}
        if self.is_new:
            wrapped["project"] = PROJECT
        payloads = [(directory, plain), (None, wrapped)]
        with self._changed:
            if self.is_new and kind in _DURABLE:
                payloads.append((None, {**wrapped, "payload": self._sync(plain)}))
            for lost in (kind, None):
                if lost in self.lost:
                    self.lost.remove(lost)
                    return
            for place, payload in payloads:
                self._send(place, payload)
            self._changed.notify_all()

    def serve(self, peer: Peer, directory: str | None) -> None:
        """Send events to a client until it disconnects or the stream ends."""
        subscriber = _Subscriber(directory)
        with self._changed:
            self._subscribers.append(subscriber)
        try:
            peer.begin_stream(_HEADERS)
            peer.send_chunk(self._alone(subscriber, "server.connected"))
            while self._send_next(peer, subscriber):
                pass
        finally:
            with self._changed:
                self._subscribers.remove(subscriber)

    def end(self, *, directory: str | None = None, cleanly: bool) -> None:
        """End the open streams of a directory, or all streams. If not `cleanly`, break their connections."""
        with self._changed:
            for one in self._subscribers:
                if directory is None or one.directory == directory:
                    one.end = b"0\r\n\r\n" if cleanly else b""
            self._changed.notify_all()

    def _send(self, place: str | None, payload: JsonObject) -> None:
        data = _sse(payload)
        for one in self._subscribers:
            if one.directory == place and one.end is None:
                one.unsent.append(data)

    def _send_next(self, peer: Peer, subscriber: _Subscriber) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: subscriber.unsent or subscriber.end is not None, timeout=self.heartbeat_s
            )
            events, end = list(subscriber.unsent), subscriber.end
            subscriber.unsent.clear()
        if not events and end is None:
            events = [self._alone(subscriber, "server.heartbeat")]
        for event in events:
            peer.send_chunk(event)
        if end is not None:
            peer.send(end) if end else peer.reset()
        return end is None

    def _alone(self, subscriber: _Subscriber, kind: str) -> bytes:
        event = self._event(kind, {})
        return _sse({"payload": event} if subscriber.directory is None else event)

    def _event(self, kind: str, properties: JsonObject) -> JsonObject:
        if not self.is_new:
            return {"type": kind, "properties": properties}
        return {"id": f"evt_{uuid4().hex[:26]}", "type": kind, "properties": properties}

    def _sync(self, event: JsonObject) -> JsonObject:
        session_id = event["properties"]["sessionID"]
        number = self._numbers[session_id] = self._numbers.get(session_id, -1) + 1
        about = {"type": f"{event['type']}.1", "seq": number, "aggregateID": session_id}
        return {
            "id": event["id"],
            "type": "sync",
            "syncEvent": {"id": event["id"], **about, "data": event["properties"]},
        }


def _sse(payload: JsonObject) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"
