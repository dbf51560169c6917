"""What the frames of a terminal say, over one connection after the other: pure, the same for both worlds.

Source: `GET /pty/{ptyID}/connect` and `/api/pty/{ptyID}/connect`, servers 1.1.31 to 1.18.33. Output comes as text.
From 1.1.56 on, a server first repeats what it still has, in frames of 65,536 UTF-16 code units, then says in a binary
frame where the output stands: 0x00 and `{"cursor": 18}`. Before, there is neither.
"""

from __future__ import annotations

import sys
from itertools import pairwise

from attrs import frozen

from ..decoding import json_text
from ..errors import PtyGapError
from ..model import JsonObject, is_object

REPLAY_UNITS = 65_536
_STORED_BY_WIDEST = sys.implementation.name == "cpython"
"""A text takes four bytes for each character as soon as one of them takes two code units (PEP 393), so that one which
takes less has none such. Encoding it to find out costs a fifth of receiving it."""
_HALF = "\N{REPLACEMENT CHARACTER}"
"""What servers send for half of a character that two frames of a replay share."""


@frozen
class PtyControl:
    """A control frame: `cursor` is where output stands, in UTF-16 code units (None: unsaid), `raw` is all of it."""

    cursor: int | None
    raw: JsonObject


def read_control(frame: bytes) -> PtyControl | None:
    """What a binary frame says; None for one that this client does not know."""
    if frame[:1] != b"\0":
        return None
    try:
        raw: object = json_text.loads(bytes(frame[1:]))
    except ValueError:
        return None
    if not is_object(raw):
        return None
    cursor = raw.get("cursor")
    return PtyControl(cursor if isinstance(cursor, int) else None, raw)


def units(text: str) -> int:
    """The UTF-16 code units of a text, in which servers count."""
    if text.isascii() or (_STORED_BY_WIDEST and text.__sizeof__() < 4 * len(text)):
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class PtyOutput:
    """Makes one text of what a terminal's connections say: nothing twice, and told where something is missing.

    `cursor` is where the text stands that was given out, None before a server has said (1.1.53 and older never do).
    A replay is held back until the server has said where it ends: only then is it known where it began. A replay that
    was cut inside a character `must_reconnect` there: no other way gives it back.
    """

    def __init__(self, asked: int | None = None) -> None:
        self.cursor: int | None = None
        self.control: PtyControl | None = None
        """The last control frame."""
        self.has_cursor = True
        """Whether the server says where its output stands; to be told before the first connection."""
        self.must_reconnect: bool = False
        self._asked = asked
        self._held: list[str] | None = None

    @property
    def ask(self) -> int | None:
        """Where the next connection's replay should begin; None: with all that there is, -1: nowhere."""
        return self._asked if self.cursor is None else self.cursor

    def connected(self) -> None:
        """Called for each connection, before its first frame."""
        self._asked = self.ask
        self._held = [] if self.has_cursor else None
        self.must_reconnect = False

    def text(self, frame: str) -> str:
        """What to give out for a text frame."""
        if self._held is not None:
            self._held.append(frame)
            return ""
        if self.cursor is not None:
            self.cursor += units(frame)
        return frame

    def binary(self, frame: bytes) -> list[str | PtyGapError]:
        """What to give out, or to raise, for a binary frame."""
        control = read_control(frame)
        if control is None:
            return []
        self.control = control
        if control.cursor is None:
            return []
        held, self._held = self._held, None
        if held is None:
            self.cursor = control.cursor
            return []
        text, self.must_reconnect = _joined(held)
        found: list[str | PtyGapError] = [text] if text else []
        asked = -1 if self._asked is None else self._asked
        if asked < 0 and not self.must_reconnect:  # nobody asks where it began
            self.cursor = control.cursor
            return found
        start = control.cursor - sum(map(units, held))
        self.cursor = start + units(text) if self.must_reconnect else control.cursor
        return [_gap(start - asked), *found] if 0 <= asked < start else found


def _joined(frames: list[str]) -> tuple[str, bool]:
    """The text of a replay, up to the first character that its frames cut in two; whether there is one."""
    for index, (frame, following) in enumerate(pairwise(frames)):
        if frame.endswith(_HALF) and following.startswith(_HALF) and units(frame) == REPLAY_UNITS:
            return "".join(frames[: index + 1])[:-1], True
    return "".join(frames), False


def _gap(lost: int) -> PtyGapError:
    return PtyGapError(
        f"{lost} UTF-16 code units of the terminal's output are lost: the server no longer has them",
        lost=lost,
    )
