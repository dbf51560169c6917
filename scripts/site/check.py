"""Checks the links of HTML files: each leads to a file, and each anchor to an element of its file."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _File(HTMLParser):
    """The anchors and the links of one HTML file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value or "")
            elif name in ("href", "src") and value:
                self.links.append(value)


def broken_links(folder: Path) -> list[str]:
    """Return a line for each link of the HTML files that leads nowhere. Links to other sites are not checked."""
    files = {path: _File(path) for path in sorted(folder.rglob("*.html"))}
    return [
        f"{path.relative_to(folder)}: {link}: {problem}"
        for path, file in files.items()
        if path.name
        != "404.html"  # a server sends it for any path, so its links are those of the site's root
        for link in dict.fromkeys(file.links)
        if (problem := _problem(folder, path, link, files))
    ]


def _problem(folder: Path, path: Path, link: str, files: dict[Path, _File]) -> str:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if there.is_dir():
        there /= "index.html"
    if not there.is_relative_to(folder):
        return "is outside the site"
    if not there.is_file():
        return "there is no such file"
    if there in files and unquote(parts.fragment) not in files[there].anchors:
        return "there is no such anchor"
    return ""
