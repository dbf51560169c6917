"""The exits of terminals, as the event stream reports them: the WebSocket has no exit codes. No I/O.

Source: `pty.exited` and `pty.deleted` on `GET /event`, for terminals of `pty` and of `v2.pty`;
servers 1.1.31 to 1.18.33.
"""

from __future__ import annotations

from attrs import define, evolve

from ..model import is_object
from ..streams.event_decoder import StreamGap


@define(eq=False)
class Exit:
    """The exit of one terminal. Each connection to the terminal has its own `Exit`.

    The events `pty.exited` and `pty.deleted` set `gone` to True, after they set `code`. `code` is the exit code, or
    None if it is not known. `gaps` counts the gaps of the event stream: each may have lost one of these events.
    """

    pty_id: str
    gone: bool = False
    code: int | None = None
    gaps: int = 0


class Exits:
    """The exits that a watch looks for. No I/O."""

    def __init__(self) -> None:
        self._exits: list[Exit] = []

    def add(self, pty_id: str) -> Exit:
        """Return a new exit. It is a copy of the exit of another connection to the same terminal, if there is one."""
        known = next((one for one in self._exits if one.pty_id == pty_id), Exit(pty_id))
        exit_ = evolve(known)
        self._exits.append(exit_)
        return exit_

    def remove(self, exit_: Exit) -> bool:
        """Remove an exit. Return True if it was the last one, False if others are left or it was removed before."""
        if exit_ not in self._exits:
            return False
        self._exits.remove(exit_)
        return not self._exits

    def update(self, item: object) -> bool:
        """Read an item of the event stream. Return True if an exit changed."""
        if isinstance(item, StreamGap):
            return self.add_gap()
        if not is_object(item) or item.get("type") not in ("pty.exited", "pty.deleted"):
            return False
        properties: object = item.get("properties")
        if not is_object(properties):
            return False
        code: object = properties.get("exitCode")
        changed = [exit_ for exit_ in self._exits if exit_.pty_id == properties.get("id")]
        for exit_ in changed:
            exit_.code = code if isinstance(code, int) else exit_.code
            exit_.gone = True
        return bool(changed)

    def add_gap(self) -> bool:
        """Count a gap: events may have been lost. Return True: each exit changed."""
        for exit_ in self._exits:
            exit_.gaps += 1
        return True
