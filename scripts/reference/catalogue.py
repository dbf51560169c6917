"""The texts of the reference by language: rows of the index, Chinese translations, and notes of measured behaviour.

A translation belongs to one English text: if a server's text differs, the translation is not used and the run reports
it. The rows of seed.toml never change, but the run reports them too.
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
"""Text in place of a description that needs no translation: a status, or names of models."""


@frozen
class Row:
    """The description of one operation in the index, and the English texts that it translates."""

    operation: str
    chinese: str
    english: tuple[str, ...] = field(converter=tuple)
    pinned: bool = False


@frozen
class Note:
    """A measured behaviour of real servers that their document does not mention."""

    operation: str
    versions: str
    chinese: str
    english: str
    realtime: str = ""
    """The operation whose section on the real-time page has more about it."""
    corrects: bool = False
    """True if this note contradicts a row of the index. The row stays as it is."""


class Catalogue:
    """The texts in one language; `missing` collects texts without a translation, which stay English."""

    def __init__(
        self, language: str, seed: Path = SEED, chinese: Path = CHINESE, notes: Path = NOTES
    ) -> None:
        translations = _toml(chinese)
        self.language = language
        self.missing: list[str] = []
        self.stale: list[str] = []
        seeded = [Row(**entry, pinned=True) for entry in _toml(seed)["row"]]
        self._positions = {row.operation: position for position, row in enumerate(seeded)}
        self._rows = {
            row.operation: row for row in [*seeded, *(Row(**e) for e in translations.get("row", []))]
        }
        self._texts: dict[str, str] = translations.get("texts", {})
        self.notes: dict[str, list[Note]] = {}
        for entry in _toml(notes)["note"]:
            self.notes.setdefault(entry["operation"], []).append(Note(**entry))

    @property
    def operations(self) -> set[str]:
        """Every operation that has a row or a note."""
        every = [note for notes in self.notes.values() for note in notes]
        return {*self._rows, *self.notes, *(note.realtime for note in every if note.realtime)}

    def order(self, operation: str) -> int:
        """The position of a pinned row; all other rows come after them."""
        return self._positions.get(operation, len(self._positions))

    def row(self, operation: str, english: str, fallback: str) -> str:
        """The index's description of `METHOD path`; `english` is the document's."""
        if self.language == "en":
            return _SENTENCE_END.split(english, maxsplit=1)[0] or fallback
        row = self._rows.get(operation)
        if row is None:
            return self._untranslated(english) if english else fallback
        if english not in row.english:
            self._add_once(self.stale, f"{operation}: {english}")
            return row.chinese if row.pinned else english or fallback
        return row.chinese

    def text(self, english: str) -> str:
        """Translate a text of the document."""
        if self.language == "en" or not english.strip() or _NO_PROSE.fullmatch(english):
            return english
        return self._texts[english] if english in self._texts else self._untranslated(english)

    def note(self, note: Note) -> str:
        """The text of a note in this language."""
        return note.chinese if self.language == "zh" else note.english

    def _untranslated(self, english: str) -> str:
        self._add_once(self.missing, english)
        return english

    def _add_once(self, texts: list[str], text: str) -> None:
        if text not in texts:
            texts.append(text)


@cache
def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
