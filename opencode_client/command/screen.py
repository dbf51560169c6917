"""Print the texts of several sessions on one terminal. Each line has the text of one session, after its title."""

from __future__ import annotations

import shutil
import sys
from itertools import cycle
from time import strftime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_COLOURS = ("magenta", "blue", "cyan", "green", "yellow")
_INDENT = 2
_LONGEST = 400
"""The longest line, in characters, if stdout is not a terminal or rich is missing."""


class Screen:
    """Prints to stdout. With rich and a terminal it uses colours and wraps lines; else lines are plain text."""

    def __init__(self) -> None:
        self._console = _console()
        self._width = shutil.get_terminal_size().columns if self._console else _LONGEST
        self._titles: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._colours: dict[str, str] = {}
        self._next_colour: Iterator[str] = cycle(_COLOURS)
        self._open: dict[str, tuple[str, str, str]] = {}
        """The text of each part that has no line end yet, with its session and style."""

    def knows(self, session_id: str) -> bool:
        """Return True if the session has a title here."""
        return session_id in self._titles

    def name(self, session_id: str, title: str, parent_id: str | None) -> None:
        """Set the title of a session. Sessions below another one are indented."""
        self._titles[session_id] = title or session_id
        if session_id not in self._colours:
            self._colours[session_id] = next(self._next_colour)
        if parent_id:
            self._parents[session_id] = parent_id

    def note(self, text: str, style: str = "dim") -> None:
        """Print a line that belongs to no session."""
        self._print("", text, style)

    def line(self, session_id: str, text: str, style: str = "") -> None:
        """Print a line of a session. Text of that session that has no line end is printed before it."""
        for part_id, (owner, _, _) in list(self._open.items()):
            if owner == session_id:
                self.finish(part_id)
        self._print(session_id, text, style)

    def write(self, session_id: str, part_id: str, text: str, style: str = "") -> None:
        """Add text to a part. Prints the lines that are complete, or longer than the terminal is wide."""
        _, style, before = self._open.get(part_id, (session_id, style, ""))
        text = before + text
        room = self._width - len(self._head(session_id)) - 1
        while (cut := text.find("\n")) >= 0 or len(text) > room:
            if not 0 <= cut <= room:
                cut = text.rfind(" ", 1, room)
            end = cut if cut > 0 or text.startswith("\n") else room
            self._print(session_id, text[:end], style)
            text = text[end:].removeprefix("\n" if text[end : end + 1] == "\n" else " ")
        self._open[part_id] = (session_id, style, text)

    def finish(self, part_id: str) -> None:
        """Print the rest of a part."""
        session_id, style, text = self._open.pop(part_id, ("", "", ""))
        if text:
            self._print(session_id, text, style)

    def end(self) -> None:
        """Print the rest of all parts."""
        for part_id in list(self._open):
            self.finish(part_id)

    def _depth(self, session_id: str) -> int:
        depth = 0
        while (session_id := self._parents.get(session_id, "")) and depth < 9:
            depth += 1
        return depth

    def _head(self, session_id: str) -> str:
        room = 24 if self._width >= 120 else 14
        title = self._titles.get(session_id, "")
        short = title if len(title) <= room else f"{title[: room - 3].rstrip(' .')}..."
        return f"{strftime('%H:%M:%S')} {' ' * _INDENT * self._depth(session_id)}{short:{room}} | "

    def _print(self, session_id: str, text: str, style: str) -> None:
        head, shown = self._head(session_id), _without_controls(text)
        if self._console is None:
            print(f"{head}{shown}", flush=True)
        else:
            self._console.print(
                *_styled(head, self._colours.get(session_id, "dim"), shown, style), sep="", soft_wrap=True
            )


def _without_controls(text: str) -> str:
    """Return the text without characters that move the cursor or change colours."""
    return "".join(one if one.isprintable() else " " for one in text)


def _console() -> Any:  # Any: rich.console.Console
    if not sys.stdout.isatty():
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(highlight=False)


def _styled(head: str, colour: str, text: str, style: str) -> tuple[Any, Any]:  # Any: rich.text.Text
    from rich.text import Text

    return Text(head, colour), Text(text, style)
