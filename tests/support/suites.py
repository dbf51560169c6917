"""Suites by place: mark the tests of the tools, and do not import suites that a run leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[1]
TOOLS = (
    *(
        "changes",
        "generator",
        "normalise",
        "random_documents",
        "reference",
        "site",
        "command/test_generate.py",
    ),
    *("test_compatibility_page.py", "test_layers.py", "test_migration_page.py", "test_release.py"),
    *("test_renamed_copies.py", "test_single_source.py"),
)
"""Tests of code that users do not import: the generator, the reports, the pages, the workflows."""
_SUITES = {"live": "live", "job": "job", **dict.fromkeys(TOOLS, "tools")}


def _suite(path: Path) -> str | None:
    """Return the mark of all tests in `path`, or None."""
    place = path.relative_to(_TESTS) if path.is_relative_to(_TESTS) else Path()
    names = (place, *place.parents)
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
