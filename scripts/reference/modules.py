"""The pages of operations: modules.toml gives the page for the first segment of a path."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from attrs import frozen

from scripts.reference.markdown import slug

MODULES = Path(__file__).with_name("modules.toml")
REALTIME = 21
"""The number of the real-time page, which belongs to no segment."""


@frozen
class Module:
    """One page of operations, and its titles by language."""

    number: int
    slug: str
    titles: dict[str, str]
    segments: tuple[str, ...]

    @property
    def file(self) -> str:
        """The page's name: `08-session.md`."""
        return f"{self.number:02}-{self.slug}.md"


class Modules:
    """Every page in modules.toml; a document's other segments get pages with the next free numbers."""

    def __init__(self, path: Path = MODULES) -> None:
        entries: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["module"]
        self.unknown: list[Module] = []
        self._by_segment: dict[str, Module] = {}
        self._next = REALTIME + 1
        for entry in entries:
            titles = {"zh": entry["chinese"], "en": entry["english"]}
            self._add(Module(entry["number"], entry["slug"], titles, tuple(entry["segments"])))

    def of(self, path: str) -> Module:
        """The page for the operations at `path`."""
        segment = path.lstrip("/").split("/")[0]
        if segment not in self._by_segment:
            shown = segment or "/"
            module = Module(self._next, slug(segment), {"zh": shown, "en": shown}, (segment,))
            self.unknown.append(module)
            self._add(module)
        return self._by_segment[segment]

    def _add(self, module: Module) -> None:
        self._by_segment |= dict.fromkeys(module.segments, module)
        self._next = max(self._next, module.number + 1)
