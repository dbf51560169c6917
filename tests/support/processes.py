"""Wait for the end of processes and folders of other programs."""

from __future__ import annotations

import time
from pathlib import Path


def is_gone(pid: int) -> bool:
    """Return True if the process ends within ten seconds. A zombie process counts as ended."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)  # there is no event for the end of a process that is not a child of this one
    return False


def is_empty(folder: Path) -> bool:
    """Return True if the last file or folder in `folder` is removed within ten seconds."""
    deadline = time.monotonic() + 10
    while any(folder.iterdir()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)  # another process removes it
    return True
