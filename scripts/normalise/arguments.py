"""Texts about parameters and body fields, in two languages: arguments.toml has what documents do not say."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

ARGUMENTS = Path(__file__).with_name("arguments.toml")
LANGUAGES = ("en", "zh")

_LABEL = re.compile(r".*\((\w+)\)")
"""The last variant in a field's name: `parts[](FilePartInput).url` -> `FilePartInput`."""


@cache
def read_arguments(path: Path = ARGUMENTS) -> dict[str, dict[str, str]]:
    """Return {key: {language: text}}.

    Raises:
        ValueError: an entry is not a pair of texts.
    """
    held = tomllib.loads(path.read_text(encoding="utf-8"))["texts"]
    for key, texts in held.items():
        if len(texts) != len(LANGUAGES) or not all(texts):
            raise ValueError(f"{path.name}: {key!r} needs an English and a Chinese text")
    return {key: dict(zip(LANGUAGES, texts, strict=True)) for key, texts in held.items()}


def keys_of(operation: str, place: str, name: str) -> tuple[str, ...]:
    """Return the keys under which a parameter or a body's field may have a text, the most special first."""
    variant = _LABEL.match(name)
    model = (f"{variant[1]}{name[variant.end() :]}",) if variant else ()
    return (f"{operation} {place} {name}", *model, f"{place} {name}")


def argument_text(keys: tuple[str, ...], document: str, language: str = "en") -> str:
    """Return the document's text, followed by that of arguments.toml."""
    texts = read_arguments()
    more = next((texts[key][language] for key in keys if key in texts), "")
    if not document or not more:
        return document or more
    stop, space = (".", " ") if language == "en" else ("。", "")
    return f"{document.rstrip('.。')}{stop}{space}{more}"
