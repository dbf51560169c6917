"""docs/errors.md has a row for each error class, and each class refers to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from opencode_client import errors
from opencode_client.errors import OpencodeError
from opencode_client.errors import terminals as terminals  # loads their classes
from opencode_client.errors import turns as turns
from scripts.rooms import ROOT


def _classes(base: type[OpencodeError] = OpencodeError) -> Iterator[type[OpencodeError]]:
    if base.__module__.startswith(errors.__name__) and not base.__name__.startswith("_"):
        yield base
    for kind in base.__subclasses__():
        yield from _classes(kind)


_CLASSES = list(dict.fromkeys(_classes()))


@pytest.mark.parametrize("page", ["docs/errors.md", "docs/zh/troubleshooting.md"])
def test_the_table_has_each_class_once_with_causes_and_remedies(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+Error)`.*?\| (.+?) \| *(.*?) *\|", text, re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(kind.__name__ for kind in _CLASSES)
    bases = {kind.__name__ for kind in _CLASSES if kind.__subclasses__()}
    assert [name for name, causes, remedies in rows if not (causes and remedies) and name not in bases] == []


@pytest.mark.parametrize("kind", _CLASSES, ids=lambda kind: kind.__name__)
def test_a_class_refers_to_the_table(kind: type[OpencodeError]) -> None:
    assert "See docs/errors.md." in (kind.__doc__ or "")
