"""The connection that a receiver uses, for threads. `async_link.py` has the same names for tasks.

Both are written by hand: a task can be cancelled at each `await`, and a thread cannot be stopped.
"""

from __future__ import annotations

import weakref
from threading import Event, Thread
from threading import RLock as RLock

import httpx

from .connection import StreamConnection
from .deadline import Deadline


class Link:
    """One connection of a stream. Closed by `close`, or when the link is garbage-collected."""

    def __init__(self, connection: StreamConnection) -> None:
        self.connection = connection
        self.is_closing: bool = False
        self._step: _Step | None = None
        self.release: weakref.finalize[[], Link] = weakref.finalize(self, connection.close)
        """Closes the connection at its first call."""

    def step(self, most_s: float | None) -> bytes:
        """Return the bytes of the connection's next step; b"" if it takes longer than `most_s`.

        A step of httpx cannot be ended in time without losing bytes. So it has a thread of its own if this call must
        not wait for its end.
        """
        connection = self.connection
        if self._step is None and connection.is_exclusive and (most_s is None or connection.is_direct):
            return connection.step(most_s)
        step = self._step = self._step or _Step(self)
        if not step.wait(most_s):
            return b""
        self._step = None
        return step.result()

    def wake(self) -> None:
        """End the running step."""
        step = self._step
        self.connection.aborter.abort()
        if step is not None:
            step.woken.set()

    def close(self) -> None:
        """Close the connection. If a thread still uses it, that thread closes it."""
        if self.is_closing:
            return  # the thread of the last step may still use the connection
        self.is_closing = True
        step, self._step = self._step, None
        if step is None:
            self.release()
        else:
            self.connection.aborter.abort()
            step.abandon()


class _Step:
    """One step of a connection, in a thread of its own. It refers to the link, so the link is not garbage-collected."""

    def __init__(self, link: Link) -> None:
        """Start the step."""
        self._link = link
        self._deadline = Deadline(link.connection.limit_s)
        self._has_ended = False
        self._is_abandoned = False
        self._received: bytes = b""
        self._error: BaseException | None = None
        self.woken: Event = Event()
        """Set it to end this `wait` and all later ones."""
        Thread(target=self._run, daemon=True, name="opencode-stream").start()

    def wait(self, most_s: float | None) -> bool:
        """Wait at most `most_s` seconds, and return True if the step has ended.

        Raises:
            httpx.ReadTimeout: it has not ended within its limit.
        """
        self.woken.wait(self._deadline.at_most_s(most_s))
        if not self._has_ended and self._deadline.left_s() == 0:
            raise httpx.ReadTimeout(f"not a byte for {self._deadline.timeout:g} s")
        return self._has_ended

    def result(self) -> bytes:
        """Return the result of the step, or raise its error."""
        if self._error is not None:
            raise self._error
        return self._received

    def abandon(self) -> None:
        """Close the connection when the step has ended."""
        self._is_abandoned = True
        if self._has_ended:  # read after the assignment; `_run` does both in the other order
            self._link.release()

    def _run(self) -> None:
        try:
            self._received = self._link.connection.step(None)
        except BaseException as error:  # noqa: BLE001 # raised by `result`
            self._error = error
        self._has_ended = True
        if self._is_abandoned:
            self._link.release()
        self.woken.set()
