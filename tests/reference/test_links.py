"""Every link of the reference works, and every row of a table has as many cells as its head."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from scripts.rooms import REFERENCE
from tests.support.documents import every_document
from tests.support.reference_pages import pages

_FENCE = re.compile(r"^(`{3,}).*?^\1$", re.M | re.S)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')


@cache
def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def _broken(made: dict[str, str]) -> list[str]:
    anchors = {name: _ANCHOR.findall(text) for name, text in made.items()}
    found = [f"{name}: #{a} twice" for name, all_ in anchors.items() for a in set(all_) if all_.count(a) > 1]
    known = {name: set(all_) for name, all_ in anchors.items()}
    for name, text in made.items():
        language = name.split("/")[0]
        for target in set(_LINK.findall(_CODE.sub("", _FENCE.sub("", text)))):
            page, _, anchor = target.partition("#")
            inside = f"{language}/{page}" if page else name
            if inside in made:
                ok = not anchor or anchor in known[inside]
            else:
                ok = _exists((REFERENCE / language / page).resolve(), anchor)
            found += [] if ok else [f"{name}: {target}"]
    return found


def _exists(file: Path, anchor: str) -> bool:
    """Return True if the file exists, and the line of the anchor begins a method."""
    if not anchor:
        return file.exists()
    return file.is_file() and bool(re.match(r"    (async )?def \w+\(", _lines(file)[int(anchor[1:]) - 1]))


def _ragged(text: str) -> list[str]:
    found: list[str] = []
    width = 0
    for line in _FENCE.sub("", text).splitlines():
        cells = line.count("|") if line.startswith("|") else 0
        found += [line] if cells and width and cells != width else []
        width = cells
    return found


@every_document
def test_every_link_and_anchor_exists(version: str) -> None:
    assert _broken(pages(version)) == []


@every_document
def test_every_row_of_a_table_has_the_same_number_of_cells(version: str) -> None:
    assert [(name, line) for name, text in pages(version).items() for line in _ragged(text)] == []


def test_a_broken_link_is_found() -> None:
    made = {
        "en/a.md": '<a id="x"></a>\n[a](#y) [b](b.md) [c](#x) [d](../../../opencode_client/api/session.py#L1)'
    }
    assert sorted(_broken(made)) == [
        "en/a.md: #y",
        "en/a.md: ../../../opencode_client/api/session.py#L1",
        "en/a.md: b.md",
    ]
