"""Change several files and folders, or none of them."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn


def all_or_none(places: Sequence[Path], step: Callable[[], int]) -> int:
    """Run `step` and return its exit code. If it fails, is interrupted or raises, `places` become what they were.

    Each place is a file or a folder, and may be missing. SIGTERM is an interrupt, too.
    """
    with tempfile.TemporaryDirectory(prefix="opencode-client-before-") as scratch, _sigterm_as_exit():
        before = [_copied(place, Path(scratch, str(index))) for index, place in enumerate(places)]
        code = 1
        try:
            code = step()
        finally:
            if code:
                for place, kept in zip(places, before, strict=True):
                    _restore(place, kept)
        return code


@contextmanager
def _sigterm_as_exit() -> Generator[None, None, None]:
    """Raise SystemExit at SIGTERM, so that `finally` blocks run; only the main thread can do that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _copied(place: Path, to: Path) -> Path:
    if place.is_dir():
        shutil.copytree(place, to, symlinks=True)
    elif place.exists():
        shutil.copy2(place, to)
    return to


def _restore(place: Path, kept: Path) -> None:
    if _contents(place) == _contents(kept):
        return
    remove(place)
    if kept.exists():
        shutil.move(kept, place)


def _contents(place: Path) -> dict[str, bytes]:
    files = [place] if place.is_file() else place.rglob("*")
    return {str(file.relative_to(place)): file.read_bytes() for file in files if file.is_file()}


def remove(place: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if place.is_file():
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)
