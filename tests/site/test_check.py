"""The check of the built site's links."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.site.check import broken_links


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "zh").mkdir()
    (tmp_path / "index.html").write_text(
        '<h1 id="top"></h1><a href="zh/index.html#顶">zh</a>', encoding="utf-8"
    )
    (tmp_path / "zh/index.html").write_text('<h1 id="顶"></h1><a href="..">en</a>', encoding="utf-8")
    return tmp_path


def test_a_site_with_only_good_links_has_no_broken_link(site: Path) -> None:
    assert broken_links(site) == []


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ('<a href="gone.html">', "gone.html: there is no such file"),
        ('<a href="index.html#gone">', "index.html#gone: there is no such anchor"),
        ('<a href="#gone">', "#gone: there is no such anchor"),
        ('<a href="zh/index.html#%E9%A1%B6x">', "zh/index.html#%E9%A1%B6x: there is no such anchor"),
        ('<img src="gone.png">', "gone.png: there is no such file"),
        ('<a href="../outside.html">', "../outside.html: is outside the site"),
        ('<a href="/index.html">', "/index.html: is outside the site"),
    ],
)
def test_a_broken_link_is_found(site: Path, link: str, problem: str) -> None:
    (site / "page.html").write_text(link, encoding="utf-8")
    assert broken_links(site) == [f"page.html: {problem}"]


@pytest.mark.parametrize(
    "link", ["https://opencode.ai/x#y", "mailto:a@example.org", "#", "zh/#顶", "index.html"]
)
def test_a_good_link_is_not_reported(site: Path, link: str) -> None:
    (site / "page.html").write_text(f'<a href="{link}">', encoding="utf-8")
    assert broken_links(site) == []
