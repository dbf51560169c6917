"""The process of `opencode serve`: start it, wait until it responds, end it.

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
from typing import IO

import httpx

from ..errors import ServerStartError
from .log import ServerLog
from .process_group import end, launch, release, remove
from .settings import ServerSettings

_LISTENING = re.compile(r"opencode server listening on http://\S*:(\d+)\s")
_NO_PORT = re.compile(r"ServeError|EADDRINUSE|EADDRNOTAVAIL|Failed to (start|listen)")
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 # to reach a server that listens on all addresses
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


class ServerProcess:
    """A process that starts once. Any thread may close it, also while another one starts it."""

    def __init__(self, settings: ServerSettings, hostname: str, port: int, startup_timeout_s: float) -> None:
        self.settings: ServerSettings = settings
        self.url: str = ""
        self.version: str = ""
        self._arguments = ["serve", "--hostname", hostname, "--port", str(port)]
        self._hostname = hostname
        self._startup_timeout_s = startup_timeout_s
        self._starter_pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._log: ServerLog | None = None
        self._listening = threading.Event()
        self._closed = threading.Event()
        self._lock = threading.RLock()
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None before the start and after `close`."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """The end of the output."""
        return self._log.text if self._log else ""

    @property
    def runs(self) -> bool:
        """True if the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server, and wait until it responds.

        Raises:
            ServerStartError: it was started before, did not start, or was closed meanwhile.
        """
        if self._starter_pid or self._closed.is_set():
            raise self.failed("was started or closed before; make another OpencodeServer")
        executable = self.settings.find()
        self._starter_pid = os.getpid()
        deadline = time.monotonic() + self._startup_timeout_s
        try:
            self._spawn(executable)
            while not self._listening.wait(_POLL_S):
                self._check_running(deadline, "was not listening after")
            self._await_health(deadline)
            self._check_running(math.inf, "")
        except BaseException:
            self.close()
            raise

    def abandon(self) -> None:
        """Make `start`, which runs in another thread, fail soon. Does not wait for that."""
        self._closed.set()

    def close(self) -> None:
        """End the server and its descendants, and remove its folder: SIGTERM, and SIGKILL after 5 seconds."""
        self._closed.set()
        if os.getpid() != self._starter_pid:  # a forked child that exits
            return
        with self._lock:
            if self._process is not None:
                end(self._process, _GRACE_S)
                self._process = None
            if self._reader is not None and self._reader is not threading.current_thread():
                self._reader.join(timeout=1.0)  # it reads on if another process still has the pipe open
            if self._supervisor is not None and self._supervisor.stdin is not None:
                self._supervisor.kill()  # before its pipe closes: else it kills the group, whose id may be in use again
                self._supervisor.wait()
                self._supervisor.stdin.close()
                self._supervisor = None
            if self._reader is None and self._log is not None:
                self._log.close()
            if self.settings.folder is not None:
                remove(self.settings.folder)
        atexit.unregister(self.close)

    def failed(self, problem: str) -> ServerStartError:
        """Return an error with the log."""
        return ServerStartError(self.settings.clean(f"{self.settings.executable} {problem}"), self.log)

    def _spawn(self, executable: str) -> None:
        settings = self.settings
        try:
            self._log = log = ServerLog(settings.clean, settings.log_path)
        except OSError as error:
            raise self.failed(f"was not started: log_path cannot be written: {error}") from error
        try:
            atexit.register(self.close)
            with self._lock:
                process, self._supervisor = launch(
                    [executable, *self._arguments], settings.directory, settings.env(), settings.folder
                )
                self._process = process
                self._reader = threading.Thread(target=self._read, args=(process.stdout, log), daemon=True)
                self._reader.start()
                settings.make_folder()
            if not self._closed.is_set():
                release(process)
        except (OSError, ValueError) as error:  # ValueError: a value that no environment variable can have
            # without its traceback, whose local variables include the environment
            raise self.failed(f"could not be started: {error}") from error.with_traceback(None)

    def _read(self, output: IO[bytes], log: ServerLog) -> None:
        # read until the server and its descendants have closed the pipe, so that it never fills
        with output:
            while chunk := os.read(output.fileno(), 65_536):
                lines = log.feed(chunk)
                if not self.url and (found := _LISTENING.search(lines)):
                    self.url = _base_url(self._hostname, int(found.group(1)))
                    self._listening.set()
        log.close()

    def _await_health(self, deadline: float) -> None:
        # without https, an empty context is enough: loading certificates takes longer than the request
        no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        url, auth = f"{self.url}/global/health", self.settings.auth
        while True:
            try:
                health = httpx.get(url, auth=auth(), timeout=_PROBE_TIMEOUT_S, trust_env=False, verify=no_tls)
                if health.status_code < 500:
                    self.version = _version(health)
                    return
                last = str(health.status_code)
            except httpx.RequestError as error:
                last = f"{type(error).__name__}: {error}"
            except ValueError as error:
                raise self.failed(f"is not an opencode server: {error}") from None
            self._check_running(deadline, f"listened, but GET /global/health gave {last} for")
            time.sleep(_POLL_S)

    def _check_running(self, deadline: float, problem: str) -> None:
        """Raise ServerStartError if the server has ended, or, with the text `problem`, after the deadline."""
        if self._closed.is_set():
            raise self.failed("was closed while it started")
        code = self._process.poll() if self._process else None
        if code is not None and self._reader is not None:
            self._reader.join(timeout=1.0)  # for the last lines of the log
            raise self.failed(f"ended with exit code {code}{self._reason(code)}")
        if time.monotonic() > deadline:
            raise self.failed(f"{problem} {self._startup_timeout_s:g} s; startup_timeout_s may be too short")

    def _reason(self, code: int) -> str:
        """Return the likely reason why the server ended; "" if its log may have the reason."""
        if _NO_PORT.search(self.log):
            place = f"hostname={self._hostname!r}, port={self._arguments[-1]}"
            return (
                f": it cannot listen at {place}: the port is taken, or this machine does not have the address"
            )
        return "; is this opencode 1.x?" if code == 0 else ""
