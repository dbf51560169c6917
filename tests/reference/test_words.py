"""The Chinese translations: complete for the committed document, and never used for another English text."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.reference.catalogue import Catalogue
from scripts.reference.writing import make_reference
from scripts.rooms import REFERENCE
from tests.support.reference_pages import NEWEST, pages, reference, rows, small_document


def _notes(given: dict[str, Any]) -> list[str]:
    return make_reference(given, REFERENCE, ("zh",)).notes


def test_every_text_of_the_committed_document_is_translated() -> None:
    assert reference(NEWEST).notes == []


def test_every_row_is_translated() -> None:
    described = rows(pages(NEWEST)["zh/README.md"])
    assert [
        row for row in described if not any("\u4e00" <= char <= "\u9fff" for char in row.description)
    ] == []


@pytest.mark.parametrize("key", ["summary", "description"])
def test_a_text_without_translation_remains_english_and_is_listed(key: str) -> None:
    given = small_document(("get", "/session", {key: "Something new."}))
    assert "no translation in scripts/reference/chinese.toml: 'Something new.'" in _notes(given)
    assert "Something new." in make_reference(given, REFERENCE, ("zh",)).pages["zh/08-session.md"]


@pytest.mark.parametrize(
    ("path", "english", "row"),
    [
        ("/session", "List what there is.", "列出会话（可按目录、标题、时间等筛选）"),  # pinned: stays
        ("/vcs/status", "Retrieve other files.", "Retrieve other files."),
    ],
)
def test_a_row_whose_english_changed_is_reported(path: str, english: str, row: str) -> None:
    given = small_document(("get", path, {"description": english}))
    made = make_reference(given, REFERENCE, ("zh",))
    assert f"the English text of this row has changed: {f'GET {path}: {english}'!a}" in made.notes
    assert rows(made.pages["zh/README.md"])[0].description == row


def test_every_note_and_row_has_an_operation() -> None:
    catalogue = Catalogue("zh")
    listed = {row.operation for row in rows(pages(NEWEST)["zh/README.md"])}
    assert catalogue.operations - listed == set()


def test_english_pages_contain_no_chinese() -> None:
    english = {name: text for name, text in pages(NEWEST).items() if name.startswith("en/")}
    chinese = [name for name, text in english.items() if any("\u4e00" <= char <= "\u9fff" for char in text)]
    assert (len(english), chinese) == (25, [])
