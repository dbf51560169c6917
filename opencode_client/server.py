"""Starting and ending `opencode serve`.

Source: servers 1.1.31 to 1.18.33. A request on a connection that was opened before the line `opencode server
listening on ...` is never answered, so the line is waited for before anything is asked.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

import httpx

from opencode_client.errors import ServerStartError

_LISTENING = re.compile(rb"opencode server listening on (http://\S+)")
_LOG_LINES = 200
_GRACE_S = 5.0
_PROBE_TIMEOUT_S = 2.0

# Ends the server's process group when this process is gone, however it went: the kernel closes the pipe then.
# PR_SET_PDEATHSIG would do it when the starting *thread* ends, which is not the same.
_SUPERVISOR = "import os,signal,sys; sys.stdin.read(); os.killpg(int(sys.argv[1]), signal.SIGKILL)"


class OpencodeServer:
    """An `opencode serve` process of one's own.

    Started by `start` or `with`, ended by `close`, by the end of `with` or of the program; on POSIX also when this
    process is killed. Not reusable once closed. `close` may be called from any thread.

    `directory` is where the server works (default: here), `port` 0 is a free one, `env` is added to this process's
    environment, `password` turns Basic auth on (user `opencode`, or OPENCODE_SERVER_USERNAME).
    """

    def __init__(
        self,
        executable: str | os.PathLike[str] = "opencode",
        *,
        directory: str | os.PathLike[str] | None = None,
        hostname: str = "127.0.0.1",
        port: int = 0,
        env: Mapping[str, str] | None = None,
        password: str | None = None,
        startup_timeout_s: float = 60.0,
    ) -> None:
        self.executable = os.fspath(executable)
        self.directory = Path(directory or ".").absolute()
        self.hostname = hostname
        self.startup_timeout_s = startup_timeout_s
        self.version = ""
        self._asked_port = port
        self._password = password
        self._env = {**os.environ, **(env or {})}
        self._env.update({"OPENCODE_SERVER_PASSWORD": password} if password else {})
        self._url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._log: deque[bytes] = deque(maxlen=_LOG_LINES)
        self._told = threading.Event()
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
        """The server's process id; None before it is started."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """The last lines that the server wrote, 200 at most."""
        return b"".join(self._log).decode("utf-8", "replace")

    @property
    def auth(self) -> tuple[str, str] | None:
        """Basic auth's user and password; None without a password."""
        user = self._env.get("OPENCODE_SERVER_USERNAME") or "opencode"
        return (user, self._password) if self._password else None

    def start(self) -> Self:
        """The server itself, listening and answering.

        Raises:
            ServerStartError: there is no such executable, it ended, or it was not ready in `startup_timeout_s`;
                with the end of its log.
        """
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
        """End the server and its children, gently for 5 seconds; nothing if it has ended."""
        atexit.unregister(self.close)
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        if self._reader is not None and self._reader is not threading.current_thread():
            self._reader.join(timeout=_GRACE_S)
        if process is not None and process.stdout is not None:
            process.stdout.close()
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
        except OSError as error:
            raise ServerStartError(f"{self.executable} could not be started: {error}", "") from error
        atexit.register(self.close)
        if os.name == "posix":
            self._supervisor = subprocess.Popen(  # noqa: S603 # this Python
                [sys.executable, "-I", "-S", "-c", _SUPERVISOR, str(process.pid)],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read_log, args=(process.stdout,), daemon=True)
        self._reader.start()

    def _read_log(self, output: IO[bytes]) -> None:
        for line in output:  # until the server and its children have closed it; never leaves the pipe to fill
            self._log.append(line)
            found = _LISTENING.search(line)
            if found and not self._url:
                self._url = found.group(1).decode("ascii", "replace")
                self._told.set()
        self._told.set()

    def _await_listening(self, deadline: float) -> None:
        if not self._told.wait(max(0.0, deadline - time.monotonic())):
            raise self._failed(f"was not listening after {self.startup_timeout_s:g} s")
        if not self._url:
            code = self._process.wait() if self._process else None
            raise self._failed(f"ended with exit code {code}")

    def _await_health(self, deadline: float) -> None:
        auth = httpx.BasicAuth(*self.auth) if self.auth else None
        while True:
            with contextlib.suppress(httpx.TransportError):
                with httpx.Client(trust_env=False, timeout=_PROBE_TIMEOUT_S, auth=auth) as client:
                    answer = client.get(f"{self._url}/global/health")
                self.version = str(answer.json()["version"]) if answer.status_code == 200 else ""
                return
            if self._process is None or self._process.poll() is not None:
                raise self._failed("ended while it was being asked for its health")
            if time.monotonic() > deadline:
                raise self._failed(f"was listening but did not answer in {self.startup_timeout_s:g} s")

    def _failed(self, what: str) -> ServerStartError:
        return ServerStartError(f"{self.executable} {what}", self.log)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process group: SIGTERM, then SIGKILL; what the leader leaves behind goes too."""
    if os.name != "posix":
        process.kill()
        process.wait()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_GRACE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
