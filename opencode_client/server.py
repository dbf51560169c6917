"""Starting and ending `opencode serve`.

Source: servers 1.1.31 to 1.18.33. A request on a connection that was opened before the line `opencode server
listening on ...` is never answered, so the line is waited for before anything is asked.
"""

from __future__ import annotations

import atexit
import os
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

import httpx

from .errors import ServerStartError
from .processes import end, supervise

_LISTENING = re.compile(rb"opencode server listening on http://\S*:(\d+)\s")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 # what is listened on -> what is asked
_PASSWORD = "OPENCODE_SERVER_PASSWORD"  # noqa: S105 # the variable's name
_LOG_BYTES = 65_536
_GRACE_S = 5.0
_PROBE_TIMEOUT_S = 2.0
_POLL_S = 0.05


def _base_url(hostname: str, port: int) -> str:
    """Where a server that listens on `hostname` is asked."""
    host = _EVERYWHERE.get(hostname, hostname)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _version(health: httpx.Response) -> str:
    """What `GET /global/health` says; empty when it wants a password that is not ours. Raises ValueError."""
    if health.status_code == 401:
        return ""
    try:
        return str(health.json()["version"])
    except (ValueError, KeyError, TypeError):
        kind = health.headers.get("content-type", "no content type")
        raise ValueError(
            f"GET /global/health gave {health.status_code} {kind}: {health.text[:80]!r}"
        ) from None


class OpencodeServer:
    """An `opencode serve` process of one's own.

    Started by `start` or `with`, ended by `close`, by the end of `with` or of the program; on POSIX also when this
    process is killed. Starts once. `close` may be called from any thread; in a forked child it does nothing.
    On macOS, which has no /proc, what tools run in sessions of their own is not ended. On Windows only the server's own
    process is, and not when this process is killed; the `opencode.cmd` of npm is not found there: name `opencode.exe`.

    `directory` is where the server works (default: here), `port` 0 is one that the server chooses (4096 if free),
    `env` is added to this process's environment, and a variable whose value is None taken out of it. `password`
    turns Basic auth on (user `opencode`, or OPENCODE_SERVER_USERNAME), "" off; by default the environment says.

    Source: `serve --port 0` and `GET /global/health`, servers 1.1.31 to 1.18.33.
    """

    def __init__(
        self,
        executable: str | os.PathLike[str] = "opencode",
        *,
        directory: str | os.PathLike[str] | None = None,
        hostname: str = "127.0.0.1",
        port: int = 0,
        env: Mapping[str, str | None] | None = None,
        password: str | None = None,
        startup_timeout_s: float = 60.0,
    ) -> None:
        name = os.fspath(
            executable
        )  # a path is one from here, not from `directory`; a bare name is looked up
        self.executable: str = os.path.abspath(name) if os.path.dirname(name) else name
        self.directory: Path = Path(directory or ".").absolute()
        self.hostname = hostname
        self.startup_timeout_s = startup_timeout_s
        self.version: str = ""
        self._asked_port = port
        wanted = {**os.environ, **(env or {}), **({} if password is None else {_PASSWORD: password})}
        self._env = {name: value for name, value in wanted.items() if value is not None}
        self._url = ""
        self._owner = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._log = bytearray()
        self._listening = threading.Event()
        self._reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it answers, `http://127.0.0.1:<port>`; empty before it is started."""
        return self._url

    @property
    def port(self) -> int:
        """The port that it listens on; 0 before it is started."""
        return httpx.URL(self._url).port or 0 if self._url else 0

    @property
    def pid(self) -> int | None:
        """The server's process id; None before it is started and after it is closed."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """The end of what the server wrote, 65,536 bytes at most, without its password."""
        text = bytes(self._log).decode("utf-8", "replace")
        return text.replace(self.auth[1], "***") if self.auth else text

    @property
    def auth(self) -> tuple[str, str] | None:
        """Basic auth's user and password; None without a password."""
        user = self._env.get("OPENCODE_SERVER_USERNAME") or "opencode"
        password = self._env.get(_PASSWORD)
        return (user, password) if password else None

    def start(self) -> Self:
        """The server itself, listening and answering.

        Raises:
            ServerStartError: there is no such executable, it ended, it is no opencode 1.x server, it was not ready in
                `startup_timeout_s`, or it was started before; with the end of its log.
        """
        if self._owner:
            raise self._failed("was started before; make another OpencodeServer")
        self._owner = os.getpid()
        deadline = time.monotonic() + self.startup_timeout_s
        try:
            self._spawn()
            self._await_listening(deadline)
            self._await_health(deadline)
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End the server and its descendants, gently for 5 seconds; nothing if it has ended."""
        if os.getpid() != self._owner:  # a forked child at its own exit
            return
        atexit.unregister(self.close)
        process, self._process = self._process, None
        if process is not None:
            end(process, _GRACE_S)
        if self._reader is not None and self._reader is not threading.current_thread():
            # longer only if somebody else holds the pipe, whom it then goes on reading
            self._reader.join(timeout=1.0)
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None and supervisor.stdin is not None:
            supervisor.kill()  # before its pipe closes: the process group's number may be another's by now
            supervisor.wait()
            supervisor.stdin.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OpencodeServer({self.executable!r}, url={self._url!r}, version={self.version!r})"

    def _spawn(self) -> None:
        command = [self.executable, "serve", "--hostname", self.hostname, "--port", str(self._asked_port)]
        try:
            self._process = process = subprocess.Popen(  # noqa: S603 # the caller's executable, no shell
                command,
                cwd=self.directory,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            atexit.register(self.close)
            self._supervisor = supervise(process)
        except OSError as error:
            raise ServerStartError(f"{self.executable} could not be started: {error}", "") from error
        self._reader = threading.Thread(target=self._read_output, args=(process.stdout,), daemon=True)
        self._reader.start()

    def _read_output(self, output: IO[bytes]) -> None:
        # until the server and all that inherited it have closed it; never leaves the pipe to fill
        with output:
            while chunk := os.read(output.fileno(), 65_536):
                self._log += chunk
                if not self._url and (found := _LISTENING.search(self._log)):
                    self._url = _base_url(self.hostname, int(found.group(1)))
                    self._listening.set()
                del self._log[:-_LOG_BYTES]

    def _await_listening(self, deadline: float) -> None:
        while not self._listening.wait(_POLL_S):
            self._check_alive()
            if time.monotonic() > deadline:
                raise self._failed(f"was not listening after {self.startup_timeout_s:g} s")

    def _await_health(self, deadline: float) -> None:
        # empty: loading certificates would take longer than asking
        no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        while True:
            try:
                answer = httpx.get(
                    f"{self._url}/global/health",
                    auth=self.auth,
                    timeout=_PROBE_TIMEOUT_S,
                    trust_env=False,
                    verify=no_tls,
                )
                if answer.status_code < 500:
                    self.version = _version(answer)
                    return
                last = str(answer.status_code)
            except httpx.TransportError as error:
                last = f"{type(error).__name__}: {error}"
            except ValueError as error:
                raise self._failed(f"is no opencode 1.x server: {error}") from None
            self._check_alive()
            if time.monotonic() > deadline:
                raise self._failed(f"listened, but gave no health in {self.startup_timeout_s:g} s: {last}")
            time.sleep(_POLL_S)

    def _check_alive(self) -> None:
        code = self._process.poll() if self._process else None
        if code is not None and self._reader is not None:
            self._reader.join(timeout=1.0)  # for its last words
            raise self._failed(f"ended with exit code {code}")

    def _failed(self, what: str) -> ServerStartError:
        return ServerStartError(f"{self.executable} {what}", self.log)
