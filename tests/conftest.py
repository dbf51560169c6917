"""What decides whether a live test runs: real servers come from npm."""

from __future__ import annotations

import os
import shutil

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without npm, live tests are skipped with one reason, or fail when OPENCODE_REQUIRE_SERVER=1."""
    if shutil.which("npm") or not any(item.get_closest_marker("live") for item in items):
        return
    if os.environ.get("OPENCODE_REQUIRE_SERVER") == "1":
        raise pytest.UsageError("npm is not here and OPENCODE_REQUIRE_SERVER=1: the live tests cannot run")
    skip = pytest.mark.skip(reason="npm is not here, so there is no real server to test against")
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(skip)
