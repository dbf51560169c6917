"""arguments.toml: pairs of texts, which follow those of the document."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.normalise.arguments import argument_text, keys_of, read_arguments

KEYS = keys_of("session.list", "query", "limit")


@pytest.mark.parametrize("document", ["At most.", "At most"])
def test_the_text_follows_the_documents(document: str) -> None:
    alone = argument_text(KEYS, "")
    assert argument_text(KEYS, document) == f"At most. {alone}"
    assert argument_text(KEYS, "至多", "zh") == f"至多。{argument_text(KEYS, '', 'zh')}"


def test_an_operation_without_keys_has_the_documents_text() -> None:
    assert argument_text((), "At most.") == "At most."


@pytest.mark.parametrize("pair", ['["one"]', '["one", ""]'])
def test_an_entry_has_both_languages(tmp_path: Path, pair: str) -> None:
    file = tmp_path / "arguments.toml"
    file.write_text(f'[texts]\n"query a" = {pair}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="'query a' needs an English and a Chinese text"):
        read_arguments(file)
