"""Ending a process with all that it started, also when this program is killed.

Where there is no /proc (macOS), descendants in sessions of their own are left; on Windows only the process is ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

# Ends the server and its descendants when this process is gone, however it went: the kernel closes the pipe then.
# PR_SET_PDEATHSIG would do it when the starting *thread* ends, which is not the same. A shell and not sys.executable,
# which is another program where Python is embedded.
_SUPERVISOR = """
end() { for child in $(cat /proc/$1/task/*/children); do end "$child"; done; kill -KILL "$1"; }
read -r _
kill -STOP -- "-$1"
end "$1"
kill -KILL -- "-$1"
"""


def supervise(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes] | None:
    """A process that ends `process` and its descendants when this program is gone; None on Windows.

    To be killed and waited for once `process` has been ended: only then may its standard input be closed.
    """
    if sys.platform == "win32":
        return None
    return subprocess.Popen(  # noqa: S603 # a constant and a number
        ["/bin/sh", "-c", _SUPERVISOR, "sh", str(process.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """End a process group: SIGTERM, then SIGKILL; descendants in other groups at once, or they would be lost."""
    if sys.platform == "win32":
        process.kill()
        process.wait()
        return

    def signal_group(number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(process.pid, number)

    descendants = _descendants(process.pid)
    try:
        signal_group(signal.SIGTERM)
        for pid in descendants:
            with contextlib.suppress(ProcessLookupError):
                if os.getpgid(pid) != process.pid:
                    os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=grace_s)
    finally:
        signal_group(signal.SIGKILL)
        process.wait()


def _descendants(pid: int) -> list[int]:
    """The children of `pid`, theirs and so on, where there is a /proc; 1.18.33 runs each tool in its own session."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it has just ended
            for child in map(int, children.read_text(encoding="ascii").split()):
                found += [child, *_descendants(child)]
    return found
