"""The texts of the reference by language: the rows of the index, the server's words in Chinese, what was measured.

A translation belongs to one English text: when a server says something else, the translation is not used for it, and
the run says so. The rows of seed.toml stay as they are whatever the server says, and the run says that too.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from attrs import field, frozen

_HERE = Path(__file__).parent
SEED = _HERE / "seed.toml"
CHINESE = _HERE / "chinese.toml"
NOTES = _HERE / "notes.toml"

_SENTENCE_END = re.compile(r"(?<=\.)\s+(?=[A-Z])")
_NO_PROSE = re.compile(r"(\d+|<No Content>|[A-Z]\w*([A-Z.]\w*)+( \| [A-Z]\w*)*)")
"""What stands in a description's place and is none: a status, or names of models."""


@frozen
class Row:
    """The description of one operation in the index, and the English texts that it says."""

    operation: str
    chinese: str
    english: tuple[str, ...] = field(converter=tuple)
    pinned: bool = False


@frozen
class Note:
    """What real servers were measured to do that the document does not say."""

    operation: str
    versions: str
    chinese: str
    english: str
    realtime: str = ""
    """The operation whose section on the page of everything real-time says more."""


class Catalogue:
    """The texts in one language; `missing` collects what stood nowhere and was given in English."""

    def __init__(
        self, language: str, seed: Path = SEED, chinese: Path = CHINESE, notes: Path = NOTES
    ) -> None:
        held = _toml(chinese)
        self.language = language
        self.missing: list[str] = []
        self.stale: list[str] = []
        seeded = [Row(**entry, pinned=True) for entry in _toml(seed)["row"]]
        self._places = {row.operation: place for place, row in enumerate(seeded)}
        self._rows = {row.operation: row for row in [*seeded, *(Row(**e) for e in held.get("row", []))]}
        self._texts: dict[str, str] = held.get("texts", {})
        self.notes: dict[str, list[Note]] = {}
        for entry in _toml(notes)["note"]:
            self.notes.setdefault(entry["operation"], []).append(Note(**entry))

    @property
    def operations(self) -> set[str]:
        """Every operation that a row or a note is of."""
        told = [note for notes in self.notes.values() for note in notes]
        return {*self._rows, *self.notes, *(note.realtime for note in told if note.realtime)}

    def order(self, operation: str) -> int:
        """The place of a row that is pinned; all others come after those."""
        return self._places.get(operation, len(self._places))

    def row(self, operation: str, english: str, fallback: str) -> str:
        """What the index says of `METHOD path`, of which the document says `english`."""
        if self.language == "en":
            return _SENTENCE_END.split(english, maxsplit=1)[0] or fallback
        row = self._rows.get(operation)
        if row is None:
            return self._missed(english) if english else fallback
        if english not in row.english:
            self._note(self.stale, f"{operation}: {english}")
            return row.chinese if row.pinned else english or fallback
        return row.chinese

    def text(self, english: str) -> str:
        """A text of the document's."""
        if self.language == "en" or not english.strip() or _NO_PROSE.fullmatch(english):
            return english
        return self._texts[english] if english in self._texts else self._missed(english)

    def note(self, note: Note) -> str:
        """A note in this language."""
        return note.chinese if self.language == "zh" else note.english

    def _missed(self, english: str) -> str:
        self._note(self.missing, english)
        return english

    def _note(self, where: list[str], text: str) -> None:
        if text not in where:
            where.append(text)


@cache
def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
