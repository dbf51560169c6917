"""Find threads that still run after the tests. The run prints their names, fails, and still ends."""

from __future__ import annotations

import os
import sys
import threading
from time import monotonic
from typing import Any, NoReturn

import pytest

_PATIENCE_S = 1.0
_NAMES = pytest.StashKey[list[str]]()
"""The threads of this process that survive, and in the controller of xdist those of its workers."""
_STATUS = pytest.StashKey[int]()
"""The exit status of a process that must end while one of its threads still runs."""


def _survivors() -> list[str]:
    """Return the names of threads that keep this process from ending. Some have a little time to end."""
    own = (threading.main_thread(), threading.current_thread())
    deadline = monotonic() + _PATIENCE_S
    threads = [one for one in threading.enumerate() if not one.daemon and one not in own]
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    return [thread.name for thread in threads if thread.is_alive()]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look for surviving threads, and fail if this process or a worker has any."""
    config: Any = session.config  # Any: only a worker of xdist has `workeroutput`
    survivors = _survivors()
    names = config.stash.setdefault(_NAMES, [])
    names += survivors
    if names and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if survivors:
        config.stash[_STATUS] = int(session.exitstatus)
    if hasattr(config, "workeroutput"):
        config.workeroutput["survivors"] = survivors


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # Any: a type of xdist, which may not be installed
    """Take over the surviving threads of a worker. One that crashed has reported none."""
    names = node.config.stash.setdefault(_NAMES, [])
    for name in getattr(node, "workeroutput", {}).get("survivors", []):
        names.append(f"{name} ({node.gateway.id})")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the surviving threads."""
    names = config.stash.setdefault(_NAMES, [])
    if names:
        terminalreporter.section("threads that outlive the tests: the run fails", red=True)
        for name in names:
            terminalreporter.line(name)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End a process that a thread keeps alive. pytest has printed its last line, a worker has reported."""
    if _STATUS in config.stash:
        _end(config.stash[_STATUS])


def _end(status: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
