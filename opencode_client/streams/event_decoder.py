"""From server-sent events to what a stream yields: typed events, and what stands for those that are not there. Pure.

Source: `GET /event`, `/global/event`, `/api/event` and `/api/session/{id}/event`, servers 1.1.31 to 1.18.33.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

from attrs import field, frozen

from ..decoding.json_text import loads
from ..errors import OpencodeError
from ..model import JsonObject, is_object
from .sse import ServerSentEvent

E = TypeVar("E")

_HEARTBEAT = "server.heartbeat"  # every 30 s (1.1.x) or 10 s; in no document
_CONNECTED = "server.connected"


@frozen
class StreamGap:
    """Here events may be missing: the connection was lost and there is another one now.

    `since_ms` is when the last bytes came before (epoch milliseconds), `reason` what ended the connection ("the stream
    ended" is a disposed instance), `attempts` how many connections it took. Read what you show anew, with `resync`.
    """

    since_ms: int
    reason: str
    attempts: int
    error: OpencodeError | None = None
    type: Literal["__gap__"] = field(default="__gap__", init=False, repr=False)


@frozen
class UndecodableEvent:
    """What came is no JSON object: `text` as it came, `error` says why. The stream goes on."""

    text: str
    error: str
    type: Literal["__undecodable__"] = field(default="__undecodable__", init=False, repr=False)


@frozen
class ServerHeartbeat:
    """A sign of life (`server.heartbeat`), yielded only by streams that were asked for them."""

    raw: JsonObject
    type: Literal["server.heartbeat"] = field(default="server.heartbeat", init=False, repr=False)


class EventDecoder(Generic[E]):
    """Reads the events of one stream; remembers how far a stream that can be resumed has come.

    `heartbeats` lets through what only says that the server is there: `server.heartbeat` and `server.connected`.
    """

    def __init__(self, read: Callable[[Any], E], *, heartbeats: bool) -> None:
        self._read = read
        self._heartbeats = heartbeats
        self.sequence: int | None = None
        """The last durable sequence number that came."""

    def decode(self, event: ServerSentEvent) -> E | ServerHeartbeat | UndecodableEvent | None:
        """What the stream yields for an event; None for nothing."""
        try:
            raw = loads(event.data)
            kind = raw.get("type") or raw["payload"]["type"]
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            return self._unusual(event, error)
        if kind == _HEARTBEAT:
            return ServerHeartbeat(raw) if self._heartbeats else None
        if kind == _CONNECTED and not self._heartbeats:
            return None
        if "durable" in raw:
            self._remember(raw["durable"])
        return self._read(raw)

    def _unusual(self, event: ServerSentEvent, error: Exception) -> E | UndecodableEvent:
        """JSON objects without a type are events of a type that nobody knows; all else is none."""
        try:
            raw = loads(event.data)
        except ValueError:
            return UndecodableEvent(event.data.decode("utf-8", "replace"), str(error))
        if is_object(raw):
            return self._read(raw)
        return UndecodableEvent(event.data.decode("utf-8", "replace"), f"no object: {type(raw).__name__}")

    def _remember(self, durable: object) -> None:
        sequence: object = durable.get("seq") if is_object(durable) else None
        if isinstance(sequence, int):
            self.sequence = sequence
