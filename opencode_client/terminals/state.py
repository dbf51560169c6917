"""What a terminal is in both worlds: what came, what is given out, and how it ended. Pure."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol, TypeAlias

from websockets.exceptions import ConnectionClosed

from ..errors import ArgumentError, OpencodeError, PtyClosedError, PtyGapError, PtyTimeoutError
from .exit_watch import Exit
from .frames import PtyControl, PtyOutput, units
from .handshake import Failures, HandshakeRequest, closed, is_end, is_our_fault

Pattern: TypeAlias = "str | re.Pattern[str]"

FRAMES = 16
"""Frames that are read ahead; then the server has to wait, which keeps what does not fit."""
REACH = 65_536
"""How many characters before what came last a match of an expression may begin, at least."""
_PIECE = 4_096
"""Characters."""
EXIT_S = 2.0
"""How long after a terminal's end its exit code may come."""


class PtyCalls(Protocol):
    """What a namespace of terminals is asked for: `client.pty` and `client.v2.pty`."""

    @property
    def get(self) -> Callable[..., Any]: ...
    @property
    def update(self) -> Callable[..., Any]: ...
    @property
    def connect_token(self) -> Callable[..., Any]: ...


class Terminal:
    """What the connections of both worlds have: pure."""

    def __init__(self, request: HandshakeRequest) -> None:
        self._request = request
        self._output = PtyOutput(request.options.get("cursor"))
        self._items: deque[str | PtyGapError] = deque()  # read and not given out
        self._failures = Failures(request.options)
        self._over: PtyClosedError | None = None
        self._clean = False  # it ended as it should, or was closed here
        self._exit: Exit | None = None
        self._joined = False  # its exit is watched
        self._decoder = getincrementaldecoder("utf-8")()

    @property
    def pty_id(self) -> str:
        """The terminal."""
        return self._request.pty_id

    @property
    def cursor(self) -> int | None:
        """Where the output ends that was given out, in UTF-16 code units: `connect(pty_id, cursor=...)` goes on there.

        None as long as the server has not said, which it does behind its replay, and 1.1.53 and older never do.
        """
        if self._output.cursor is None:
            return None
        waiting = tuple(self._items)  # what `read_until` put back, and what came behind a gap
        return self._output.cursor - sum(units(item) for item in waiting if isinstance(item, str))

    @property
    def control(self) -> PtyControl | None:
        """The last control frame."""
        return self._output.control

    def __repr__(self) -> str:
        state = "open" if self._over is None else "ended" if self._clean else "broken"
        return f"<{type(self).__name__} {self.pty_id}: {state}>"

    def _take(self, frame: str | bytes) -> None:
        found: list[str | PtyGapError]
        found = [self._output.text(frame)] if isinstance(frame, str) else self._output.binary(frame)
        for item in found:
            if item:
                self._items.append(item)
                self._failures.reset()

    def _next(self) -> str | None:
        """What can be given out now. Raises PtyGapError."""
        if not self._items:
            return None
        item = self._items.popleft()
        if isinstance(item, PtyGapError):
            raise item
        return item

    def _put_back(self, text: str) -> None:
        """Have it read again: in pieces, so that taking a line of it leaves little to copy."""
        starts = range(0, len(text), _PIECE)
        self._items.extendleft(text[start : start + _PIECE] for start in reversed(starts))

    def _input(self, data: str | bytes) -> str:
        try:
            if isinstance(data, str):
                data.encode()
                return data
            return self._decoder.decode(data)
        except UnicodeError as error:
            self._decoder.reset()
            raise ArgumentError(f"terminal {self.pty_id}: input is UTF-8: {error}") from None

    def _may_come_back(self, error: ConnectionClosed) -> bool:
        """Whether a lost connection is made again; else the terminal is over."""
        self._clean = is_end(error)
        if not self._clean and not is_our_fault(error) and self._request.options.get("reconnect", True):
            return True
        self._over = closed(self._request, error)
        return False

    def _gave_up(self, cause: OpencodeError | None) -> None:
        self._over = PtyClosedError(f"terminal {self.pty_id}: the connection broke", code=1006)
        self._over.__cause__ = cause

    def _came_back(self) -> None:
        if not self._output.has_cursor:
            text = "the connection broke, and this server cannot say whether output of the terminal is lost"
            self._items.append(PtyGapError(f"terminal {self.pty_id}: {text}", lost=None))
        self._connected_anew()

    def _connected_anew(self) -> None:
        self._output.connected()
        self._failures.connected()

    def _stirs(self, exit_: Exit, gaps: int) -> bool:
        """Whether there is something to look at for who waits for the exit."""
        return exit_.gone or self._over is not None or exit_.gaps > gaps

    def _closed_here(self) -> None:
        if self._clean:  # it had ended before
            return
        self._over = PtyClosedError(f"terminal {self.pty_id}: this connection was closed", code=1000)
        self._clean = True

    def _ended(self, seen: str = "") -> PtyClosedError:
        over = self._over
        assert over is not None  # noqa: S101 # called when it is over
        error = PtyClosedError(_with_seen(str(over), seen), code=over.code, reason=over.reason, seen=seen)
        error.__cause__ = over.__cause__
        return error

    def _timeout(self, what: str, timeout: float | None, seen: str = "") -> PtyTimeoutError:
        text = f"terminal {self.pty_id}: {what} within {timeout:g} s" if timeout is not None else what
        return PtyTimeoutError(_with_seen(text, seen), seen=seen)


def _with_seen(text: str, seen: str) -> str:
    return f"{text}; seen: {seen[-500:]!r}" if seen else text


class Expected:
    """Looks for a pattern in text as it comes; what it costs does not grow with what has come before."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._far: list[str] = []  # no match can begin here
        self._near = ""
        self._reach = len(pattern) - 1 if isinstance(pattern, str) else REACH

    @property
    def seen(self) -> str:
        """What came and was not found to be up to a match."""
        return "".join((*self._far, self._near))

    def feed(self, text: str) -> str | None:
        """What was seen up to the end of the match, after which `seen` is what came behind; None without a match."""
        self._near += text
        end = self._end()
        if end is None:
            self._leave_behind()
            return None
        found = "".join((*self._far, self._near[:end]))
        self._far, self._near = [], self._near[end:]
        return found

    def _end(self) -> int | None:
        if isinstance(self._pattern, str):
            found = self._near.find(self._pattern)
            return found + len(self._pattern) if found >= 0 else None
        start = 1 if self._far else 0  # at 0, ^ would be the beginning of all
        match = self._pattern.search(self._near, start)
        return match.end() if match else None

    def _leave_behind(self) -> None:
        if len(self._near) > 2 * self._reach:
            end = len(self._near) - self._reach
            self._far.append(self._near[:end])
            self._near = self._near[end:]

    def __str__(self) -> str:
        return repr(self._pattern if isinstance(self._pattern, str) else self._pattern.pattern)


def size_body(rows: int, cols: int) -> dict[str, int]:
    if rows < 1 or cols < 1:
        raise ArgumentError(f"a terminal has at least one row and one column, not {rows} and {cols}")
    return {"rows": rows, "cols": cols}


def until(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - monotonic())


def ticket_in(answer: Any) -> str:  # Any: of either core
    ticket: str = getattr(answer, "data", answer).ticket
    return ticket


def is_running(answer: Any) -> bool:  # Any: as above
    return bool(getattr(answer, "data", answer).status == "running")
