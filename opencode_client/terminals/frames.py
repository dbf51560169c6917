"""Read the frames of a terminal, over one connection after another. No I/O; sync and async use the same code.

Source: `GET /pty/{ptyID}/connect` and `/api/pty/{ptyID}/connect`, servers 1.1.31 to 1.18.33. Output comes in text
frames. Servers 1.1.56 and newer first send a replay: the output that they still keep, in frames of 65,536 UTF-16 code
units. After it they send a control frame with the position of its end: the binary frame 0x00 and `{"cursor": 18}`.
Servers 1.1.53 and older send neither.
"""

from __future__ import annotations

import sys
from itertools import pairwise

from attrs import frozen

from ..decoding import json_text
from ..errors import PtyGapError
from ..model import JsonObject, is_object

REPLAY_UNITS = 65_536
_WIDE_STRINGS = sys.implementation.name == "cpython"
"""CPython stores a string with four bytes for each character if one character needs two code units (PEP 393). So a
smaller string has no such character. Encoding the string to find out would cost a fifth of the time of receiving it."""
_HALF = "\N{REPLACEMENT CHARACTER}"
"""Servers send this for each half of a character that is split between two frames of a replay."""


@frozen
class PtyControl:
    """A control frame. `cursor` is the end of the output in UTF-16 code units, or None; `raw` is the whole frame."""

    cursor: int | None
    raw: JsonObject


def read_control(frame: bytes) -> PtyControl | None:
    """Return the control frame in a binary frame, or None if it has another form."""
    if frame[:1] != b"\0":
        return None
    try:
        raw: object = json_text.loads(bytes(frame[1:]))
    except ValueError:
        return None
    if not is_object(raw):
        return None
    cursor = raw.get("cursor")
    return PtyControl(cursor if isinstance(cursor, int) and cursor >= 0 else None, raw)


def count_units(text: str) -> int:
    """Return the number of UTF-16 code units of a text. Servers count in these."""
    if text.isascii() or (_WIDE_STRINGS and text.__sizeof__() < 4 * len(text)):
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class PtyOutput:
    """Joins the output of one connection after another: no text comes twice, and gaps are reported.

    `cursor` is the end of the text that was returned; None before the first control frame (servers 1.1.53 and older
    send none). A replay is held until the control frame after it arrives, because only then its start is known. If two
    frames of a replay split a character, the text before that character is returned and `must_reconnect` becomes True:
    only a new replay from there has the whole character. Later frames are ignored.
    """

    def __init__(self, cursor: int | None = None) -> None:
        self.cursor: int | None = None
        self.control: PtyControl | None = None
        """The last control frame."""
        self.has_cursor = True
        """True if the server sends control frames with a cursor. Set it before the first connection."""
        self.must_reconnect: bool = False
        self._start = cursor
        self._replay: list[str] | None = None

    @property
    def next_start(self) -> int | None:
        """The cursor to request for the next connection; None requests all output, -1 only new output."""
        return self._start if self.cursor is None else self.cursor

    def connected(self) -> None:
        """Begin a connection. Call this before its first frame is added."""
        self._start = self.next_start
        self._replay = [] if self.has_cursor else None
        self.must_reconnect = False

    def add_text(self, frame: str) -> str:
        """Add a text frame. Return the text for the reader; "" if there is none yet."""
        if self._replay is not None:
            self._replay.append(frame)
            return ""
        if self.must_reconnect:
            return ""
        if self.cursor is not None:
            self.cursor += count_units(frame)
        return frame

    def add_binary(self, frame: bytes) -> list[str | PtyGapError]:
        """Add a binary frame. Return the gap to raise, then the text of the replay; each only if there is one."""
        control = read_control(frame)
        if control is None:
            return []
        self.control = control
        if control.cursor is None or self.must_reconnect:
            return []
        replay, self._replay = self._replay, None
        if replay is None:
            self.cursor = control.cursor
            return []
        text, self.must_reconnect = _join(replay)
        found: list[str | PtyGapError] = [text] if text else []
        requested = -1 if self._start is None else self._start
        if requested < 0 and not self.must_reconnect:  # no gap is possible, so the start is not needed
            self.cursor = control.cursor
            return found
        start = control.cursor - sum(map(count_units, replay))
        self.cursor = start + count_units(text) if self.must_reconnect else control.cursor
        return [_gap(start - requested), *found] if 0 <= requested < start else found


def _join(frames: list[str]) -> tuple[str, bool]:
    """Return the text of a replay up to the first split character, and True if there is one."""
    for index, (frame, following) in enumerate(pairwise(frames)):
        if frame.endswith(_HALF) and following.startswith(_HALF) and count_units(frame) == REPLAY_UNITS:
            return "".join(frames[: index + 1])[:-1], True
    return "".join(frames), False


def _gap(lost: int) -> PtyGapError:
    text = f"{lost} UTF-16 code units of the terminal's output are lost: the server no longer has them"
    return PtyGapError(text, lost=lost)
