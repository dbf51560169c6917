"""Each page of docs is in the site, and each public name is on a page."""

from __future__ import annotations

import re
from collections import Counter

import pytest

import opencode_client
from scripts.rooms import ROOT
from scripts.site.builder import site_links
from scripts.site.navigation import Language, read_languages
from scripts.site.python_pages import python_pages

_LANGUAGES = read_languages()


@pytest.mark.parametrize("language", _LANGUAGES, ids=lambda language: language.code)
def test_each_file_of_a_language_is_a_page(language: Language) -> None:
    folders = (ROOT / language.folder, ROOT / language.reference)
    files = {str(path.relative_to(ROOT)) for folder in folders for path in folder.glob("*.md")}
    assert set(language.pages()) == files


@pytest.mark.parametrize("language", _LANGUAGES, ids=lambda language: language.code)
def test_each_page_is_once_in_the_navigation(language: Language) -> None:
    listed = re.findall(r"[\w/-]+\.md", str(language.navigation(list(python_pages()))))
    expected = [page.path for page in language.pages().values()]
    python = list(python_pages()) if "python" in language.titles else []
    assert Counter(listed) == Counter([*expected, *python])


def test_no_page_links_to_a_missing_file() -> None:
    links = site_links(_LANGUAGES, "")
    for source in links.pages:
        links.rewrite(source, (ROOT / source).read_text(encoding="utf-8"))


def test_each_public_name_is_on_one_page() -> None:
    names = Counter(
        re.findall(r"^::: opencode_client\.(\w+)$", "".join(python_pages().values()), re.MULTILINE)
    )
    assert names == Counter([*opencode_client.__all__, "testing", "telemetry"])


def test_each_namespace_with_operations_is_on_a_page() -> None:
    page = python_pages()["python/operations.md"]
    assert "::: opencode_client.api.v2_session.V2SessionNamespace\n" in page
    assert "::: opencode_client.api.global_.GlobalNamespace\n" in page
