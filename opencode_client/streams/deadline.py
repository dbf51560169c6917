"""The time at which a timeout ends."""

from __future__ import annotations

import math
from threading import TIMEOUT_MAX
from time import monotonic

from ..errors import ArgumentError


class Deadline:
    """The time at which a timeout ends. The timeout starts when the object is created.

    Raises:
        ArgumentError: the timeout is not a number.
    """

    def __init__(self, timeout: float | None) -> None:
        if timeout is not None and (not isinstance(timeout, int | float) or math.isnan(timeout)):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
            raise ArgumentError(f"timeout is a number of seconds or None, not {timeout!r}")
        self.timeout = timeout
        self._at = None if timeout is None or timeout > TIMEOUT_MAX else monotonic() + timeout

    def left_s(self) -> float | None:
        """Return the seconds until the timeout ends, at least 0; None if it never ends."""
        return None if self._at is None else max(0.0, self._at - monotonic())

    def at_most_s(self, most_s: float | None) -> float | None:
        """Return the seconds until the timeout ends, at most `most_s`; None if neither is a limit."""
        return min((one for one in (self.left_s(), most_s) if one is not None), default=None)


NEVER: Deadline = Deadline(None)
