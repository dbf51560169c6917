"""The first frames of a terminal's new connection, made as servers make them: in UTF-16 code units.

Source: servers 1.3.2 and 1.18.33, which keep 2,097,152 units and repeat them in frames of 65,536.
"""

from __future__ import annotations

import json
import re

from opencode_client.terminals import frames as pty_frames

_SURROGATE = re.compile("[\ud800-\udfff]")


def units(text: str) -> bytes:
    """Return the text as servers store it."""
    return text.encode("utf-16-le", "surrogatepass")


def sent(half_units: bytes) -> str:
    """Return the text that arrives. Halves of characters arrive as U+FFFD."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", half_units.decode("utf-16-le", "surrogatepass"))


def control(cursor: object, **more: object) -> bytes:
    """Return a control frame."""
    return b"\0" + json.dumps({"cursor": cursor, **more}).encode()


def replay(output: str, asked: int | None = None, keeps: int = 2_097_152) -> list[str | bytes]:
    """Return the first frames of a connection to a terminal that has printed `output`."""
    data, size = units(output), 2 * pty_frames.REPLAY_UNITS
    end = len(data) // 2
    first = max(0, end - keeps)
    begin = end if asked == -1 or (asked or 0) > end else max(first, asked or 0)
    kept = data[2 * begin :]
    return [*(sent(kept[at : at + size]) for at in range(0, len(kept), size)), control(end)]
