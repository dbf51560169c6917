"""A real server of a given version with its own HOME and git repository, and without the caller's settings."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from opencode_client.server import OpencodeServer
from scripts.npm_server import get_server

_OFFLINE = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    "OPENCODE_MODELS_URL": "http://127.0.0.1:9",  # no server there: 1.1.31 fetches models even with the setting above
}

_REMOVED = ("OPENCODE_", "XDG_", "GIT_")
"""Prefixes of the caller's variables that this server must not see: password, configuration, repository."""


@contextmanager
def scratch_server(
    version: str, *, password: str = "", env: Mapping[str, str] | None = None
) -> Generator[OpencodeServer, None, None]:
    """Start a server of `version` from npm; on exit, stop it and delete everything that it wrote.

    Raises:
        NpmError: the version cannot be downloaded.
        ServerStartError: the server did not start.
    """
    executable = get_server(version)
    with tempfile.TemporaryDirectory(prefix="opencode-server-", ignore_cleanup_errors=True) as folder:
        home, workspace, temporary = (Path(folder, name) for name in ("home", "workspace", "tmp"))
        for path in (home, workspace, temporary):
            path.mkdir()
        removed = {name: None for name in os.environ if name.startswith(_REMOVED)}
        settings = {**removed, **_OFFLINE, **_homes(home, temporary), **(env or {})}
        _make_repository(workspace)
        with OpencodeServer(executable, directory=workspace, env=settings, password=password) as server:
            yield server


def _homes(home: Path, temporary: Path) -> dict[str, str]:
    """XDG folders are below HOME; the executable leaves unpacked libraries in TMPDIR."""
    return {
        **dict.fromkeys(("HOME", "USERPROFILE"), str(home)),
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)),
    }


def _make_repository(folder: Path) -> None:
    """Make a git repository without the caller's GIT_* variables: in a git hook, GIT_DIR names the caller's."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_REMOVED)}
    subprocess.run(["git", "init", "--quiet", str(folder)], env=env, check=True)
