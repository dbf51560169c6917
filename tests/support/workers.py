"""Workers of pytest-xdist: more than there are cores, because many tests wait, and with fewer messages."""

from __future__ import annotations

import os

import pytest
from _pytest.runner import runtestprotocol

_SLOW_S = 0.5


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return three workers for each two cores for `-n auto`. For `-n logical` it is xdist's own number."""
    if config.option.numprocesses != "auto" or "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + (cores + 1) // 2


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test in a worker with few reports: six messages for each test take a fifth of the suite's time."""
    if not hasattr(item.config, "workerinput"):
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed or report.duration > _SLOW_S:
            item.ihook.pytest_runtest_logreport(report=report)
    return True
