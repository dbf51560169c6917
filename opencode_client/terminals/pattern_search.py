"""Search for a pattern in output that arrives in pieces. No I/O."""

from __future__ import annotations

import re
from typing import TypeAlias

from ..errors import ArgumentError

Pattern: TypeAlias = "str | re.Pattern[str]"

MAX_MATCH_CHARS = 65_536
"""A match of a regular expression is found if it starts within this many characters of the end."""


class PatternSearch:
    """Searches text as it arrives. Each piece costs the same, however much text came before it.

    Raises:
        ArgumentError: the pattern is neither a text nor a regular expression for texts.
    """

    def __init__(self, pattern: Pattern) -> None:
        if not isinstance(getattr(pattern, "pattern", pattern), str):
            text = "a text or a regular expression for texts, as of re.compile"
            raise ArgumentError(f"read_until() takes {text}, not {pattern!r}")
        self._name = repr(pattern if isinstance(pattern, str) else pattern.pattern)
        self._regex = re.compile(re.escape(pattern)) if isinstance(pattern, str) else pattern
        self._max_match_chars = len(pattern) if isinstance(pattern, str) else MAX_MATCH_CHARS
        self._finished: list[str] = []  # no match can start in these
        self._searched = ""

    def __str__(self) -> str:
        return self._name

    @property
    def seen(self) -> str:
        """The text that is not part of a result yet."""
        return "".join((*self._finished, self._searched))

    def feed(self, text: str) -> str | None:
        """Add text. Return the text up to the end of the first match, or None if there is no match yet.

        After a match, `seen` is the text that follows the match.
        """
        self._searched += text
        # After text that was cut off, the search starts at 1: `^` and `\\A` match at 0. No match was found at 0 before.
        match = self._regex.search(self._searched, 1 if self._finished else 0)
        if match is None:
            self._shorten()
            return None
        found = "".join((*self._finished, self._searched[: match.end()]))
        self._finished, self._searched = [], self._searched[match.end() :]
        return found

    def _shorten(self) -> None:
        if len(self._searched) > 2 * self._max_match_chars:
            end = len(self._searched) - self._max_match_chars
            self._finished.append(self._searched[:end])
            self._searched = self._searched[end:]
