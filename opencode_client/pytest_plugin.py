"""Fixtures for tests of programs that use opencode.

Put `pytest_plugins = ["opencode_client.pytest_plugin"]` into the conftest.py of your tests.

Fixtures of functions: `opencode_fake`, `opencode_model`, `opencode_sync_client`, `opencode_async_client` and
`opencode_directory`. Fixtures of the session: `opencode_server` and `opencode_config`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .async_client import AsyncOpencodeClient
    from .client import OpencodeClient
    from .server import OpencodeServer
    from .testing import FakeServer, ScriptedModel

_OPTION = "--opencode-bin"
_REQUIRED = "OPENCODE_REQUIRE_SERVER"
_AUTHOR = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--opencode-bin`."""
    text = "opencode for the fixture opencode_server (default: that in OPENCODE_BIN, else that on the PATH)"
    parser.getgroup("opencode").addoption(_OPTION, metavar="PATH", help=text)


@pytest.fixture(scope="session")
def opencode_config() -> dict[str, Any]:  # Any: opencode's configuration
    """Configuration for `opencode_server` and `opencode_fake`, to override: `{"permission": {"bash": "ask"}}`."""
    return {}


@pytest.fixture
def opencode_directory(tmp_path: Path) -> Path:
    """A git workspace with one commit, for one test."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for command in (
        ["init", "--quiet"],
        [*_AUTHOR, "commit", "--quiet", "--allow-empty", "--message", "first"],
    ):
        subprocess.run(["git", *command], cwd=workspace, env=env, check=True)  # noqa: S603, S607 # git of the PATH
    return workspace


@pytest.fixture(scope="session")
def _opencode_model() -> Iterator[ScriptedModel]:
    from .testing import ScriptedModel

    with ScriptedModel() as model:
        yield model


@pytest.fixture
def opencode_model(_opencode_model: ScriptedModel) -> ScriptedModel:
    """The model of `opencode_server`, without replies of earlier tests. Its next reply: `opencode_model.say("Hi")`."""
    _opencode_model.clear()
    return _opencode_model


@pytest.fixture(scope="session")
def opencode_server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    _opencode_model: ScriptedModel,
    opencode_config: dict[str, Any],
) -> Iterator[OpencodeServer]:
    """A real server with the scripted model, one for the session (with xdist: for each worker).

    Without an executable, its tests are skipped, or fail if OPENCODE_REQUIRE_SERVER is 1.
    """
    from .server import OpencodeServer

    executable = request.config.getoption(_OPTION, None)
    _check_executable(executable)
    folder = tmp_path_factory.mktemp("opencode-server")
    env = _opencode_model.install(folder / "home", **opencode_config)
    config = _opencode_model.config(**opencode_config)
    with OpencodeServer(executable, directory=folder, isolated=True, env=env, config=config) as server:
        yield server


def _check_executable(executable: str | None) -> None:
    """If there is no opencode, skip the test, or fail it if OPENCODE_REQUIRE_SERVER is 1."""
    from .errors import ServerStartError
    from .server.settings import ServerSettings

    try:
        ServerSettings(executable).find()
    except ServerStartError as error:
        reason = f"no opencode for the fixture opencode_server: {error}, or as {_OPTION}"
        if os.environ.get(_REQUIRED) == "1":
            pytest.fail(f"{_REQUIRED}=1, but {reason}", pytrace=False)
        pytest.skip(reason)


@pytest.fixture
def opencode_fake(opencode_directory: Path, opencode_config: dict[str, Any]) -> Iterator[FakeServer]:
    """A fake server for one test, without opencode. The next reply of its model: `opencode_fake.say("Hi")`."""
    from .testing import FakeServer

    with FakeServer(directory=opencode_directory, config=opencode_config) as fake:
        yield fake


@pytest.fixture
def _opencode_target(
    request: pytest.FixtureRequest, opencode_directory: Path
) -> Iterator[OpencodeServer | FakeServer]:
    """The fake if the test has the fixture `opencode_fake`, else the real server."""
    if "opencode_fake" in request.fixturenames:
        yield request.getfixturevalue("opencode_fake")
        return
    server: OpencodeServer = request.getfixturevalue("opencode_server")
    request.getfixturevalue("opencode_model")  # without the replies of the test before
    yield server
    with server.client() as client:  # else the server keeps the directory's instance, and its running turns
        client.instance.dispose(directory=opencode_directory)


@pytest.fixture
def opencode_sync_client(
    _opencode_target: OpencodeServer | FakeServer, opencode_directory: Path
) -> Iterator[OpencodeClient]:
    """A client in `opencode_directory`: of `opencode_fake` if the test has that fixture, else of `opencode_server`."""
    with _opencode_target.client(directory=opencode_directory) as client:
        yield client


@pytest.fixture
def opencode_async_client(
    request: pytest.FixtureRequest, _opencode_target: OpencodeServer | FakeServer, opencode_directory: Path
) -> Iterator[AsyncOpencodeClient]:
    """An async client, of the same server as `opencode_sync_client`. It is closed at the end of the test function."""
    import asyncio

    if "anyio_backend_name" in request.fixturenames or "anyio_backend" in request.fixturenames:
        backend = request.getfixturevalue("anyio_backend")
        if "asyncio" not in (backend, backend[0]):
            pytest.skip("AsyncOpencodeClient needs asyncio")
    client = _opencode_target.async_client(directory=opencode_directory)
    _close_at_end(request.node, client)
    yield client
    asyncio.run(client.close())  # of a test that is not async


def _close_at_end(item: Any, client: AsyncOpencodeClient) -> None:  # Any: an item with a function
    """Close the client in the test's event loop. A fixture does not know which plugin runs it, or when it ends."""
    function = item.obj
    if iscoroutinefunction(function):

        @wraps(function)
        async def test(*arguments: Any, **named: Any) -> Any:  # Any: those of the test
            async with client:
                return await function(*arguments, **named)

        item.obj = test
