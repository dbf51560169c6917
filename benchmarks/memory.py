"""What memory something takes, counted while it runs."""

from __future__ import annotations

import mmap
import tracemalloc
from pathlib import Path


class Memory:
    """What is allocated from here on: the most at a time, and by how much the process grows."""

    def __init__(self) -> None:
        self._resident_mb = _resident_mb()
        tracemalloc.start()
        self.most_mb = 0.0
        self._left_mb = 0.0

    def stop(self) -> Memory:
        left, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        self.most_mb, self._left_mb = most / 1e6, left / 1e6
        self._grown_mb = _resident_mb() - self._resident_mb
        return self

    def said(self) -> str:
        return f"left at the end: {self._left_mb:.2f} MB; the process grew by {self._grown_mb:.1f} MB"


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * mmap.PAGESIZE / 1e6
