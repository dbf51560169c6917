"""Decode server-sent events into the items that a stream yields: typed events, gaps, and events that cannot be read.

Source: `GET /event`, `/global/event`, `/api/event` and `/api/session/{id}/event`, servers 1.1.31 to 1.18.33.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from attrs import field, frozen

from ..decoding.json_text import loads
from ..errors import OpencodeError
from ..model import JsonObject, is_object

E = TypeVar("E")

_HEARTBEAT = "server.heartbeat"  # every 30 s (1.1.x) or 10 s; in no document
_CONNECTED = "server.connected"
_SEQUENCE = re.compile(rb'"durable":\{[^{}]*"seq":(\d{1,15})')
_LAST_SEQUENCE = 2**53


@frozen
class StreamGap:
    """Events may be missing at this point: the connection was lost, and there is a new one now.

    `since_ms` is the time of the last bytes from the old connection (epoch milliseconds). `reason` says why it ended;
    "the stream ended" means that the instance was disposed. `error` is the error that ended it, if there was one.
    `attempts` counts the connections that were tried since the last event. Use `resync` to read the current state.
    """

    since_ms: int
    reason: str
    attempts: int
    error: OpencodeError | None = None
    type: Literal["__gap__"] = field(default="__gap__", init=False, repr=False)


@frozen
class UndecodableEvent:
    """An event that is not a JSON object: `text` is its data, `error` the reason. The stream goes on."""

    text: str
    error: str
    type: Literal["__undecodable__"] = field(default="__undecodable__", init=False, repr=False)


@frozen
class ServerHeartbeat:
    """The server is alive (`server.heartbeat`). Yielded only by streams with `heartbeats=True`. `raw_` is its JSON."""

    raw_: JsonObject
    type: Literal["server.heartbeat"] = field(default="server.heartbeat", init=False, repr=False)


StreamItem: TypeAlias = E | StreamGap | ServerHeartbeat | UndecodableEvent
"""An item that a stream of `E` yields."""


class EventDecoder(Generic[E]):
    """Decodes the events of one stream, and remembers the last sequence number.

    With `heartbeats` it also returns `server.heartbeat` and `server.connected`.
    """

    def __init__(self, read: Callable[[Any], E], *, heartbeats: bool) -> None:
        self._read = read
        self._heartbeats = heartbeats
        self.sequence: int | None = None
        """The last durable sequence number that was received."""

    def decode(self, event: bytes) -> E | ServerHeartbeat | UndecodableEvent | None:
        """Return the item for an event; None if the stream yields nothing for it."""
        try:
            raw = loads(event)
        except ValueError as error:
            return _undecodable(event, str(error))
        try:
            kind = raw.get("type") or raw["payload"]["type"]
        except AttributeError:
            return _undecodable(event, f"not an object: {type(raw).__name__}")
        except (KeyError, TypeError):
            kind = None  # an object without a type becomes an UnknownEvent
        if kind == _HEARTBEAT:
            return ServerHeartbeat(raw) if self._heartbeats else None
        if kind == _CONNECTED and not self._heartbeats:
            return None
        if "durable" in raw and is_object(durable := raw["durable"]):
            self._pass(durable.get("seq"))
        try:
            return self._read(raw)
        except RecursionError:
            return _undecodable(event, "nested too deeply")

    def drop(self, head: bytes) -> None:
        """Note an event that was dropped, so that a stream that resumes does not get it again.

        Source: 1.18.33 sends `durable` before `data`, and numbers the events of a session one after the other.
        """
        found = _SEQUENCE.search(head.partition(b'"data":')[0])
        self._pass(int(found[1]) if found else (self.sequence or 0) + 1)

    def _pass(self, sequence: object) -> None:
        if type(sequence) is int and (self.sequence or -1) < sequence < _LAST_SEQUENCE:
            self.sequence = sequence


def _undecodable(event: bytes, error: str) -> UndecodableEvent:
    return UndecodableEvent(event.decode("utf-8", "replace"), error)
