"""Fixtures and hooks for all tests: time limits, skipping of live tests without npm, the small package, a clean log."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sys
from collections.abc import Generator
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

from tests.support import quicker_libraries as quicker_libraries  # acts when it is imported
from tests.support.both_clients import client_kind as client_kind  # a fixture for every test
from tests.support.small_package import PATHS, SCHEMAS
from tests.support.suites import pytest_ignore_collect as pytest_ignore_collect  # hooks
from tests.support.suites import pytest_itemcollected as pytest_itemcollected
from tests.support.suites import slow_files_first
from tests.support.surviving_threads import pytest_sessionfinish as pytest_sessionfinish  # hooks
from tests.support.surviving_threads import pytest_terminal_summary as pytest_terminal_summary
from tests.support.surviving_threads import pytest_testnodedown as pytest_testnodedown
from tests.support.surviving_threads import pytest_unconfigure as pytest_unconfigure
from tests.support.tls import tls as tls  # a fixture for every test
from tests.support.workers import pytest_runtest_protocol as pytest_runtest_protocol  # hooks
from tests.support.workers import pytest_xdist_auto_num_workers as pytest_xdist_auto_num_workers

# a busy machine can stop a process for seconds; the test is not the cause
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

_OPEN_FILES = 2048
_LIMITS_S = {"live": 300, "documents": 600, "package": 600, "job": 900}
"""The limits of tests with a marker, fixtures included. A test of the job runs another test suite."""


def pytest_configure(config: pytest.Config) -> None:
    """Allow more open files, as macOS allows 256. Windows has no signal for time limits: use threads."""
    if sys.platform == "win32":
        config.option.timeout_method = config.option.timeout_method or "thread"
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= soft < _OPEN_FILES:  # negative: no limit
            most = min(_OPEN_FILES, hard) if hard >= 0 else _OPEN_FILES
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start slow files first, set the limits of slower suites, and skip tests that need npm, or fail without it."""
    slow_files_first(items)
    for item in items:
        for limit_s in [_LIMITS_S[mark.name] for mark in item.iter_markers() if mark.name in _LIMITS_S]:
            item.add_marker(pytest.mark.timeout(limit_s))
    real = [item for item in items if item.get_closest_marker("live") or item.get_closest_marker("job")]
    if shutil.which("npm") or not real or os.environ.get("TURN_FAKE") == "1":
        return
    if os.environ.get("OPENCODE_REQUIRE_SERVER") == "1":
        raise pytest.UsageError(
            "OPENCODE_REQUIRE_SERVER=1, but npm is not installed: the live tests cannot run"
        )
    skip = pytest.mark.skip(reason="npm is not installed, so there is no real server to test with")
    for item in real:
        item.add_marker(skip)


def pytest_collection_finish() -> None:
    """Leave the tests themselves out of garbage collections, and collect less often: large documents need the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, *gc.get_threshold()[1:])


@pytest.fixture(scope="session", autouse=True)
def _without_the_callers_settings() -> Generator[None]:
    """Remove the caller's settings of opencode: they are for other servers, and reports must not show a password."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("OPENCODE_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Generate a package from the small document, and return its models."""
    from tests.support.generated_packages import document, load_models, write  # imports the generator: 0.5 s

    return load_models(write(tmp_path_factory.mktemp("small"), document(SCHEMAS, PATHS)), "small_client")


@pytest.fixture(scope="session")
def httpserver_listen_address() -> tuple[str, int]:
    """Return 127.0.0.1, not `localhost`: Windows would first try ::1 for two seconds."""
    return "127.0.0.1", 0


@pytest.fixture
def no_collections() -> Generator[None]:
    """Collect no garbage: its finalizers would fail in the middle of a recursion that reaches Python's limit."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """The log, as if no warning had been logged before."""
    monkeypatch.setattr("opencode_client.decoding.shapes._warned", set[tuple[str, str]]())
    caplog.set_level(logging.WARNING, "opencode_client.decoding")
    return caplog
