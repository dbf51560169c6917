"""Start and end a process with its descendants and its folder, also when this program is killed.

Without /proc (macOS), descendants in sessions of their own keep running. On Windows only the process itself ends, and
nothing happens when this program is killed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

# Waits for a line, and then becomes the server with the same process id. Without a line it ends. So no server is left
# if this program is killed before the supervisor runs.
_LAUNCHER = 'read -r _ && exec "$@" < /dev/null'

# Waits until this program is gone, for any reason: the kernel then closes the pipe. Then it ends the server and its
# descendants, and removes the server's folder. PR_SET_PDEATHSIG is no substitute, because it already acts when the
# starting thread ends. Both are shell scripts, because sys.executable is not Python where Python is embedded.
_SUPERVISOR = """
end() { for child in $(cat /proc/$1/task/*/children); do end "$child"; done; kill -KILL "$1"; }
read -r _
kill -STOP -- "-$1"
end "$1"
kill -KILL -- "-$1"
for _ in 1 2 3 4 5; do
  [ -d "$2" ] || exit
  chmod -R u+rwx "$2"
  rm -rf -- "$2" || sleep 1
done
"""

_SHELL_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_REMOVE_S = 2.0
_POLL_S = 0.05


def launch(
    command: Sequence[str], directory: Path, env: Mapping[str, str], folder: Path | None
) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes] | None]:
    """Start a process that waits for `release` on POSIX, and its supervisor. The supervisor is None on Windows.

    The output of the process is a pipe. `folder` is removed if this program is killed; make it after this call.

    When the process has ended, kill the supervisor and wait for it, and close its standard input only then.
    """
    process = subprocess.Popen(  # noqa: S603 # the user's executable
        [*_launcher(env), *command],
        cwd=directory,
        env=env,
        stdin=subprocess.DEVNULL if sys.platform == "win32" else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    if sys.platform == "win32":
        return process, None
    supervisor = subprocess.Popen(  # noqa: S603 # our own script, a number and a path
        ["/bin/sh", "-c", _SUPERVISOR, "sh", str(process.pid), str(folder or "")],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _close_in_children(supervisor.stdin)
    return process, supervisor


def _close_in_children(pipe: IO[bytes] | None) -> None:
    """Close a pipe in forked children: one that outlives this program would keep it open."""
    kept = weakref.ref(pipe) if pipe is not None else lambda: None

    def close() -> None:
        if (found := kept()) is not None:
            found.close()

    if sys.platform != "win32":
        os.register_at_fork(after_in_child=close)


def _launcher(env: Mapping[str, str]) -> list[str]:
    """Return the command that starts another one. It sets variables that dash drops: those with unusual names."""
    if sys.platform == "win32":
        return []
    odd = [f"{name}={value}" for name, value in env.items() if not _SHELL_NAME.fullmatch(name)]
    return ["/bin/sh", "-c", _LAUNCHER, "sh", *(["env", *odd] if odd else [])]


def release(process: subprocess.Popen[bytes]) -> None:
    """Let a process of `launch` become the server."""
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin:  # it has ended: the caller will notice
            process.stdin.write(b"\n")


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


def remove(folder: Path) -> None:
    """Remove a folder. Descendants that are just ending may still change it, so it may take a few tries."""
    deadline = time.monotonic() + _REMOVE_S
    while folder.exists():
        for place, _, _ in os.walk(folder):
            with contextlib.suppress(FileNotFoundError):  # a descendant has just removed it
                os.chmod(place, 0o700)  # Go makes its module folders read-only
        shutil.rmtree(folder, ignore_errors=True)
        if time.monotonic() > deadline:
            return
        if folder.exists():
            time.sleep(_POLL_S)
