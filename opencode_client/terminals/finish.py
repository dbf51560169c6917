"""Finish work in spite of Ctrl-C, and close terminals when the program exits.

Written by hand beside `async_finish.py`: it uses a thread where that uses a task.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar
from weakref import finalize, ref

_PATIENCE_S = 5.0
"""The longest time to wait for the work after Ctrl-C. The work goes on after that, unless the program exits."""

_Owner = TypeVar("_Owner")
_T = TypeVar("_T")
_Outcome = tuple[Any, BaseException | None]  # Any: the result


def finish(work: Callable[[], _T]) -> _T:
    """Return the result of `work`. Ctrl-C does not interrupt the work; it is raised after it."""
    outcomes: SimpleQueue[_Outcome] = SimpleQueue()  # Ctrl-C cannot leave it locked, unlike an Event
    thread = Thread(target=copy_context().run, args=(_run, work, outcomes.put), daemon=True)
    try:
        try:
            thread.start()
        except RuntimeError:  # the system has no more threads, or the program exits
            return work()
        result, error = outcomes.get()
    except BaseException:
        _await(outcomes)
        raise
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return] # of `work`


def close_at_exit(owner: _Owner, close: Callable[[_Owner], object]) -> None:
    """Call `close` when the program exits, if `owner` still exists.

    Python closes suspended generators after it has stopped its threads. A connection that is closed then would wait
    for its thread without end.
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
    deadline = monotonic() + _PATIENCE_S
    while (left_s := deadline - monotonic()) > 0:
        try:
            outcomes.get(timeout=left_s)
        except Empty:
            return
        except BaseException:  # noqa: BLE001, S112 # Ctrl-C again: the first one is raised after the work
            continue
        return
