"""Receive the events of a stream in threads: connect, read, and connect again when the connection is lost.

`async_receiver.py` does the same in tasks. Both are written by hand: one thread may close a stream at any step of
another, a task only where that other task waits.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from threading import Event, Lock, RLock, Thread
from time import monotonic
from typing import Generic, TypeVar

import httpx

from ..errors import OpencodeError, StreamClosedError
from .background import here
from .connection import StreamConnection
from .event_decoder import StreamItem
from .home import Home
from .items import Items
from .reconnect import StreamState
from .subscriber_queue import no_item_yet

E = TypeVar("E")


class EventReceiver(Items[StreamItem[E]], Generic[E]):
    """Receives the items of one event stream. Closed by `close`, which any thread may call; not reusable."""

    def __init__(self, connect: Callable[[], StreamConnection], state: StreamState[E]) -> None:
        """Create a receiver. `connect` returns a new connection, which is not open yet."""
        self._connect = connect
        self._state = state
        self._home = Home()
        self._closed = Event()
        self._using = RLock()
        """Held by the thread that reads. `with` takes it, which Ctrl-C cannot interrupt at a wrong moment."""
        self._is_reading = False
        self._has_ended = False
        self._connect_at_s = 0.0  # on the monotonic clock
        self._connection: StreamConnection | None = None
        self._is_noted = False  # that the connection is open
        self._step: _Step | None = None
        self._release: weakref.finalize[[], EventReceiver[E]] | None = None

    def open(self) -> None:
        """Connect before the first item is wanted, unless the server sends nothing before its first event.

        Raises:
            StreamClosedError: the stream is closed, or was closed meanwhile.
            OpencodeError: the server cannot be reached, or it sent no event stream.
        """
        self._home.enter(here())
        with self._using:
            self._has_ended = False  # after an attempt that failed
            while not self._closed.is_set() and self._state.resumes is None and not self._state.connections:
                self._advance(None)
        if self._closed.is_set():
            self._close_unused()
            raise StreamClosedError("this stream was closed; subscribe again")

    def close(self) -> None:
        """Close the connection. An iteration that waits for an item ends."""
        self._closed.set()
        if not self._home.is_here(here()):
            return  # the parent uses the connection
        connection, step = self._connection, self._step
        if connection is not None:
            connection.aborter.abort()
        if step is not None:
            step.wake()
        self._close_unused()

    def __next__(self) -> StreamItem[E]:
        self._home.enter(here())
        if not self._state.items and not self._wait(None):
            raise StopIteration
        return self._state.take()

    def take(self, timeout_s: float | None) -> list[StreamItem[E]]:
        self._home.enter(here())
        return [self._state.take()] if self._state.items or self._wait(timeout_s) else []

    def _wait(self, timeout_s: float | None) -> bool:
        """Wait for items. Return False at the end. Raises StreamTimeoutError."""
        end_s = None if timeout_s is None else monotonic() + timeout_s
        left_s = timeout_s
        try:
            with self._using:
                while not self._state.items:
                    if self._closed.is_set() or self._has_ended:
                        return False
                    self._advance(left_s)
                    if end_s is not None and not self._state.items:
                        left_s = end_s - monotonic()
                        if left_s <= 0 and not self._closed.is_set() and not self._has_ended:
                            raise no_item_yet(timeout_s)
                return True
        finally:
            if self._closed.is_set():
                self._close_unused()

    def _advance(self, most_s: float | None) -> None:
        """Do the next step: wait until it is time to connect, connect, or read. Takes at most `most_s` seconds."""
        if self._is_reading:
            raise OpencodeError("this stream is being read: its own on_gap must not read it")
        self._is_reading = True
        try:
            self._do_step(most_s)
        except httpx.RequestError as cause:
            assert self._connection is not None  # noqa: S101 # it raised this
            self._lose(self._connection.error(cause))
        except OpencodeError as error:
            self._lose(error)
        except BaseException:  # such as KeyboardInterrupt: bytes may be lost, so the next step makes a gap
            self._drop()
            raise
        finally:
            self._is_reading = False

    def _do_step(self, most_s: float | None) -> None:
        state, connection = self._state, self._connection
        if connection is None:
            delay_s = self._connect_at_s - monotonic()
            if delay_s > 0:
                self._closed.wait(delay_s if most_s is None else min(delay_s, most_s))
                return
            connection = self._connection = self._connect()
            self._is_noted = False
            self._release = weakref.finalize(self, connection.close)
            if self._closed.is_set():  # `close` may have looked for it too early
                return
        pieces = self._result(connection, most_s)
        if connection.is_open and not self._is_noted:  # a step that nobody waited for may have opened it
            self._is_noted = True
            state.connected()
        for piece in pieces:
            state.feed(piece)
        if connection.has_ended:
            self._lose(None)

    def _result(self, connection: StreamConnection, most_s: float | None) -> list[bytes]:
        """Return the result of the connection's next step; nothing if it takes longer than `most_s`.

        Nothing ends a step of httpx in time and without a loss. So where it must not be waited for, it has a thread.
        """
        limit_s = connection.limit_s
        if self._step is None and connection.is_exclusive and (most_s is None or connection.is_direct):
            return connection.step(most_s)
        step = self._step = self._step or _Step(connection, limit_s)
        if not step.wait(most_s):
            return []
        self._step = None
        return step.result()

    def _lose(self, error: OpencodeError | None) -> None:
        """Close the connection, and note when to connect again.

        Raises:
            OpencodeError: `error`, if the stream ends with it.
        """
        self._drop()
        if self._closed.is_set():
            return
        self._has_ended = True
        delay_s = self._state.delay_before_next(error)
        if delay_s is not None:
            self._has_ended = False
            self._connect_at_s = monotonic() + delay_s

    def _drop(self) -> None:
        """Close the connection, or let the thread close it that still uses it."""
        step, self._step = self._step, None
        connection, self._connection = self._connection, None
        release, self._release = self._release, None
        if release is None or connection is None:
            return
        if step is None:
            release()
        else:
            release.detach()
            connection.aborter.abort()
            step.abandon()

    def _close_unused(self) -> None:
        """Close the connection, unless a thread reads; that thread then closes it."""
        if self._using.acquire(blocking=False):
            try:
                if not self._is_reading:
                    self._drop()
            finally:
                self._using.release()


class _Step:
    """One step of a connection, in a thread of its own."""

    def __init__(self, connection: StreamConnection, limit_s: float | None) -> None:
        self._connection = connection
        self._limit_s = limit_s
        self._end_s = None if limit_s is None else monotonic() + limit_s
        self._lock = Lock()
        self._has_ended = False
        self._is_abandoned = False
        self._woken = Event()
        self._pieces: list[bytes] = []
        self._error: BaseException | None = None
        Thread(target=self._run, daemon=True, name="opencode-stream").start()

    def wait(self, most_s: float | None) -> bool:
        """Wait at most `most_s` seconds, and return True if the step has ended.

        Raises:
            httpx.ReadTimeout: it has not ended within its limit.
        """
        left_s = [] if self._end_s is None else [self._end_s - monotonic()]
        self._woken.wait(min([*left_s, most_s] if most_s is not None else left_s, default=None))
        if not self._has_ended and self._end_s is not None and monotonic() >= self._end_s:
            raise httpx.ReadTimeout(f"not a byte for {self._limit_s:g} s")
        return self._has_ended

    def wake(self) -> None:
        """End `wait`, now and from now on."""
        self._woken.set()

    def result(self) -> list[bytes]:
        """Return the result of the step, or raise its error."""
        if self._error is not None:
            raise self._error
        return self._pieces

    def abandon(self) -> None:
        """Close the connection when the step has ended."""
        with self._lock:
            self._is_abandoned = True
            has_ended = self._has_ended
        if has_ended:
            self._connection.close()

    def _run(self) -> None:
        try:
            self._pieces = self._connection.step(None)
        except BaseException as error:  # noqa: BLE001 # raised by `result`
            self._error = error
        with self._lock:
            self._has_ended = True
            is_abandoned = self._is_abandoned
        if is_abandoned:
            self._connection.close()
        self._woken.set()
