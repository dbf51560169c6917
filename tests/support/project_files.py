"""The files of this project that a regeneration could change. Git is not needed: the sdist has the same tests."""

from __future__ import annotations

from pathlib import Path

from scripts.regenerate import WRITTEN
from scripts.rooms import PACKAGE, ROOT


def project_files() -> dict[Path, bytes]:
    """Return the contents of the package, the document, its source file and the API reference."""
    places = [place for place in (*WRITTEN, ROOT / PACKAGE) if not place.is_relative_to(ROOT / "build")]
    files = {file for place in places for file in (place, *place.rglob("*"))}
    return {file: file.read_bytes() for file in files if file.is_file() and "__pycache__" not in file.parts}
