"""Unread output, cursor and end of a terminal. No I/O; shared by the sync and the async connection."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections import deque
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed

from ..errors import ArgumentError, OpencodeError, PtyClosedError, PtyGapError, PtyTimeoutError
from ..streams.deadline import Deadline
from ..streams.owner import Owner
from .frames import PtyControl, PtyOutput, count_units
from .handshake import HandshakeRequest, ReconnectDelays, error_from_close, is_normal_end, is_our_fault

if TYPE_CHECKING:
    from ..calls.observer import ConnectionObserver

_PIECE_CHARS = 4_096
"""The length of the pieces in which text is put back. Short pieces: reading one line then copies little."""


class TerminalState:
    """The unread output of a terminal, its end, and the delays before reconnecting."""

    def __init__(self, request: HandshakeRequest) -> None:
        self._request = request
        self._output = PtyOutput(request.options.get("cursor"))
        self._unread: deque[str | PtyGapError] = deque()
        self._delays = ReconnectDelays(request.options.get("max_attempts", 6))
        self._end: PtyClosedError | None = None
        self._observed: ConnectionObserver | None = None  # from the first connection to the end
        self._ended_normally = False  # the process ended, or the user closed this connection
        self._decoder = getincrementaldecoder("utf-8")()
        self._owner = Owner(self._elsewhere_error)

    @property
    def pty_id(self) -> str:
        """The id of the terminal."""
        return self._request.pty_id

    @property
    def cursor(self) -> int | None:
        """The end of the output that was read, in UTF-16 code units: `connect(pty_id, cursor=...)` continues there.

        None until the server has sent its first control frame, right after its replay. Servers 1.1.53 and older send
        none.
        """
        if self._output.cursor is None:
            return None
        unread = tuple(self._unread)  # text that `read_until` put back, and text after a gap
        return self._output.cursor - sum(count_units(item) for item in unread if isinstance(item, str))

    @property
    def control(self) -> PtyControl | None:
        """The last control frame."""
        return self._output.control

    def __repr__(self) -> str:
        state = "open" if self._end is None else "ended" if self._ended_normally else "broken"
        return f"<{type(self).__name__} {self.pty_id}: {state}>"

    def _add_frame(self, frame: str | bytes) -> None:
        output = self._output
        found = (output.add_text(frame),) if isinstance(frame, str) else output.add_binary(frame)
        for item in found:
            if item:
                self._unread.append(item)
                self._delays.reset()

    def _next_output(self) -> str | None:
        """Return the next unread output; None if there is none, or in a forked child. Raises PtyGapError."""
        if not self._unread or not self._owner.is_of_process():
            return None
        item = self._unread.popleft()
        if isinstance(item, PtyGapError):
            raise item
        return item

    def _put_back(self, text: str) -> None:
        """Make `text` the next output to be read."""
        starts = range(0, len(text), _PIECE_CHARS)
        self._unread.extendleft(text[start : start + _PIECE_CHARS] for start in reversed(starts))

    def _elsewhere_error(self) -> PtyClosedError:
        text = "it was opened in another process or event loop; connect to it again here"
        return PtyClosedError(f"terminal {self.pty_id}: {text}", code=1006)

    def _concurrency_error(self) -> ArgumentError:
        return ArgumentError(
            f"terminal {self.pty_id}: only one thread or task may read it, and another one does"
        )

    def _input_text(self, data: str | bytes) -> str:
        """Return input as text. An incomplete character is kept until its other bytes come."""
        try:
            if isinstance(data, str):
                data.encode()
                return data
            if not isinstance(data, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
                text = f"send() takes str or bytes, not {type(data).__name__}"  # pyright: ignore[reportUnreachable] # as above
                raise ArgumentError(f"terminal {self.pty_id}: {text}")
            return self._decoder.decode(data)
        except UnicodeError as error:
            self._decoder.reset()
            raise ArgumentError(f"terminal {self.pty_id}: input is UTF-8: {error}") from None

    def _may_reconnect(self, error: ConnectionClosed) -> bool:
        """Return True if a new connection may help. Otherwise set the end and return False."""
        if self._output.must_reconnect:
            return True
        self._ended_normally = is_normal_end(error)
        wanted = self._request.options.get("reconnect", True)
        if wanted and not self._ended_normally and not is_our_fault(error):
            return True
        self._set_end(error_from_close(self._request, error))
        return False

    def _end_broken(self, cause: OpencodeError | None) -> None:
        end = PtyClosedError(f"terminal {self.pty_id}: the connection broke", code=1006)
        end.__cause__ = cause
        self._set_end(end)

    def _set_end(self, end: PtyClosedError) -> None:
        self._end = end
        observed, self._observed = self._observed, None
        if observed is not None:
            observed.ended(None if self._ended_normally else end)

    def _end_by_close(self) -> None:
        if not self._ended_normally:
            self._ended_normally = True
            self._set_end(PtyClosedError(f"terminal {self.pty_id}: this connection was closed", code=1000))

    def _has_connected(self, *, again: bool) -> None:
        has_gap = again and not self._output.has_cursor
        observer = self._request.requests.observer
        if observer is not None:
            self._observed = self._observed or observer.terminal(self.pty_id)
            self._observed.connected(is_again=again, has_gap=has_gap)
        if has_gap:
            text = "the connection broke, and this server cannot say whether output of the terminal is lost"
            self._unread.append(PtyGapError(f"terminal {self.pty_id}: {text}", lost=None))
        self._output.connected()
        self._delays.connected()

    def _closed_error(self, seen: str = "") -> PtyClosedError:
        """Return a new error with the reason why the terminal ended."""
        end = self._end
        assert end is not None  # noqa: S101 # called after the end only
        error = PtyClosedError(_with_seen(str(end), seen), code=end.code, reason=end.reason, seen=seen)
        error.__cause__ = end.__cause__
        return error

    def _timeout_error(self, what: str, deadline: Deadline, seen: str = "") -> PtyTimeoutError:
        text = f"terminal {self.pty_id}: {what} within {deadline.timeout:g} s"
        return PtyTimeoutError(_with_seen(text, seen), seen=seen)


def _with_seen(text: str, seen: str) -> str:
    return f"{text}; seen: {seen[-500:]!r}" if seen else text
