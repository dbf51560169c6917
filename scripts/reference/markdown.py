"""Markdown that is safe for any text of a document: pipes, newlines, backticks and HTML, also in tables."""

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
    """`text` as one line that renderers show as it is, also in a table.

    Pipes and backslashes become entities: renderers disagree on how many backslashes hide a pipe.
    """
    entities = _ENTITIES.sub(lambda found: f"&#{ord(found[0])};", one_line(text))
    return _EMPHASIS.sub(lambda found: f"\\{found[0]}", entities)


def prose(text: str) -> str:
    """Escape a text for Markdown, but keep code in backticks."""
    parts = _SPAN.split(one_line(text))
    return "".join(part if _SPAN.fullmatch(part) else _escape_between(part) for part in parts)


def _escape_between(part: str) -> str:
    stripped = escape(part)  # drops the spaces at both ends; beside code they must stay
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
    """A link target; explicit, because renderers make different ids from one heading."""
    return f'<a id="{html.escape(name)}"></a>'


def slug(text: str) -> str:
    """`text` as part of a file name or an anchor: ASCII letters, digits and hyphens."""
    return _NOT_WORD.sub("-", text).strip("-").lower() or "root"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; its cells are already Markdown."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(heads)} |", f"|{'|'.join('------' for _ in heads)}|", *lines]


def with_contents(lines: Sequence[str], title: str) -> list[str]:
    """`lines` after a list of links to their headings of the second level, which get anchors."""
    links: list[str] = []
    shown: list[str] = []
    for line in lines:
        if line.startswith("## "):
            links.append(f"- [{line[3:]}](#section-{len(links) + 1})")
            shown += [anchor(f"section-{len(links)}"), ""]
        shown.append(line)
    return [f"**{title}**", "", *links, "", *shown]
