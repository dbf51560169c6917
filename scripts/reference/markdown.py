"""Markdown that survives what documents hold: pipes, newlines, backticks and HTML, in tables and out of them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from scripts.normalise.schema import plain_text

_SPAN = re.compile(r"(`[^`|\\]+`)")
_ENTITIES = re.compile(r"[|\\`<>]|&(?=[#\w]+;)")
_EMPHASIS = re.compile(r"[*\[\]~]|(?<![^\W_])_|_(?![^\W_])")
_NOT_PLAIN_CODE = re.compile(r"[|`\\]|^ | $|^$")
_NOT_WORD = re.compile(r"[^A-Za-z0-9]+")


def escape(text: str) -> str:
    """`text` as one line that reads as it is, wherever it stands.

    Pipes and backslashes become entities: renderers disagree on how many backslashes hide a pipe.
    """
    entities = _ENTITIES.sub(lambda found: f"&#{ord(found[0])};", one_line(text))
    return _EMPHASIS.sub(lambda found: f"\\{found[0]}", entities)


def prose(text: str) -> str:
    """The same for a text in which `code` is meant as code."""
    parts = _SPAN.split(one_line(text))
    return "".join(part if _SPAN.fullmatch(part) else _inner(part) for part in parts)


def _inner(part: str) -> str:
    stripped = escape(part)  # loses the spaces at its ends, which stand beside a code span
    return f"{' ' * (part[:1] == ' ')}{stripped}{' ' * (part[-1:] == ' ' and len(part) > 1)}"


def one_line(text: str) -> str:
    """`text` without line breaks, control characters and runs of spaces."""
    return " ".join(_printable(text).split())


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in plain_text(text))


def code(text: str) -> str:
    """`text` as code on one line, also in a table."""
    shown = _printable(text)
    if not _NOT_PLAIN_CODE.search(shown):
        return f"`{shown}`"
    entities = (char if char.isalnum() else f"&#{ord(char)};" for char in shown)
    return f"<code>{''.join(entities)}</code>"


def fenced(text: str, language: str) -> list[str]:
    """A block of code; the fence is longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *plain_text(text).splitlines(), fence]


def anchor(name: str) -> str:
    """A place to link to; explicit, as renderers make different ids of the same heading."""
    return f'<a id="{html.escape(name)}"></a>'


def slug(text: str) -> str:
    """`text` as part of a file's name or an anchor: ASCII letters, digits and hyphens."""
    return _NOT_WORD.sub("-", text).strip("-").lower() or "root"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; the cells are Markdown already."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(heads)} |", f"|{'|'.join('------' for _ in heads)}|", *lines]
