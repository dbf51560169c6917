"""What both drivers share, without I/O: the turns that an event is for, and the updates that were not read yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ..model import is_object
from ..streams.event_decoder import StreamGap
from ..streams.filter import session_of
from .inputs import Gap, Input, SessionSeen
from .state import TurnState
from .updates import ReasoningDelta, TextDelta, Update
from .v1 import read_event

LINGER_S = 5.0
"""The time that an event connection stays open without a turn."""


class Inbox:
    """The updates that were not read yet. Unread deltas of one part are one update, so a turn's text bounds the memory.

    One thread puts, one takes; a lock is not needed.
    """

    def __init__(self) -> None:
        self._items: deque[tuple[Update, list[str]]] = deque()
        self._texts: dict[str, dict[str, str]] = {}

    def put(self, update: Update) -> None:
        """Add an update. If it continues the last one, which is not read, it becomes a part of that."""
        if isinstance(update, TextDelta | ReasoningDelta):
            try:
                last, pieces = self._items.pop()  # so that it is not taken meanwhile
            except IndexError:
                self._items.append((update, [update.text]))
                return
            if type(last) is type(update) and last.part_id == update.part_id:
                pieces.append(update.text)
                self._items.append((last, pieces))
                return
            self._items.append((last, pieces))
            self._items.append((update, [update.text]))
            return
        self._items.append((update, []))

    def __len__(self) -> int:
        return len(self._items)

    def take(self) -> Update:
        """Return the next update."""
        update, pieces = self._items.popleft()
        if len(pieces) > 1 and isinstance(update, TextDelta | ReasoningDelta):
            return type(update)("".join(pieces), update.part_id, update.message_id)
        return update


class Run:
    """One turn of a driver: its state, and its unread updates unless nobody wants them."""

    def __init__(self, state: TurnState, *, is_quiet: bool) -> None:
        self.state = state
        self.inbox = None if is_quiet else Inbox()


R = TypeVar("R", bound=Run)


class Routes(Generic[R]):
    """The turns that share an event connection. Not thread-safe."""

    def __init__(self, directory: str) -> None:
        self.runs: list[R] = []
        self._directory = directory
        self._owners: dict[str, list[R]] = {}

    def add(self, run: R) -> None:
        """Add a turn."""
        self.runs.append(run)
        self._owners.setdefault(run.state.spec.session_id, []).append(run)

    def remove(self, run: R) -> None:
        """Remove a turn."""
        if run in self.runs:
            self.runs.remove(run)
            for session_id, owners in list(self._owners.items()):
                if run in owners:
                    owners.remove(run)
                if not owners:
                    del self._owners[session_id]

    def claim(self, run: R) -> None:
        """Send a turn the events of its subagents, too."""
        for session_id in run.state.family:
            owners = self._owners.setdefault(session_id, [])
            if run not in owners:
                owners.append(run)

    def inputs(self, item: object) -> list[tuple[R, Input]]:
        """Return the turns that an item of the stream is for, each with its input."""
        runs, event = self._input(item)
        return [(run, event) for run in runs] if event is not None else []

    def _input(self, item: object) -> tuple[list[R], Input | None]:
        if isinstance(item, StreamGap):
            return list(self.runs), Gap(item.reason)
        raw: Any = getattr(item, "raw_", None)
        if not is_object(raw):
            return [], None
        session_id = session_of(raw)
        owners = self._owners.get(session_id or "")
        if owners is None and session_id is not None:
            info = (
                raw["properties"].get("info")
                if raw.get("type") in ("session.created", "session.updated")
                else None
            )
            owners = self._owners.get(info.get("parentID") or "") if is_object(info) else None
        if owners is None and session_id is not None:
            return [], None
        event = read_event(raw, self._directory)
        if session_id is None:
            is_for_all = raw.get("type") in ("session.error", "server.instance.disposed")
            return (list(self.runs) if is_for_all else []), event
        if isinstance(event, SessionSeen) and owners:
            family = self._owners.setdefault(event.session_id, [])
            family += [run for run in owners if run not in family]
        return list(owners or ()), event

    def next_wake_s(self, now_s: float) -> float:
        """Return the time at which to look at the turns again: the first one wants it, or none is left."""
        return min((run.state.wake_at_s for run in self.runs), default=now_s + LINGER_S)


Perform = Callable[[Any], Any]  # Any: an action -> its value
