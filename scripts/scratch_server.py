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

_CALLERS = ("OPENCODE_", "XDG_", "GIT_")
"""What starts so is the caller's: a password, a configuration, a repository; not this server's."""


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
        places = {name: Path(folder, name) for name in ("home", "workspace", "tmp")}
        for place in places.values():
            place.mkdir()
        callers = {name: None for name in os.environ if name.startswith(_CALLERS)}
        settings = {**callers, **_NO_SURPRISES, **_homes(places["home"], places["tmp"]), **(env or {})}
        _make_repository(places["workspace"])
        with OpencodeServer(
            executable, directory=places["workspace"], env=settings, password=password
        ) as server:
            yield server


def _homes(home: Path, temporary: Path) -> dict[str, str]:
    """The XDG folders follow HOME; the executable unpacks its libraries into TMPDIR and leaves them there."""
    return {
        **dict.fromkeys(("HOME", "USERPROFILE"), str(home)),
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)),
    }


def _make_repository(folder: Path) -> None:
    """Without the caller's GIT_*: in a git hook, GIT_DIR would make it the caller's repository."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(_CALLERS)}
    subprocess.run(["git", "init", "--quiet", str(folder)], env=env, check=True)
