"""What tests share: whether those with real servers run (they come from npm), the small package, a clean log."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Generator
from types import ModuleType

import pytest

from tests.support.both_clients import client_kind as client_kind  # a fixture for every test
from tests.support.generated_packages import document, load_models, write
from tests.support.small_package import PATHS, SCHEMAS
from tests.support.surviving_threads import pytest_sessionfinish as pytest_sessionfinish  # hooks
from tests.support.surviving_threads import pytest_terminal_summary as pytest_terminal_summary
from tests.support.surviving_threads import pytest_testnodedown as pytest_testnodedown
from tests.support.surviving_threads import pytest_unconfigure as pytest_unconfigure
from tests.support.tls import tls as tls  # a fixture for every test

_OPEN_FILES = 2048
_LIMITS_S = {"live": 300, "documents": 600, "package": 600, "job": 900}
"""How long a test with a marker may take, its fixtures included; one of the job waits for another test run."""


def pytest_configure(config: pytest.Config) -> None:
    """Have as many open files as tests of crowds need: macOS gives a process 256. Windows has no signal for limits."""
    if sys.platform == "win32":
        config.option.timeout_method = config.option.timeout_method or "thread"
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= soft < _OPEN_FILES:  # negative: no limit
            most = min(_OPEN_FILES, hard) if hard >= 0 else _OPEN_FILES
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give slower suites their limits. Skip tests with real servers without npm, or fail where they are required."""
    for item in items:
        for limit_s in [_LIMITS_S[mark.name] for mark in item.iter_markers() if mark.name in _LIMITS_S]:
            item.add_marker(pytest.mark.timeout(limit_s))
    real = [item for item in items if item.get_closest_marker("live") or item.get_closest_marker("job")]
    if shutil.which("npm") or not real:
        return
    if os.environ.get("OPENCODE_REQUIRE_SERVER") == "1":
        raise pytest.UsageError("npm is not here and OPENCODE_REQUIRE_SERVER=1: the live tests cannot run")
    skip = pytest.mark.skip(reason="npm is not here, so there is no real server to test against")
    for item in real:
        item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def _without_the_callers_settings() -> Generator[None]:
    """The caller's settings of opencode are for other servers, and a password of theirs is for nobody's report."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("OPENCODE_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The models of the package that the pipeline makes of the small document."""
    return load_models(write(tmp_path_factory.mktemp("small"), document(SCHEMAS, PATHS)), "small_client")


@pytest.fixture(scope="session")
def httpserver_listen_address() -> tuple[str, int]:
    """Not `localhost`: there, Windows asks ::1 for two seconds before it asks 127.0.0.1."""
    return "127.0.0.1", 0


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """The log, with nothing warned of before."""
    monkeypatch.setattr("opencode_client.decoding.shapes._warned", set[tuple[str, str]]())
    caplog.set_level(logging.WARNING, "opencode_client.decoding")
    return caplog
