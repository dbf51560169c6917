"""A few of the package's own files in a folder, to be changed and compared."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts.changes.change import Change
from scripts.changes.python import compare_packages
from scripts.rooms import PACKAGE, ROOT
from tests.changes.small_documents import line

_FILES = (
    "__init__.py",
    "client.py",
    "errors.py",
    "model.py",
    "calls/__init__.py",
    "calls/namespace.py",
    "api/__init__.py",
    "api/session.py",
    "api/v2_session.py",
    "api/vcs.py",
    "models/__init__.py",
    "models/message.py",
    "models/message_with_parts.py",
    "models/part_input.py",
    "models/session.py",
    "models/text_part_input.py",
    "models/todo.py",
)


def write_package(folder: Path) -> Path:
    """The package with all of its kinds of files and not all of its files."""
    for name in _FILES:
        file = folder / PACKAGE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / PACKAGE / name, file)
    return folder


def edit(folder: Path, name: str, *, old: str, new: str) -> None:
    """Replace a text wherever it stands in one file."""
    file = folder / PACKAGE / name
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{name} has no {old!r}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def said(old: Path, new: Path) -> list[str]:
    """What changed, a line each; `!` for breaking."""
    found: list[Change] = compare_packages(old, new)
    return [line(change) for change in found]
