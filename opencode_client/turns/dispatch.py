"""State that the sync and async drivers share, without I/O: the turns that an event is for, and unread updates."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from ..calls.operation import QUERY, Operation
from ..model import JsonObject, is_object
from ..streams.event_decoder import StreamGap
from ..streams.filter import session_and_parent, session_of
from .asks_state import AsksState
from .growing_text import GrowingText
from .inputs import Delta, DirectorySeen, EventsWork, Gap, Input, Tick
from .state import TurnState
from .updates import ReasoningDelta, TextDelta, Update
from .v1 import ASK_EVENTS, DELTA, member, read_event

EVENTS: Operation[Any] = Operation("event.subscribe", "GET", "/event", "Any", scope=QUERY)
ALL_EVENTS: Operation[Any] = Operation("global.event", "GET", "/global/event", "Any", late=True)
"""The events of a directory and of all, as JSON: turns need no models of them, which take time to make."""

OPENINGS = 6
"""Attempts to open the event stream. In a directory that is new to it, a server may not respond for some seconds."""
LINGER_S = 5.0
"""The time that an event connection stays open without a turn."""
_TICK_S = 1.0
"""The longest time between two checks of all turns. A turn without events has its first `Poll` after this time."""


_NO_DIRECTORIES = ("", "global")
"""Values of `directory` in events of `/global/event` that belong to no directory."""


class Inbox:
    """The unread updates. Deltas of one part are joined, so the memory is limited by the length of the turn's text.

    One thread puts and one takes; they need no lock.
    """

    def __init__(self) -> None:
        self._items: deque[tuple[Update, GrowingText | None]] = deque()

    def put(self, update: Update) -> None:
        """Add an update. If it continues the last unread one, the two are joined."""
        if not isinstance(update, TextDelta | ReasoningDelta):
            self._items.append((update, None))
            return
        try:
            last, text = self._items.pop()  # removed, so that the reader cannot take it meanwhile
        except IndexError:
            self._items.append((update, GrowingText(update.text)))
            return
        is_more = type(last) is type(update) and getattr(last, "part_id", None) == update.part_id
        if is_more and text is not None:
            text.add(update.text)
            self._items.append((last, text))
        else:
            self._items.extend(((last, text), (update, GrowingText(update.text))))

    def __len__(self) -> int:
        return len(self._items)

    def take(self) -> Update:
        """Return the next update."""
        update, text = self._items.popleft()
        if text is not None and isinstance(update, TextDelta | ReasoningDelta):
            return type(update)(str(text), update.part_id, update.message_id)
        return update


S = TypeVar("S", bound=TurnState | AsksState)


class Run(Generic[S]):
    """One turn or feed of asks of a driver: its state, and its unread updates unless `is_quiet`."""

    def __init__(self, state: S, *, is_quiet: bool) -> None:
        self.state: S = state
        self.inbox: Inbox | None = None if is_quiet else Inbox()
        self.is_over = False
        """Set after the last update is in the inbox, because the user may read in another thread."""
        self.is_left = False
        """True if its user has left it: nothing is fed any more."""


R = TypeVar("R", bound=Run[Any])  # Any: of a turn or a feed


class Routes(Generic[R]):
    """The turns and feeds that share an event connection. Not thread-safe."""

    def __init__(self, directory: str) -> None:
        """Create routes for the stream of a directory, or of all directories: ""."""
        self.runs: list[R] = []
        self._directory = directory
        self._feeds: list[R] = []
        self._owners: dict[str, list[R]] = {}
        self.first: Input = Tick()
        """The first input of a turn."""

    def add(self, run: R) -> None:
        """Add a turn or a feed."""
        self.runs.append(run)
        if isinstance(run.state, AsksState):
            self._feeds.append(run)
        else:
            self._owners.setdefault(run.state.plan.session_id, []).append(run)

    def remove(self, run: R) -> None:
        """Remove a turn or a feed."""
        for runs in (self.runs, self._feeds, *self._owners.values()):
            if run in runs:
                runs.remove(run)
        self._owners = {session_id: runs for session_id, runs in self._owners.items() if runs}

    def claim(self, run: R) -> None:
        """Send a turn the events of its subagents, too."""
        for session_id in () if run in self._feeds else run.state.subagents:
            owners = self._owners.setdefault(session_id, [])
            if run not in owners:
                owners.append(run)

    def inputs(self, items: Iterable[object]) -> Iterator[tuple[R, Input]]:
        """Yield a pair for each turn or feed that an item of the stream is for: the turn or feed, and its input.

        Feed each input at once. Consecutive deltas of one part are one input.
        """
        last: Delta | None = None
        for item in items:
            is_delta = is_object(item) and item.get("type") == DELTA  # the most frequent event
            delta = read_event(item, self._directory) if is_delta else None
            if not isinstance(delta, Delta):
                delta = None
            elif last is not None and last.part_id == delta.part_id:
                last.text += delta.text
                continue
            yield from self._for_owners(last)
            last = delta
            if not is_delta:
                yield from self._inputs_of(item)
        yield from self._for_owners(last)

    def _for_owners(self, delta: Delta | None) -> list[tuple[R, Input]]:
        return [] if delta is None else [(run, delta) for run in self._owners.get(delta.session_id, ())]

    def _inputs_of(self, item: object) -> list[tuple[R, Input]]:
        if isinstance(item, StreamGap):
            return [(run, Gap(item.reason, item.error is None)) for run in self.runs]
        raw = item
        directory = self._directory
        if not directory and is_object(raw):
            directory, raw = raw.get("directory") or "", member(raw, "payload")
        if not is_object(raw):
            return []
        session_id = member(raw, "properties").get("sessionID") or session_of(raw)
        found: list[tuple[R, Input]] = []
        if session_id is not None and isinstance(self.first, Tick):
            self.first = EventsWork()
            found += [(run, self.first) for run in self.runs]
        runs = self._runs_for(raw, session_id)
        feeds = self._feeds if raw.get("type") in ASK_EVENTS else ()
        event = read_event(raw, directory) if runs or feeds else None
        if directory not in _NO_DIRECTORIES:
            unaware = [run for run in self._feeds if directory not in run.state.directories]
            found += [(run, DirectorySeen(directory)) for run in unaware]
        return found + [(run, event) for run in (*runs, *feeds) if event is not None]

    def _runs_for(self, raw: JsonObject, session_id: str | None) -> list[R]:
        if session_id in self._owners:
            return self._owners[session_id].copy()
        if session_id is None:
            is_for_all = raw.get("type") in ("session.error", "server.instance.disposed")
            return self.runs.copy() if is_for_all else []
        child = session_and_parent(raw)
        return self._owners.get(child[1], []).copy() if child is not None else []

    def next_wake_s(self, now_s: float) -> float:
        """Return the time at which to check the turns again.

        It is at most a second from now, so that a new turn does not have to wake the waiting thread.
        """
        at_s: list[float] = [run.state.wake_at_s for run in self.runs]
        return min([now_s + _TICK_S, *at_s])
