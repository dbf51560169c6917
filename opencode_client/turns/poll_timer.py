"""`PollTimer`: when to read a turn's session again. No I/O, no clock."""

from __future__ import annotations

from .. import errors
from .outcome import lost

AGAIN_S = 1.0
"""The seconds between two polls, and between two aborts, while the end is near."""
_FIRST_SILENCE_S, _NO_EVENTS_S = 1.0, 5.0
"""The seconds until a poll while the turn has had no event: at the first poll, and at most."""
_SILENCE_S, _PENDING_S = 20.0, 60.0
"""The seconds without an event until a poll: usually, and while the POST waits for its answer."""
_UNREACHABLE_S, _UNRESPONSIVE_S = 8.0, 30.0
"""The seconds after which a server counts as gone: if it refuses connections, and if it does not respond.

A server that does not respond may be busy. While the POST waits, its open connection shows that the server exists.
"""
_REST = 3
"""The shortest time without an event until the next poll, as a multiple of the duration of the last poll."""
_SLOW_AGAIN_S, _FAR_S = 5.0, 3600.0
_PASSING = (errors.RequestError, errors.ServerError, errors.RateLimitError, errors.EmptyResponseError)
"""Temporary errors of a poll: another poll may succeed."""


class PollTimer:
    """The time of the next poll of a session: soon after something has happened, late while nothing happens.

    `is_polling`: a poll has not ended yet. `is_stale`: more than the messages has to be read.
    """

    def __init__(self, now_s: float, *, is_due: bool) -> None:
        self.is_polling: bool = False
        self.is_stale: bool = is_due
        self._at_s: float | None = now_s if is_due else None
        self._event_s = now_s
        self._silence_s = _FIRST_SILENCE_S
        self._failing_since_s: float | None = None
        self._began_s = now_s

    def see_event(self, now_s: float, *, is_pending: bool) -> None:
        """Note an event. `is_pending`: the POST waits for its answer."""
        self._event_s, self._silence_s = now_s, _PENDING_S if is_pending else _SILENCE_S

    def see_answer(self) -> None:
        """Note the answer of the POST."""
        self._silence_s = min(self._silence_s, _SILENCE_S)

    def read_messages(self, now_s: float) -> None:
        """Plan a poll for now. It need only read the messages."""
        self._at_s = now_s

    def read_all(self, at_s: float) -> None:
        """Plan a poll for this time or before. It also reads the status, the subagents and the asks."""
        self.is_stale = True
        self._at_s = at_s if self._at_s is None else min(at_s, self._at_s)

    def next_s(self, now_s: float) -> float | None:
        """Return the time of the poll that is planned; None if only silence leads to one."""
        if self.is_polling:
            return now_s + _FAR_S
        return None if self._at_s is None else min(self.silent_s, self._at_s)

    @property
    def silent_s(self) -> float:
        """The time of the next poll if nothing happens until then."""
        return self._event_s + self._silence_s

    def begin(self, now_s: float) -> None:
        """Note that a poll begins."""
        if now_s >= self.silent_s:
            self._event_s = now_s
            self._silence_s = max(self._silence_s, min(2 * self._silence_s, _NO_EVENTS_S))
        self._at_s, self.is_stale, self.is_polling = None, False, True
        self._began_s = now_s

    def succeed(self, now_s: float) -> None:
        """Note that a poll has succeeded. If it took long, the server is busy, so the next poll is later."""
        self._failing_since_s = None
        self._silence_s = max(self._silence_s, _REST * (now_s - self._began_s))

    def fail(self, error: Exception, now_s: float, *, is_pending: bool) -> Exception | None:
        """Plan another poll after one has failed. Return the error of the turn if that does not help."""
        if isinstance(error, errors.NotFoundError):
            return lost("the session does not exist any more", stored=False)
        if not isinstance(error, _PASSING):
            return error
        self._failing_since_s = self._failing_since_s or now_s
        refuses = isinstance(error, errors.ConnectError) and type(error.__cause__).__name__ != "PoolTimeout"
        limit_s = _UNREACHABLE_S if refuses else _UNRESPONSIVE_S
        if now_s - self._failing_since_s >= limit_s and (refuses or not is_pending):
            return lost(f"the server is gone: {error}", None, error)
        self.read_all(now_s + (AGAIN_S if refuses else _SLOW_AGAIN_S))
        return None
