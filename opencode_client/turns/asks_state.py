"""`AsksState`: the asks that wait, as a state machine. No I/O and no clock: every input comes with the time.

A server keeps asks in memory, for each directory, and lists them. Events show new asks and answers. The list is read at
the start and after a gap. A stream that ends before its first event may never have one (`/event` of 1.14.48): then the
list is polled. An ask can end without an event, because its turn was aborted: so the list is also read when its session
becomes idle, and from time to time while an ask waits.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..errors import AuthenticationError, ClientClosedError
from ..logs import fields
from . import inputs
from .inputs import Action, Asked, Done, Input, SessionSeen, TurnPlan
from .known_asks import KnownAsks
from .subagents import Subagents
from .updates import Ask, TurnGap, Update

logger: logging.Logger = logging.getLogger(__package__)

_AT_ONCE = 4
"""The largest number of requests at the same time. A request may make the server start an instance for a directory."""
_NO_EVENTS_S, _AGAIN_S = 2.0, 20.0
"""Seconds between two reads of a list: while lists are polled; else, for directories with asks or after an error."""
_FAR_S = 3600.0
_ALL = ""
"""Stands for all directories: the first action for it is to find them."""


class AsksState:
    """The state of one feed of asks. `feed` returns updates for the user, and actions for the driver.

    `directories` are those that the feed knows. After the end, `is_over` is True and `error` is set if there is one.
    """

    def __init__(self, plan: TurnPlan, now_s: float) -> None:
        self.plan = plan
        self.is_over: bool = False
        self.error: Exception | None = None
        self.subagents: Subagents = Subagents(plan.session_id)
        self.directories: dict[str, None] = {}
        self.wake_at_s: float = now_s
        """The time at which `feed` has to be called, even if nothing happens."""
        self._asks = KnownAsks("ask", "ask", may_ask=True)
        self._due: dict[str, None] = {}  # in this order
        self._listing: set[str] = set()
        self._failed: set[str] = set()
        self._has_events = self._polls = False
        self._list(plan.directory or _ALL)

    def feed(self, item: Input, now_s: float) -> list[Update | Action]:
        """Read one input. Return the updates and actions that follow from it, in order."""
        if self.is_over:
            return []
        out = self._read(item, now_s)
        if now_s >= self.wake_at_s:
            some = [*self._failed, *(ask.directory for ask in self._asks.open)]
            self._list(*(self.directories if self._polls else some))
            self._failed.clear()
        for place in [one for one in self._due if one not in self._listing][: _AT_ONCE - len(self._listing)]:
            del self._due[place]
            self._listing.add(place)
            out.append(inputs.FindDirectories() if place == _ALL else inputs.ListAsks(place, now_s))
        delay_s = _NO_EVENTS_S if self._polls else _AGAIN_S
        if self._listing:
            self.wake_at_s = now_s + _FAR_S
        elif not now_s < self.wake_at_s <= now_s + delay_s:
            self.wake_at_s = now_s + delay_s
        return out

    def _read(self, item: Input, now_s: float) -> list[Update | Action]:
        match item:
            case Asked() if self._is_mine(item.session_id):
                return self._asks.add(item.ask, now_s)
            case inputs.AskGone():
                return self._asks.close(item.session_id, item.ask_id)
            case SessionSeen():
                self._add_session(item)
            case inputs.SessionGone():
                return self._close([ask for ask in self._asks.open if ask.session_id == item.session_id])
            case inputs.InstanceGone():
                if item.directory in self._listing:
                    self._list(item.directory)
                return self._close([ask for ask in self._asks.open if ask.directory == item.directory])
            case inputs.StatusSeen(kind="idle"):
                self._list(*(ask.directory for ask in self._asks.open if ask.session_id == item.session_id))
            case inputs.DirectorySeen():
                self._list(item.directory)
            case inputs.EventsWork():
                self._has_events, self._polls = True, False
            case inputs.Gap():
                has_polled, self._polls = self._polls, not self._has_events and bool(self.plan.directory)
                self._list(*self.directories)
                return [] if has_polled else [TurnGap(item.reason)]
            case Done():
                return self._end_action(item, now_s)
            case _:
                pass
        return []

    def _end_action(self, done: Done, now_s: float) -> list[Update | Action]:
        action, error = done.action, done.error
        if isinstance(action, inputs.ReplyTo):
            return self._asks.replied(action, error)
        place = action.directory if isinstance(action, inputs.ListAsks) else _ALL
        self._listing.discard(place)
        if isinstance(error, ClientClosedError | AuthenticationError):
            self.is_over = True
            self.error = error if isinstance(error, AuthenticationError) else None
        elif error is not None:
            text = "the asks in %s are listed again soon: %s"
            logger.info(text, place or "all directories", error, extra=fields("permission.list"))
            self._failed.add(place)
        elif not isinstance(action, inputs.ListAsks):
            self._list(*(one for one in done.value if one not in self.directories))
        else:
            for child in done.value.children:
                self._add_session(child)
            pending = [ask for ask in done.value.asks if self._is_mine(ask.session_id)]
            return self._asks.compare(pending, place, action.since_s, now_s)
        return []

    def _is_mine(self, session_id: str) -> bool:
        return not self.plan.session_id or self.subagents.is_ours(session_id)

    def _add_session(self, session: SessionSeen) -> None:
        """Add a subagent. An event may have shown its asks before it was known, so list them."""
        if self.plan.session_id and self.subagents.add(session):
            self._list(self.plan.directory)

    def _list(self, *places: str) -> None:
        self.directories.update(dict.fromkeys(places))
        self._due.update(dict.fromkeys(places))

    def _close(self, asks: Sequence[Ask]) -> list[Update | Action]:
        return [one for ask in asks for one in self._asks.close(ask.session_id, ask.id)]
