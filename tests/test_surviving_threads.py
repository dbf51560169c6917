"""Threads that outlive the tests make the run fail, but the run still ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_LEAVES_A_THREAD = """
import threading, time
def test_leaves_a_thread():
    threading.Thread(target=time.sleep, args=(3600,), name="left behind", daemon={daemon}).start()
"""
_LIMIT_S = 90.0
_PLAIN: list[str] = []
_WORKER = ["-p", "xdist", "-n", "1"]  # without other plugins, which take seconds to load


def _run(folder: Path, arguments: list[str], *, daemon: bool) -> subprocess.CompletedProcess[str]:
    (folder / "test_thread.py").write_text(_LEAVES_A_THREAD.format(daemon=daemon))
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        str(folder / "pytest.ini"),
        "-p",
        "tests.support.surviving_threads",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [*command, *arguments, str(folder)],
        cwd=_ROOT,
        env={**environment, "PYTHONPATH": str(_ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        timeout=_LIMIT_S,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [_PLAIN, _WORKER], ids=["one process", "a worker"])
def test_a_surviving_thread_is_named_and_fails_the_run(tmp_path: Path, arguments: list[str]) -> None:
    ended = _run(tmp_path, arguments, daemon=False)
    assert "\nleft behind" in ended.stdout
    assert "1 passed in" in ended.stdout.splitlines()[-1]
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED


def test_a_daemon_thread_may_survive(tmp_path: Path) -> None:
    assert _run(tmp_path, _PLAIN, daemon=True).returncode == pytest.ExitCode.OK
