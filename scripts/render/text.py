"""Convert text of the document to Python source: literals, and docstrings that no text can end early."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

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


def docstring(text: str, indent: int, *, closed: bool = True) -> str:
    """Return the docstring of escaped text.

    Args:
        closed: after several lines, the quotes have a line of their own.
    """
    space = " " * indent
    end = f"\n{space}" if closed and "\n" in text else " " if text.endswith('"') else ""
    return f'"""{indented(text, space)}{end}"""'


def source_line(pointer: str, width: int) -> str:
    """Return the line of a docstring that names the place in the server's document."""
    line = f"Source: `{safe(pointer)}`."
    return line if len(line) <= width else line.replace(" ", "\n", 1)


def filled(words: Iterable[str], separator: str, width: int) -> list[str]:
    """Return the words, joined by `separator`, in lines of at most `width` characters where words allow it."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(separator) + len(word) <= width:
            lines[-1] += separator + word
        else:
            lines.append(word)
    return lines


def literal_lines(words: Iterable[str], separator: str, width: int) -> str:
    """Return the literal of the joined words, in several lines that Python joins."""
    *lines, last = filled(words, separator, width)
    return "\n".join([*(literal(line + separator) for line in lines), literal(last)])
