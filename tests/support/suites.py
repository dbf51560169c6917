"""Suites by place: mark the tests of the tools, and do not import suites that a run leaves out."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[1]
TOOLS = (
    "changes", "command", "fleet", "generator", "normalise", "random_documents", "reference", "site", "soak",
    "testing", "decoding/test_reading_properties.py", "test_aliases.py", "test_compatibility_page.py",
    "test_examples.py", "test_layers.py", "test_migration_page.py", "test_pytest_plugin.py", "test_release.py",
    "test_renamed_copies.py", "test_single_source.py", "test_surviving_threads.py", "test_testing.py",
    "test_testing_page.py", "test_web_example.py",
)  # fmt: skip
"""Tests of all that is not the client: the generator, the reports, the pages, the examples, the workflows, the command,
and what users test their programs with: the fake server, the scripted model, the pytest plugin.

A few of the client first import the generator or Dask, which takes seconds in each worker. They are here, too.
"""
SLOW = (
    "test_examples.py", "test_renamed_copies.py", "command/test_generate.py", "normalise/test_document.py",
    "random_documents/test_random_documents.py", "changes/test_python.py", "calls/test_contract.py",
    "test_pytest_plugin.py", "turns/test_killed_client.py", "server/test_opencode_server.py", "turns/test_many.py",
    "server/test_ends.py", "testing/test_same_as_real.py", "calls/test_concurrency.py",
    "terminals/test_processes.py", "terminals/test_exits.py",
)  # fmt: skip
"""Files that take seconds. They run first, else the other workers wait for them at the end."""
_SUITES = {"live": "live", "job": "job", "test_wheel.py": "package", **dict.fromkeys(TOOLS, "tools")}


def _place(path: Path) -> Path:
    return path.relative_to(_TESTS) if path.is_relative_to(_TESTS) else Path()


@cache
def _suite(path: Path) -> str | None:
    """Return the mark of all tests in `path`, or None."""
    names = (_place(path), *_place(path).parents)
    return next((_SUITES[name.as_posix()] for name in names if name.as_posix() in _SUITES), None)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore the suites that `-m` leaves out: each worker would need seconds to import them."""
    chosen = config.option.markexpr.split(" and ")
    suite = _suite(collection_path)
    others = "tools" in chosen and collection_path.match("test_*.py") and suite != "tools"
    return True if others or f"not {suite}" in chosen else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of the tools."""
    if _suite(item.path) == "tools":
        item.add_marker(pytest.mark.tools)


def slow_files_first(items: list[pytest.Item]) -> None:
    """Sort the files: first the slow ones, then those with the most tests. xdist starts them in this order."""
    counts = Counter(item.path for item in items)
    ranks = {_TESTS / place: rank for rank, place in enumerate(SLOW)}
    order = {path: (ranks.get(path, len(SLOW)), -count) for path, count in counts.items()}
    items.sort(key=lambda item: order[item.path])
