"""The asks of one turn: which are decided by policies, which wait for a person, which are closed. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from ..errors import NotFoundError
from .inputs import Action, Decide, ReplyTo
from .policies import Answered, answered, decide
from .result import TurnReply
from .updates import Ask, AskClosed, PermissionAsk, Update


@define(eq=False)
class _Entry:
    """An ask's state. `is_open`: it waits for a person. `is_closed`: it waits no more. `sent`: the policy's reply."""

    ask: Ask | None
    since_s: float
    is_open: bool = False
    is_closed: bool = False
    sent: TurnReply | None = None


@define(eq=False)
class KnownAsks:
    """The asks that a turn or a feed knows, open or closed, and the replies that were sent."""

    permissions: object
    questions: object
    may_ask: bool
    replies: list[TurnReply] = field(factory=list[TurnReply])
    _entries: dict[str, _Entry] = field(factory=dict[str, _Entry])

    def __bool__(self) -> bool:
        return bool(self._entries)

    def add(self, ask: Ask, now_s: float) -> list[Update | Action]:
        """Add an ask. If it is new, return its updates and actions."""
        if ask.id in self._entries:
            return []
        self._entries[ask.id] = _Entry(ask, now_s)
        policy = self.permissions if isinstance(ask, PermissionAsk) else self.questions
        if callable(policy):
            return [Decide(ask, policy)]
        return self._decided(ask, decide(ask, policy, may_ask=self.may_ask))

    @property
    def open(self) -> list[Ask]:
        """The asks that wait for a person."""
        return [one.ask for one in self._entries.values() if one.ask is not None and one.is_open]

    def waited_for(self) -> str:
        """Return the end of an error's message: the asks that wait for a person; "" if there are none."""
        names = [
            f"the permission {ask.permission!r} ({ask.id})"
            if isinstance(ask, PermissionAsk)
            else f"the question {', '.join(repr(one.header) for one in ask.questions)} ({ask.id})"
            for ask in self.open
        ]
        todo = "answer it in time, or pass permissions= or questions="
        return f"; it waited for an answer to {', '.join(names)}: {todo}" if names else ""

    def reject(self) -> list[Update | Action]:
        """Reject all waiting asks: with waiting asks, 1.1.x does not even end an aborted turn."""
        waiting = [one.ask for one in self._entries.values() if one.ask is not None and not one.is_closed]
        return [ReplyTo(ask, "reject") for ask in waiting]

    def close(self, session_id: str, ask_id: str) -> list[Update | Action]:
        """Note that an ask does not wait any more. If it waited for a person, return an AskClosed."""
        entry = self._entries.setdefault(ask_id, _Entry(None, 0.0))
        was_open, entry.is_open, entry.is_closed = entry.is_open, False, True
        return [AskClosed(ask_id, session_id)] if was_open else []

    def end(self) -> list[Update | Action]:
        """Close the asks that are open: the turn is over.

        A reply without a response yet counts if its ask is closed: then the event was faster than the response.
        """
        late = [one.sent for one in self._entries.values() if one.is_closed]
        self.replies += [reply for reply in late if reply is not None]
        return [update for ask in self.open for update in self.close(ask.session_id, ask.id)]

    def compare(
        self, pending: Sequence[Ask], directory: str, since_s: float, now_s: float
    ) -> list[Update | Action]:
        """Read the list of all waiting asks in a directory: add new ones, and close those that are not in it.

        The list was read at `since_s` or later, so asks that were added after `since_s` are not closed.
        """
        out = [one for ask in pending for one in self.add(ask, now_s)]
        ids = {ask.id for ask in pending}
        for ask_id, entry in list(self._entries.items()):
            if (
                entry.ask is not None
                and entry.ask.directory == directory
                and not entry.is_closed
                and ask_id not in ids
                and entry.since_s <= since_s
            ):
                out += self.close(entry.ask.session_id, ask_id)
        return out

    def decided(self, value: object, ask: Ask) -> list[Update | Action]:
        """Read the value that the user's function returned. Raises ArgumentError if it is no decision."""
        return self._decided(ask, answered(ask, value, may_ask=self.may_ask))

    def replied(self, reply: ReplyTo, error: Exception | None) -> list[Update | Action]:
        """Read the outcome of a reply. After an error, the ask counts as new when it is listed again."""
        ask = reply.ask
        if ask.id in self._entries:
            self._entries[ask.id].sent = None
        if error is not None and not isinstance(error, NotFoundError):
            self._entries.pop(ask.id, None)
            return []
        if error is None:
            self.replies.append(TurnReply(ask, reply.decision))
        return self.close(ask.session_id, ask.id)

    def _decided(self, ask: Ask, decision: Answered) -> list[Update | Action]:
        entry = self._entries[ask.id]
        if entry.is_closed:
            return []
        if decision == "ask":
            entry.is_open = True
            return [ask]
        entry.sent = TurnReply(ask, decision)
        return [ReplyTo(ask, decision)]
