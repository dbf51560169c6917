"""Pause a thread at a chosen line, so that a race that a lock must prevent happens in every run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import FrameType, FunctionType
from typing import Any, TypeVar

T = TypeVar("T")

BLOCKED_S = 0.15
"""A thread that has not ended after this time waits for a lock of the paused one."""
_PATIENCE_S = 10.0


class Switch:
    """Pauses the first thread in `function` before one of its lines, until another thread has run `act`.

    Lines count from 0 as they are run. If `act` waits for the paused thread, the pause ends, and `act` ends later.
    """

    def __init__(self, function: Callable[..., object], line: int, act: Callable[[], object]) -> None:
        assert isinstance(function, FunctionType)
        self._code = function.__code__
        self._lines_left = line
        self._act = act
        self._paused: int | None = None  # the thread
        self._errors: list[BaseException] = []
        self._other = threading.Thread(target=self._run)
        self.happened = False

    def trace(self, frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:  # Any: itself
        """The trace function for `threading.settrace`."""
        if frame.f_code is not self._code or self._paused not in (None, threading.get_ident()):
            return None
        self._paused = threading.get_ident()
        return self._trace_line

    def _trace_line(self, frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if event == "line" and not self.happened:
            if self._lines_left == 0:
                self.happened = True
                self._other.start()
                self._other.join(BLOCKED_S)
            self._lines_left -= 1
        return self._trace_line

    def _run(self) -> None:
        try:
            self._act()
        except BaseException as error:  # noqa: BLE001 # raised by `finish`
            self._errors.append(error)

    def finish(self) -> None:
        """Wait until `act` has ended. Raises its error."""
        if self.happened:
            self._other.join(_PATIENCE_S)
            assert not self._other.is_alive(), "the other thread does not end"
        for error in self._errors:
            raise error


def run_with_switch(switch: Switch, body: Callable[[], T]) -> T:
    """Return what `body` returns in a thread of its own; all threads that start meanwhile can be paused."""
    outcome: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(body())
        except BaseException as error:  # noqa: BLE001 # raised below
            errors.append(error)

    before = threading.gettrace()
    threading.settrace(switch.trace)
    try:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(_PATIENCE_S)
    finally:
        threading.settrace(before)
    assert not thread.is_alive(), "the paused thread does not end"
    switch.finish()
    for error in errors:
        raise error
    return outcome.pop()
