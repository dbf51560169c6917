"""The process and the event loop that opened a stream or terminal. No other ones can use it."""

from __future__ import annotations

import os
from collections.abc import Callable

from ..errors import OpencodeError, StreamClosedError


def _stream_error() -> OpencodeError:
    return StreamClosedError("this stream was opened in another process or event loop; subscribe again here")


class _Process:
    """`current` identifies this process; a forked child has another object. A system call for the id would be slow."""

    current: object = object()

    @classmethod
    def enter_child(cls) -> None:
        """Note that this is a forked child."""
        cls.current = object()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_Process.enter_child)


class Owner:
    """Remembers the place that first called `enter`: for threads the process, for asyncio the event loop.

    After `fork`, the child has the parent's sockets: if both read them, each gets a part of the bytes.
    """

    def __init__(self, error: Callable[[], OpencodeError] = _stream_error) -> None:
        """Create an owner. `error` makes the error that `enter` raises."""
        self._error = error
        self._place: object = None
        self._process: object = None

    def is_of_process(self) -> bool:
        """Return False in a forked child, and before the first `enter`. Faster than `enter`."""
        return self._process is _Process.current

    def is_here(self, place: object) -> bool:
        """Return True if it was opened at this place, or was not opened. Other places must not use its connection."""
        return self._place is None or self._place == place

    def enter(self, place: object) -> None:
        """Remember the place at the first call. Raises the error if a later call comes from another place."""
        if self._place is None:
            self._place = place
            self._process = _Process.current
        elif self._place != place:
            raise self._error()
