"""Copies of some files of the package, for tests that edit and compare them."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.changes.change import Change
from scripts.changes.python import compare_packages
from scripts.rooms import PACKAGE, ROOT
from tests.changes.small_documents import line

_FILES = (
    "*.py",
    "calls/__init__.py",
    "calls/namespace.py",
    "api/__init__.py",
    "api/session.py",
    "api/v2_session.py",
    "api/vcs.py",
    "errors/*.py",
    "models/__init__.py",
    "models/message.py",
    "models/message_with_parts.py",
    "models/part_input.py",
    "models/session.py",
    "models/todo.py",
)


def write_package(folder: Path) -> Path:
    """Copy some files of every kind: reading the whole package would be slow."""
    for source in (file for pattern in _FILES for file in (ROOT / PACKAGE).glob(pattern)):
        copy = folder / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    return folder


def edit(folder: Path, name: str, *, old: str, new: str) -> None:
    """Replace every occurrence of a text in one file."""
    file = folder / PACKAGE / name
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{name} has no {old!r}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def report_lines(old: Path, new: Path) -> list[str]:
    """The changes, one line each; `!` marks a breaking one."""
    found: list[Change] = compare_packages(old, new)
    return [line(change) for change in found]
