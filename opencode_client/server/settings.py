"""Settings of a server process: its executable, environment, password, configuration and folder.

Source: servers 1.1.31, 1.3.2 and 1.18.33 read OPENCODE_CONFIG_CONTENT, and it wins over files. The `/api` operations of
1.18.33 read files only.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ..calls.directories import StrPath
from ..errors import ArgumentError, ServerStartError
from .log import cleaner, secrets_of

_PASSWORD = "OPENCODE_SERVER_PASSWORD"  # noqa: S105 # the variable's name
_USERNAME = "OPENCODE_SERVER_USERNAME"
_NO_TEXT = f"password or {_USERNAME} is not text in UTF-8"
_CONFIG = "OPENCODE_CONFIG_CONTENT"
_HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")
_TEMPORARY = ("TMPDIR", "TEMP", "TMP")
_INSTALL = "Install it (`npm install -g opencode-ai`), or give its path in OPENCODE_BIN or as `executable`"
_EXE = "which npm puts into a folder such as node_modules/opencode-windows-x64/bin"


class ServerSettings:
    """Settings of a server that will be started. No attribute has a secret: values that may be secret are in functions.

    Args:
        folder: Folder of an isolated server.

    Raises:
        ArgumentError: an argument is wrong; the message names it.
    """

    def __init__(
        self,
        executable: StrPath | None,
        *,
        directory: StrPath | None = None,
        env: Mapping[str, str | None] | None = None,
        password: str | None = None,
        config: Mapping[str, object] | None = None,
        isolated: bool = False,
        log_path: StrPath | None = None,
    ) -> None:
        given = os.environ.get("OPENCODE_BIN") if executable is None else executable
        self.executable: str = _program("executable", given or "opencode")
        self.source: str = "OPENCODE_BIN" if executable is None and given else "executable"
        self.directory: Path = _path("directory", directory or ".")
        self.log_path: Path | None = _path("log_path", log_path) if log_path is not None else None
        self.folder: Path | None = _new_folder() if isolated else None
        content = _json(config) if config is not None else None
        self.config: Callable[[], str | None] = lambda: content
        if not (password is None or _is_text(password)):
            raise ArgumentError(_NO_TEXT)
        variables = _variables(self.folder, env or {}, password, content)
        self.env: Callable[[], dict[str, str]] = lambda: variables
        user, word = variables.get(_USERNAME) or "opencode", variables.get(_PASSWORD)
        self.auth: Callable[[], tuple[str, str] | None] = lambda: (user, word) if word else None
        try:
            f"{user}{word}".encode()
        except UnicodeEncodeError:
            raise ArgumentError(_NO_TEXT) from None
        self.clean: Callable[[str], str] = cleaner(
            secrets_of(variables, json.loads(content or "null"), self.auth())
        )

    def find(self) -> str:
        """Return the path of the executable.

        Raises:
            ServerStartError: it does not exist, cannot be executed or is a script, or the directory does not exist.
        """
        if not self.directory.is_dir():
            raise ServerStartError(f"The directory {self.directory} of the server does not exist", "")
        is_path = bool(os.path.dirname(self.executable))
        found = shutil.which(self.executable, path=self.env().get("PATH"))
        if found and found.lower().endswith((".cmd", ".bat")):  # the end of its shell does not end the server
            raise ServerStartError(f"{found} is a script of npm; give the path of opencode.exe, {_EXE}", "")
        if found:
            return found
        if not is_path:
            raise ServerStartError(f"{self.executable} is not on the PATH. {_INSTALL}", "")
        fault = "is not an executable file" if os.path.exists(self.executable) else "does not exist"
        raise ServerStartError(f"{self.source}: {self.executable} {fault}. {_INSTALL}", "")

    def make_folder(self) -> None:
        """Make the folder of an isolated server, with the configuration as the file that `/api` operations need."""
        if self.folder is not None:
            self.folder.mkdir(mode=0o700)
            home = self.folder / "home"
            (self.folder / "tmp").mkdir()
            (home / ".config" / "opencode").mkdir(parents=True)
            (home / ".config" / "opencode" / "opencode.json").write_text(
                self.config() or "{}", encoding="utf-8"
            )


def _program(name: str, value: StrPath) -> str:
    """Return an absolute path, relative to this program's directory. A bare name is returned as it is, for the PATH."""
    try:
        text = os.fspath(value)
        return os.path.abspath(text) if os.path.dirname(text) else text
    except TypeError:
        raise ArgumentError(f"{name} takes a path, not {type(value).__name__}") from None


def _path(name: str, value: StrPath) -> Path:
    try:
        return Path(os.path.abspath(value))
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} takes a path, not {type(value).__name__}") from None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def _new_folder() -> Path:
    """Return a folder that does not exist yet."""
    return Path(tempfile.gettempdir(), f"opencode-server-{secrets.token_hex(8)}")


def _json(config: Mapping[str, object]) -> str:
    if not isinstance(config, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
        raise ArgumentError(f"config takes a dict, as in opencode.json, not {type(config).__name__}")
    try:
        return json.dumps(dict(config), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"config is not JSON: {error}") from None


def _variables(
    folder: Path | None, env: Mapping[str, str | None], password: str | None, content: str | None
) -> dict[str, str]:
    """Return the server's environment. It has a new random password if no variable sets or removes the password."""
    for name, value in env.items():
        if not (_is_text(name) and name and "=" not in name and (value is None or _is_text(value))):
            kind = type(value).__name__
            raise ArgumentError(
                f"env: no process can have the variable {name!r} with this {kind}: values are texts, or None"
            )
    if content is not None and env.get(_CONFIG) is not None:
        raise ArgumentError(f"config and {_CONFIG} of env are both the configuration: give one of them")
    variables: dict[str, str | None] = {_PASSWORD: secrets.token_urlsafe(24), **os.environ}
    if folder is not None:
        own = {name for name in variables if name.startswith(("OPENCODE_", "XDG_"))} - {_PASSWORD, _USERNAME}
        variables |= dict.fromkeys(own) | {"OPENCODE_DISABLE_AUTOUPDATE": "1"}
        variables |= dict.fromkeys(_HOMES, str(folder / "home")) | dict.fromkeys(
            _TEMPORARY, str(folder / "tmp")
        )
    variables |= env
    if content is not None:
        variables[_CONFIG] = content
    if password is not None:
        variables[_PASSWORD] = password
    return {name: value for name, value in variables.items() if value is not None}
