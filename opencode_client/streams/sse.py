"""Split bytes into server-sent events, by the WHATWG grammar of `text/event-stream`. No I/O.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream. Servers 1.1.31 to
1.18.33 send only `data:` lines and comments, with up to 3 MB in one line.
"""

from __future__ import annotations

from typing import NamedTuple

DEFAULT_MAX_BYTES = 64 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_HEAD_BYTES = 4096
_RETRY_DIGITS = 10


class TooLargeEvent(NamedTuple):
    """A placeholder for an event that was dropped, because it is larger than the limit. `head` has its first bytes."""

    head: bytes


class EventSplitter:
    """Splits the bytes of one response into events. Bytes may arrive in pieces of any size.

    For each event it returns the data: UTF-8, lines joined by LF. The name (`event:`) is ignored, as no server sends
    one. For one connection; `for_next_connection` keeps `last_id` and `retry_ms` (None: the server has sent none).
    Bytes after the last empty line are an unfinished event, and are dropped at the end of the connection.
    """

    def __init__(self, *, last_id: str = "", max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.last_id: str = last_id
        self.retry_ms: int | None = None
        self._max_bytes = max_bytes
        self._start: bytes | None = b""  # the first bytes, while they may be a byte order mark
        self._after_cr = False
        self._pieces: list[bytes] = []  # of an event that is not complete
        self._held = 0
        self._skipped: bytes | None = None  # the end of the last chunk, while an event is dropped

    def for_next_connection(self) -> EventSplitter:
        """Return a splitter for the next connection of the same stream."""
        new = EventSplitter(last_id=self.last_id, max_bytes=self._max_bytes)
        new.retry_ms = self.retry_ms
        return new

    def feed(self, chunk: bytes) -> list[bytes | TooLargeEvent]:
        """Return the events that `chunk` completes; a `TooLargeEvent` in place of an event larger than `max_bytes`."""
        if self._start is not None:
            chunk = self._without_bom(chunk)
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_line_feeds(chunk)
        if self._skipped is not None:
            chunk = self._after_dropped(self._skipped + chunk)
        if not chunk:
            return []
        if self._pieces:
            chunk = self._with_pieces(chunk)
        *blocks, rest = chunk.split(b"\n\n")
        events = self._events(blocks)
        if len(rest) > self._max_bytes:
            self._skipped = rest[-1:]
            events.append(TooLargeEvent(rest[:_HEAD_BYTES]))
        elif rest:
            self._held = len(rest)
            self._pieces.append(rest)
        return events

    def _with_pieces(self, chunk: bytes) -> bytes:
        """Add bytes to the unfinished event. Return all of it if it is complete or too large now, else nothing."""
        pieces = self._pieces
        ends = b"\n\n" in chunk or (pieces[-1].endswith(b"\n") and chunk.startswith(b"\n"))
        pieces.append(chunk)
        self._held += len(chunk)
        if not ends and self._held <= self._max_bytes:
            return b""
        joined = b"".join(pieces)
        pieces.clear()
        return joined

    def _without_bom(self, chunk: bytes) -> bytes:
        start = (self._start or b"") + chunk
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(_BOM)

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        """Replace CRLF and CR by LF. After a CR at the end of the last chunk, an LF belongs to the same line end."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if chunk.endswith(b"\r"):
            self._after_cr = True
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _after_dropped(self, data: bytes) -> bytes:
        """Return the bytes after the dropped event; b"" if it has not ended yet."""
        _, end, rest = data.partition(b"\n\n")
        self._skipped = None if end else data[-1:]
        return rest

    def _events(self, blocks: list[bytes]) -> list[bytes | TooLargeEvent]:
        events: list[bytes | TooLargeEvent] = []
        for block in blocks:
            if len(block) > self._max_bytes:
                events.append(TooLargeEvent(block[:_HEAD_BYTES]))
            elif block[:6] == b"data: " and b"\n" not in block:  # the usual form
                events.append(block[6:])
            elif (data := self._parse(block)) is not None:
                events.append(data)
        return events

    def _parse(self, block: bytes) -> bytes | None:
        """Parse the lines of one event; keep its id and retry time. Return its data; None if it has none."""
        data: list[bytes] = []
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")  # a comment has an empty name, so no branch matches
            value = value.removeprefix(b" ")
            if name == b"data":
                data.append(value)
            elif name == b"id" and b"\0" not in value:
                self.last_id = value.decode("utf-8", "replace")
            elif name == b"retry" and value.isdigit():
                self.retry_ms = int(value.lstrip(b"0")[:_RETRY_DIGITS] or b"0")
        return b"\n".join(data) if data else None
