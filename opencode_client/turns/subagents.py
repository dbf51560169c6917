"""The subagents of a turn: their sessions, states and messages. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator

from .inputs import MessageSeen, SessionSeen
from .updates import SubagentChanged


class Subagents:
    """The sessions of the subagents of one session, however deep. `messages` are those of the model, by id."""

    def __init__(self, session_id: str) -> None:
        self.messages: dict[str, MessageSeen] = {}
        self._root = session_id
        self._sessions: dict[str, SessionSeen] = {}
        self._statuses: dict[str, str] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._sessions)

    def is_ours(self, session_id: str) -> bool:
        """Return True for the turn's own session, and for those of its subagents."""
        return session_id == self._root or session_id in self._sessions

    def add(self, session: SessionSeen) -> list[SubagentChanged]:
        """Add a session if its parent is one of these sessions."""
        if self.is_ours(session.session_id) or not self.is_ours(session.parent_id):
            return []
        self._sessions[session.session_id] = session
        return self.change(session.session_id, "started")

    def change(self, session_id: str, status: str) -> list[SubagentChanged]:
        """Note the status of a session."""
        session = self._sessions.get(session_id)
        if session is None or self._statuses.get(session_id) == status:
            return []
        self._statuses[session_id] = status
        return [SubagentChanged(session_id, session.parent_id, status, session.title)]
