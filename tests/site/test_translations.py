"""The language switch leads to the same page in the other language, or to the first page."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.site.translations import link_translations


@pytest.mark.parametrize(
    ("page", "english", "chinese"),
    [
        ("turns.html", "./turns.html", "./zh/turns.html"),
        ("zh/turns.html", "../turns.html", "./turns.html"),
        ("api/pty.html", "../api/pty.html", "../zh/api/pty.html"),
        ("fleet.html", "./fleet.html", "./zh/index.html"),
    ],
)
def test_a_page_links_to_its_translation(tmp_path: Path, page: str, english: str, chinese: str) -> None:
    for name in ("turns.html", "fleet.html", "api/pty.html", "zh/turns.html", "zh/api/pty.html"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        depth = name.count("/")
        root = "../" * depth or "./"
        here = root if not name.startswith("zh/") else "../" * (depth - 1) or "./"
        there = f"{root}zh/" if not name.startswith("zh/") else here
        file.write_text(
            f'<a href="{root}index.html" hreflang="en"><a href="{there}index.html" hreflang="zh">'
        )
    link_translations(tmp_path)
    expected = f'<a href="{english}" hreflang="en"><a href="{chinese}" hreflang="zh">'
    assert (tmp_path / page).read_text() == expected
