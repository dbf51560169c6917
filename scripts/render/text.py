"""Text of the document as Python source: literals, and docstrings that end where they should."""

from __future__ import annotations

import textwrap

from openapi_python_client.strings import safe_for_docstring


def literal(value: object) -> str:
    """Return the Python literal of a JSON scalar, exact for every character."""
    return repr(value)


def safe(text: str) -> str:
    """Return `text` with everything escaped that could end a docstring."""
    return safe_for_docstring(text)


def wrapped(text: str, width: int, *, first: str = "") -> str:
    """Return `text`, escaped, in lines of at most `width` characters; its first line begins with `first`."""
    lines: list[str] = []
    for line in (first + safe(text)).splitlines():
        lines += textwrap.wrap(
            line, width, expand_tabs=False, replace_whitespace=False, break_on_hyphens=False
        ) or [""]
    return "\n".join(lines)


def indented(text: str, indent: str) -> str:
    """Return `text` with `indent` before every line but the first and the empty ones."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(indent + line if line else line for line in rest)])
