"""`GrowingText`: a text that comes in many small pieces. No I/O, no clock."""

from __future__ import annotations

_MOST_PIECES = 256


class GrowingText:
    """A text that grows. Its small pieces are joined from time to time, so it needs little more memory than the text.

    One thread may change it while others read it.
    """

    __slots__ = ("_pieces", "_small")

    def __init__(self, text: str = "") -> None:
        self._pieces = [text]
        self._small = 0

    def add(self, piece: str) -> None:
        """Add a piece at the end."""
        self._pieces.append(piece)
        self._small += 1
        if self._small == _MOST_PIECES:
            self._small = 0
            self._pieces = [*self._pieces[:-_MOST_PIECES], "".join(self._pieces[-_MOST_PIECES:])]

    def set(self, text: str) -> None:
        """Replace the text."""
        self._pieces, self._small = [text], 0

    def __str__(self) -> str:
        return "".join(self._pieces)
