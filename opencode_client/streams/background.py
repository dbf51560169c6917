"""Work in the background, and waiting for it, in threads. `async_background.py` has the same names for tasks.

Locks that are written in Python (Condition, Semaphore) may stay locked if Ctrl-C comes at a wrong moment. So waiters
use queues, whose methods Ctrl-C cannot split.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from os import getpid
from queue import Empty, SimpleQueue
from socket import socket
from threading import Thread, current_thread
from typing import Any, TypeVar
from weakref import finalize, ref

from ..calls.sockets import end
from .deadline import Deadline

_JOIN_S = 1.0
"""The longest time to wait for a thread: closing its stream does not wake it while it connects."""
_PATIENCE_S = 5.0
"""The longest time to wait for the work after Ctrl-C. The work goes on after that, unless the program exits."""

_Owner = TypeVar("_Owner")
_T = TypeVar("_T")
_Outcome = tuple[Any, BaseException | None]  # Any: the result


def here() -> object:
    """Return the process id."""
    return getpid()


class Waiters:
    """The threads that wait for some condition."""

    def __init__(self) -> None:
        self._wakes: list[SimpleQueue[None]] = []

    def wake(self) -> None:
        """Let all waiters check their condition again."""
        for wakes in tuple(self._wakes):
            wakes.put(None)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until the condition is true, and return True; return False after the timeout."""
        if condition():
            return True
        deadline, wakes = Deadline(timeout_s), SimpleQueue[None]()
        self._wakes.append(wakes)
        try:
            while not condition():
                wakes.get(timeout=deadline.left_s())
        except Empty:
            return condition()
        finally:
            self._wakes.remove(wakes)
        return True


class Background:
    """Work in a thread of its own."""

    def __init__(self, work: Callable[[], None], name: str) -> None:
        """Start the work."""
        self._thread = Thread(target=copy_context().run, args=(work,), daemon=True, name=name)
        self._thread.start()

    def end(self, close: Callable[[], None]) -> None:
        """Call `close`, which makes the work end, and wait for the end, 1 second at most."""
        close()
        if self._thread is not current_thread():  # it may be: `on_gap` of a stream runs there
            self._thread.join(_JOIN_S)


class Workers:
    """Threads for small jobs. A thread without a job takes the next one: a new thread costs more than most jobs do."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._idle: list[SimpleQueue[Callable[[], None] | None]] = []
        self._has_ended = False

    def start(self, work: Callable[[], None]) -> object:
        """Start a job. A thread cannot be stopped, so this returns nothing."""
        in_context = partial(copy_context().run, work)
        try:
            self._idle.pop().put(in_context)
        except IndexError:
            Thread(target=self._serve, args=(in_context,), daemon=True, name=self._name).start()
        return None

    def end(self) -> None:
        """Let the threads end, each after its work."""
        self._has_ended = True
        with suppress(IndexError):
            while True:
                self._idle.pop().put(None)

    def _serve(self, work: Callable[[], None] | None) -> None:
        jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        while work is not None:
            work()
            del work  # frees its objects before the next job comes
            self._idle.append(jobs)
            if self._has_ended:
                self.end()
            work = jobs.get()


def finish(work: Callable[[], _T], hurry: Callable[[], object] = bool) -> _T:
    """Return the result of `work`. Ctrl-C does not interrupt the work; it is raised after it.

    `hurry` is called at the first Ctrl-C.
    """
    outcomes: SimpleQueue[_Outcome] = SimpleQueue()  # Ctrl-C cannot leave it locked, unlike an Event
    thread = Thread(target=copy_context().run, args=(_run, work, outcomes.put), daemon=True)
    try:
        try:
            thread.start()
        except RuntimeError:  # the system has no more threads, or the program exits
            return work()
        result, error = outcomes.get()
    except BaseException:
        hurry()
        _await(outcomes)
        raise
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return] # of `work`


def end_connection(network_stream: Any) -> None:  # Any: of httpcore; importing its type takes time
    """End a connection. A thread that reads from it gets the end of the stream, or an error."""
    end(network_stream.get_extra_info("socket"))


def reader(network_stream: Any) -> Callable[[int, float | None], bytes]:  # Any: as above
    """Return a function that takes a number of bytes and a timeout in seconds, and reads at most that many bytes.

    Without TLS, it reads from the socket itself: httpcore's `read` would double the time of a small read.
    """
    connection = network_stream.get_extra_info("socket")
    if type(connection) is not socket or network_stream.get_extra_info("ssl_object") is not None:
        return network_stream.read  # type: ignore[no-any-return] # of httpcore

    def read(most_bytes: int, timeout_s: float | None) -> bytes:
        if connection.gettimeout() != timeout_s:
            connection.settimeout(timeout_s)
        return connection.recv(most_bytes)

    return read


def close_at_exit(owner: _Owner, close: Callable[[_Owner], object]) -> None:
    """Call `close` when the program exits, if `owner` still exists.

    Python closes suspended generators after it has stopped its threads. A connection that is closed then would wait
    for its thread for ever.
    """
    finalize(owner, _close, ref(owner), close)


def _close(owner: ref[_Owner], close: Callable[[_Owner], object]) -> None:
    existing = owner()
    if existing is not None:  # None: it was deleted before the program exits
        close(existing)


def _run(work: Callable[[], object], put: Callable[[_Outcome], object]) -> None:
    try:
        outcome: _Outcome = work(), None
    except BaseException as error:  # noqa: BLE001 # raised by `finish`
        outcome = None, error
    put(outcome)


def _await(outcomes: SimpleQueue[_Outcome]) -> None:
    deadline = Deadline(_PATIENCE_S)
    while left_s := deadline.left_s():
        try:
            outcomes.get(timeout=left_s)
        except Empty:
            return
        except BaseException:  # noqa: BLE001, S112 # Ctrl-C again: the first one is raised after the work
            continue
        return
