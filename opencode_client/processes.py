"""End a process and its descendants, also when this program is killed.

Without /proc (macOS), descendants in sessions of their own keep running. On Windows only the process itself ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

# Waits until this process is gone, for whatever reason: the kernel then closes the pipe. Then ends the server and its
# descendants. PR_SET_PDEATHSIG is no substitute, because it acts when the thread ends that started the server. It is a
# shell script, because sys.executable is not Python where Python is embedded.
_SUPERVISOR = """
end() { for child in $(cat /proc/$1/task/*/children); do end "$child"; done; kill -KILL "$1"; }
read -r _
kill -STOP -- "-$1"
end "$1"
kill -KILL -- "-$1"
"""


def supervise(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes] | None:
    """Start a process that ends `process` and its descendants when this program is gone. Return None on Windows.

    When `process` has ended, kill the supervisor and wait for it, and close its standard input only then.
    """
    if sys.platform == "win32":
        return None
    return subprocess.Popen(  # noqa: S603 # our own script, and a number
        ["/bin/sh", "-c", _SUPERVISOR, "sh", str(process.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    """End a process group: send SIGTERM, wait at most `grace_s` seconds for the process to end, then send SIGKILL.

    Descendants in other groups get SIGKILL right after SIGTERM. They can only be found while their parents run.
    """
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
    """Return the descendants of `pid`, if there is a /proc. 1.18.33 runs each tool in a session of its own."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it has just ended
            for child in map(int, children.read_text(encoding="ascii").split()):
                found += [child, *_descendants(child)]
    return found
