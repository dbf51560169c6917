"""A real server of a given version, alone: own HOME, own git repository, nothing of the caller's settings."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from opencode_client.server import OpencodeServer
from scripts.npm_server import get_server

_NO_SURPRISES = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    "OPENCODE_MODELS_URL": "http://127.0.0.1:9",  # nobody listens: 1.1.31 asks for its models in spite of the above
}


@contextmanager
def scratch_server(
    version: str, *, password: str | None = None, env: Mapping[str, str] | None = None
) -> Generator[OpencodeServer, None, None]:
    """A running server of `version`, got from npm; everything that it wrote goes away at the end.

    Raises:
        NpmError: the version could not be had.
        ServerStartError: it did not come up.
    """
    executable = get_server(version)
    with tempfile.TemporaryDirectory(prefix="opencode-server-", ignore_cleanup_errors=True) as folder:
        home, workspace = Path(folder, "home"), Path(folder, "workspace")
        home.mkdir()
        workspace.mkdir()
        subprocess.run(["git", "init", "--quiet", str(workspace)], check=True)
        settings = {**_NO_SURPRISES, **_homes(home), **(env or {})}
        with _without_callers_settings():
            server = OpencodeServer(executable, directory=workspace, env=settings, password=password)
        with server:
            yield server


def _homes(home: Path) -> dict[str, str]:
    names = {"XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share", "XDG_STATE_HOME": ".local/state"}
    folders = {name: str(home / place) for name, place in names.items()}
    return {"HOME": str(home), "USERPROFILE": str(home), "XDG_CACHE_HOME": str(home / ".cache"), **folders}


@contextmanager
def _without_callers_settings() -> Generator[None, None, None]:
    """The environment without OPENCODE_*: the caller's password or configuration is not this server's."""
    held = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("OPENCODE_")}
    try:
        yield
    finally:
        os.environ.update(held)
