"""Start and end `opencode serve`.

Source: servers 1.1.31 to 1.18.33. They never respond on a connection that was opened before they wrote `opencode server
listening on ...`, so the first request waits for this line.
"""

from __future__ import annotations

import atexit
import math
import os
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Self

import httpx

from .errors import ArgumentError, ServerStartError
from .processes import end, supervise
from .signatures import explain_calls

_LISTENING = re.compile(rb"opencode server listening on http://\S*:(\d+)\s")
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 # to reach a server that listens on all addresses
_PASSWORD = "OPENCODE_SERVER_PASSWORD"  # noqa: S105 # the variable's name
_LOG_BYTES = 65_536
_GRACE_S = 5.0
_PROBE_TIMEOUT_S = 2.0
_POLL_S = 0.05


def _base_url(hostname: str, port: int) -> str:
    """Return the URL at which to reach a server that listens on `hostname`."""
    host = _LOOPBACK.get(hostname, hostname)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _version(health: httpx.Response) -> str:
    """Return the version in the response to `GET /global/health`; "" if the server has another password.

    Raises:
        ValueError: the response has no version.
    """
    if health.status_code == 401:
        return ""
    try:
        return str(health.json()["version"])
    except (ValueError, KeyError, TypeError, RecursionError):
        kind = health.headers.get("content-type", "no content type")
        got = f"{health.status_code} {kind}: {health.text[:80]!r}"
        raise ValueError(f"GET /global/health gave {got}") from None


@explain_calls
class OpencodeServer:
    """An `opencode serve` process.

    Started by `start` or `with`. Ended by `close`, at the end of `with` or of the program; on POSIX also when this
    process is killed. Starts once. Any thread may call `close`; in a forked child it does nothing.
    On macOS, which has no /proc, programs that tools started in sessions of their own keep running. On Windows only the
    server's own process ends, and not when this process is killed. npm's `opencode.cmd` is not found there: pass the
    path of `opencode.exe`.

    Args:
        directory: Directory in which the server runs. Default: the working directory.
        port: 0 lets the server choose: 4096 if it is free.
        env: Variables added to this process's environment. A variable whose value is None is removed.
        password: Password for Basic authentication, with the user `opencode` or OPENCODE_SERVER_USERNAME. "" turns
            authentication off. Default: the environment's. `auth` returns it; it is in no other attribute, message,
            repr or command line. The server's process has it in its environment.

    Raises:
        ArgumentError: an argument is wrong; the message names it.

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
        if not isinstance(startup_timeout_s, int | float) or not 0 < startup_timeout_s < math.inf:  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
            raise ArgumentError(f"startup_timeout_s takes seconds, not {startup_timeout_s!r}")
        try:
            name, place = os.fspath(executable), os.fspath(directory or ".")
        except TypeError as error:
            raise ArgumentError(f"executable and directory take paths: {error}") from None
        # a relative path starts at the working directory, not at `directory`; a bare name is searched in PATH
        self.executable: str = os.path.abspath(name) if os.path.dirname(name) else name
        self.directory: Path = Path(place).absolute()
        self.hostname = hostname
        self.startup_timeout_s = startup_timeout_s
        self.version: str = ""
        self._requested_port = port
        variables = {**os.environ, **(env or {}), **({} if password is None else {_PASSWORD: password})}
        given = {name: value for name, value in variables.items() if value is not None}
        # a function, so that tools which show the attributes of objects do not show the password
        self._env: Callable[[], dict[str, str]] = lambda: given
        try:
            "".join(self.auth or ()).encode()
        except UnicodeEncodeError:
            raise ArgumentError("password or OPENCODE_SERVER_USERNAME is not text in UTF-8") from None
        self._url = ""
        self._starter_pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._log = bytearray()
        self._listening = threading.Event()
        self._reader: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The server's URL, `http://127.0.0.1:<port>`; "" before the start."""
        return self._url

    @property
    def port(self) -> int:
        """The server's port; 0 before the start."""
        return httpx.URL(self._url).port or 0 if self._url else 0

    @property
    def pid(self) -> int | None:
        """The server's process id; None before the start and after `close`."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """The last 65,536 bytes of the server's output, without its password."""
        text = bytes(self._log).decode("utf-8", "replace")
        return text.replace(self.auth[1], "***") if self.auth else text

    @property
    def auth(self) -> tuple[str, str] | None:
        """User and password for Basic authentication; None without a password."""
        user = self._env().get("OPENCODE_SERVER_USERNAME") or "opencode"
        password = self._env().get(_PASSWORD)
        return (user, password) if password else None

    def start(self) -> Self:
        """Start the server, wait until it responds, and return it.

        Raises:
            ServerStartError: the executable does not exist, it ended, it is not an opencode server, it was not ready
                after `startup_timeout_s`, or it was started before. The error has the end of its log.
        """
        if self._starter_pid:
            raise self._failed("was started before; make another OpencodeServer")
        self._starter_pid = os.getpid()
        deadline = time.monotonic() + self.startup_timeout_s
        try:
            self._spawn()
            while not self._listening.wait(_POLL_S):
                self._check_running(deadline, "was not listening after")
            self._await_health(deadline)
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End the server and its descendants: SIGTERM, and SIGKILL after 5 seconds."""
        if os.getpid() != self._starter_pid:  # a forked child that exits
            return
        atexit.unregister(self.close)
        process, self._process = self._process, None
        if process is not None:
            end(process, _GRACE_S)
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join(timeout=1.0)  # it reads on if another process still has the pipe open
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None and supervisor.stdin is not None:
            supervisor.kill()  # before its pipe closes: the number of the process group may be in use again
            supervisor.wait()
            supervisor.stdin.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OpencodeServer({self.executable!r}, url={self._url!r}, version={self.version!r})"

    def _spawn(self) -> None:
        command = [self.executable, "serve", "--hostname", self.hostname, "--port", str(self._requested_port)]
        try:
            self._process = process = subprocess.Popen(  # noqa: S603 # the user's executable, no shell
                command,
                cwd=self.directory,
                env=self._env(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            atexit.register(self.close)
            self._supervisor = supervise(process)
        except (OSError, ValueError, TypeError) as error:  # the last two: what no variable or argument can be
            # without its traceback, whose local variables include the environment
            cause = error.with_traceback(None)
            raise ServerStartError(f"{self.executable} could not be started: {error}", "") from cause
        self._reader = threading.Thread(target=self._read_output, args=(process.stdout,), daemon=True)
        self._reader.start()

    def _read_output(self, output: IO[bytes]) -> None:
        # to the end, so that the pipe never fills: until the server and its descendants have closed it
        with output:
            while chunk := os.read(output.fileno(), 65_536):
                self._log += chunk
                if not self._url and (found := _LISTENING.search(self._log)):
                    self._url = _base_url(self.hostname, int(found.group(1)))
                    self._listening.set()
                del self._log[:-_LOG_BYTES]

    def _await_health(self, deadline: float) -> None:
        # without https an empty context will do: loading certificates takes longer than the request
        no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        url = f"{self._url}/global/health"
        while True:
            try:
                health = httpx.get(
                    url, auth=self.auth, timeout=_PROBE_TIMEOUT_S, trust_env=False, verify=no_tls
                )
                if health.status_code < 500:
                    self.version = _version(health)
                    return
                last = str(health.status_code)
            except httpx.RequestError as error:
                last = f"{type(error).__name__}: {error}"
            except ValueError as error:
                raise self._failed(f"is not an opencode server: {error}") from None
            self._check_running(deadline, f"listened, but GET /global/health gave {last} for")
            time.sleep(_POLL_S)

    def _check_running(self, deadline: float, problem: str) -> None:
        """Raise ServerStartError if the server has ended, or if the time is over. Then `problem` says why."""
        code = self._process.poll() if self._process else None
        if code is not None and self._reader is not None:
            self._reader.join(timeout=1.0)  # for the last lines of the log
            raise self._failed(f"ended with exit code {code}")
        if time.monotonic() > deadline:
            raise self._failed(f"{problem} {self.startup_timeout_s:g} s")

    def _failed(self, problem: str) -> ServerStartError:
        return ServerStartError(f"{self.executable} {problem}", self.log)
