"""Patterns of opencode's settings: `*` and `?`, as in `git *`."""

from __future__ import annotations

import re


def matches_wildcard(text: str, wildcard: str) -> bool:
    """Return True if a text matches a pattern of opencode's settings."""
    expression = re.escape(wildcard.replace("\\", "/")).replace(r"\*", ".*").replace(r"\?", ".")
    if expression.endswith(r"\ .*"):  # `ls *` matches `ls`, too
        expression = expression[:-4] + r"(\ .*)?"
    return re.fullmatch(expression, text.replace("\\", "/"), re.DOTALL) is not None
