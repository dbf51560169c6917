"""The errors of terminals. `opencode_client.errors` has them too, and shows them in its tree."""

from __future__ import annotations

from . import OpencodeError


class PtyClosedError(OpencodeError):
    """A terminal ended, or its connection broke and cannot be restored. See docs/errors.md.

    Attributes:
        code: The WebSocket's close code: 1000 if the process or the terminal ended, 1006 if the connection broke.
        reason: The WebSocket's close reason.
        seen: The text that `read_until` had read.
    """

    def __init__(self, message: str, *, code: int, reason: str = "", seen: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.seen = seen


class PtyGapError(OpencodeError):
    """Output of a terminal is missing here because its connection broke. You can read on after it.

    Attributes:
        lost: The number of missing UTF-16 code units. None if it is not known (opencode 1.1.53 and older); in this
            case, it is possible that nothing is missing.

    See docs/errors.md.
    """

    def __init__(self, message: str, *, lost: int | None) -> None:
        super().__init__(message)
        self.lost = lost


class PtyTimeoutError(OpencodeError, TimeoutError):
    """A terminal did not show the expected text in time. `seen` is the text that it did show; you can read it again.

    See docs/errors.md.
    """

    def __init__(self, message: str, *, seen: str = "") -> None:
        super().__init__(message)
        self.seen = seen
