"""The languages of the site, their pages and their navigation, from `site.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from scripts.rooms import ROOT
from scripts.site.pages import Page

_FILE = Path(__file__).with_name("site.toml")


@dataclass(frozen=True)
class Language:
    """A language of the site. `folder` and `reference` are folders of the repository."""

    code: str
    name: str
    folder: str
    reference: str
    titles: dict[str, str]
    """The titles of the first page (`home`), the guide, the API reference (`api`) and the Python names (`python`)."""

    guide: dict[str, list[str]]
    """The pages of each section of the guide: files in `folder`."""

    def pages(self) -> dict[str, Page]:
        """Return the pages that are files of the repository, by their path there."""
        written = ["README.md", *(name for names in self.guide.values() for name in names)]
        generated = [path.name for path in sorted((ROOT / self.reference).glob("*.md"))]
        return {f"{self.folder}/{name}": self._page(name) for name in written} | {
            f"{self.reference}/{name}": self._page(f"api/{name}") for name in generated
        }

    def navigation(self, python: list[str]) -> list[dict[str, object]]:
        """Return the navigation as Zensical wants it. `python` has the pages of the Python names."""
        reference = [page.path for page in self.pages().values() if page.path.startswith("api/")]
        parts: dict[str, list[object]] = {
            "guide": [
                {self.titles["home"]: "index.md"},
                *({title: names} for title, names in self.guide.items()),
            ],
            "api": sorted(reference, key=lambda path: (path != "api/index.md", path)),
            "python": [*python],
        }
        return [{self.titles[part]: pages} for part, pages in parts.items() if part in self.titles]

    def _page(self, path: str) -> Page:
        return Page(self.code, path.replace("README.md", "index.md"))


def read_languages() -> list[Language]:
    """Return the languages, English first."""
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return [Language(code=code, **entries) for code, entries in table.items()]
