"""A server of your own: `OpencodeServer` starts `opencode serve` and ends it, or uses one that runs already."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypedDict, TypeVar, Unpack
from urllib.parse import urlsplit

from ..async_client import AsyncOpencodeClient
from ..calls.async_closing import running_loop
from ..calls.directories import StrPath, absolute
from ..calls.options import find_server
from ..client import OpencodeClient
from ..errors import ArgumentError, OpencodeError
from ..logs import fields
from ..signatures import explain_calls
from .process import ServerProcess
from .settings import ServerSettings

if TYPE_CHECKING:
    import httpx

    from ..calls.header_function import AsyncHeadersFunction, HeadersFunction
    from ..calls.observer import Observer
    from ..calls.options import Timeout
    from ..calls.retry_policy import RetryEvent
    from ..calls.unset import Unset

logger: logging.Logger = logging.getLogger(__name__)

T = TypeVar("T")

_TIMEOUT_S = 10.0
_LAST_PORT = 65535


class _Options(TypedDict, total=False):
    """Arguments of `OpencodeServer.client`: those of a client, without the ones that name the server."""

    directory: StrPath | None
    workspace: str | None
    timeout: Timeout | Unset
    turn_timeout: float | None
    max_retries: int
    strict: bool
    on_retry: Callable[[RetryEvent], object] | None
    observer: Observer | None


class _SyncOptions(_Options, total=False):
    headers: Mapping[str, str] | HeadersFunction | None
    http_client: httpx.Client | None


class _AsyncOptions(_Options, total=False):
    headers: Mapping[str, str] | AsyncHeadersFunction | None
    http_client: httpx.AsyncClient | None


@explain_calls
class OpencodeServer:
    """An `opencode serve` process of your own, or a server that runs already (`attach`).

    Started by `start`, `with` or `async with`. Ended by `close`, at the end of `with` or of the program; on POSIX also
    when this process is killed. Starts once. Any thread may call `close`; in a forked child it does nothing.
    On macOS, which has no /proc, programs that tools started in sessions of their own keep running. On Windows only the
    server's own process is ended, and it is not ended when this process is killed. npm's `opencode.cmd` is not used
    there: pass the path of `opencode.exe`.

    Args:
        executable: Path or name of the executable. Default: that in OPENCODE_BIN, else `opencode` on the PATH.
        directory: Directory in which the server runs. Default: the working directory.
        hostname: Name or address on which the server listens.
        port: Port on which the server listens. 0: the server chooses, 4096 if it is free.
        env: Variables added to this process's environment. A variable whose value is None is removed.
        password: Password for Basic authentication, with the user `opencode` or OPENCODE_SERVER_USERNAME. "" turns
            authentication off. Default: OPENCODE_SERVER_PASSWORD of the environment, else a random one. `client` sends
            it and `auth` returns it; it is in no other attribute, message, repr or command line. The server's process
            has it in its environment.
        config: Configuration, as in `opencode.json`. It wins over configuration files. The `/api` operations of
            1.18.33 read only files; with `isolated`, the configuration is also written to such a file.
        isolated: Give the server a new HOME, temporary folder and configuration. They are removed at the end. Variables
            of opencode (OPENCODE_...) are not inherited, but other variables are, such as keys of providers. The
            configuration in `directory` is still read.
        log_path: File to which the server's output is added, without colour codes and secrets.
        dispose_on_exit: Directories whose instances the server disposes of when this object is closed. Servers keep the
            instance of each directory, with its tools and MCP servers, until then.
        startup_timeout_s: Seconds until the server must respond.

    Raises:
        ArgumentError: an argument is wrong; the message names it.

    Source: `serve --port 0` and `GET /global/health`, servers 1.1.31 to 1.18.33.
    """

    def __init__(
        self,
        executable: StrPath | None = None,
        *,
        directory: StrPath | None = None,
        hostname: str = "127.0.0.1",
        port: int = 0,
        env: Mapping[str, str | None] | None = None,
        password: str | None = None,
        config: Mapping[str, object] | None = None,
        isolated: bool = False,
        log_path: StrPath | None = None,
        dispose_on_exit: StrPath | Iterable[StrPath] = (),
        startup_timeout_s: float = 60.0,
    ) -> None:
        if not isinstance(startup_timeout_s, int | float) or not 0 < startup_timeout_s < math.inf:  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
            raise ArgumentError(f"startup_timeout_s takes seconds, not {startup_timeout_s!r}")
        if type(port) is not int or not 0 <= port <= _LAST_PORT:
            raise ArgumentError(f"port takes a number from 0 (any free port) to {_LAST_PORT}, not {port!r}")
        if not isinstance(hostname, str) or not hostname or "/" in hostname:  # pyright: ignore[reportUnnecessaryIsInstance] # as above
            raise ArgumentError(f'hostname takes a name or an address, such as "127.0.0.1", not {hostname!r}')
        settings = ServerSettings(
            executable,
            directory=directory,
            env=env,
            password=password,
            config=config,
            isolated=isolated,
            log_path=log_path,
        )
        self.executable: str = settings.executable
        self.directory: Path = settings.directory
        self.hostname: str = hostname
        self._process: ServerProcess | None = ServerProcess(settings, hostname, port, startup_timeout_s)
        self._attach("", directory, settings.auth, dispose_on_exit)

    @classmethod
    def attach(
        cls,
        url: str | None = None,
        *,
        directory: StrPath | None = None,
        username: str | None = None,
        password: str | None = None,
        dispose_on_exit: StrPath | Iterable[StrPath] = (),
    ) -> Self:
        """Return a server that runs already. `start` and `with` check that it responds; `close` does not end it.

        Args:
            url: URL of the server, possibly with credentials. Default: OPENCODE_BASE_URL, else http://127.0.0.1:4096.
            directory: Directory in which its clients work. Default: the one that the server runs in; the attribute
                `directory` is then an empty path.
            username: As for a client.
            password: As for a client: the argument, else that of the URL, else that of the environment.
            dispose_on_exit: Directories whose instances the server disposes of when this object is closed.

        Raises:
            ArgumentError: an argument is wrong; the message names it.
        """
        place, user, word = find_server(url, username, password)
        server: Self = cls.__new__(cls)
        server.executable = ""
        server.directory = Path(absolute(directory) if directory is not None else "")
        server.hostname = urlsplit(place).hostname or ""
        server._process = None
        server._attach(place, directory, lambda: (user, word) if word else None, dispose_on_exit)
        return server

    def _attach(
        self,
        url: str,
        directory: StrPath | None,
        auth: Callable[[], tuple[str, str] | None],
        dispose_on_exit: StrPath | Iterable[StrPath],
    ) -> None:
        places = [dispose_on_exit] if isinstance(dispose_on_exit, str | os.PathLike) else dispose_on_exit
        try:
            self._disposed = [absolute(place) for place in places]
        except (TypeError, ArgumentError) as error:
            raise ArgumentError(f"dispose_on_exit takes directories: {error}") from None
        self._owner_pid = os.getpid()
        self._is_ready = bool(url)
        self._url = url
        self._version = ""
        self._client_directory = directory
        # a function, so that tools which show the attributes of objects do not show the password
        self._auth = auth

    @property
    def url(self) -> str:
        """The server's URL, such as `http://127.0.0.1:4096`; "" before the start."""
        return self._process.url if self._process else self._url

    @property
    def port(self) -> int:
        """The server's port; 0 before the start."""
        parts = urlsplit(self.url)
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)

    @property
    def version(self) -> str:
        """The server's version; "" before the start."""
        return self._process.version if self._process else self._version

    @property
    def pid(self) -> int | None:
        """The server's process id; None before the start and after `close`, and for a server of `attach`."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> str:
        """The last 65,536 characters of the server's output, without colour codes and secrets; "" after `attach`."""
        return self._process.log if self._process else ""

    @property
    def auth(self) -> tuple[str, str] | None:
        """User and password for Basic authentication; None without a password."""
        return self._auth()

    def client(self, **options: Unpack[_SyncOptions]) -> OpencodeClient:
        """Return a new client of this server. You close it.

        Args:
            options: As for `OpencodeClient`. Default of `directory`: that of this object, if it was given one.

        Raises:
            ServerStartError: the server does not run.
            ArgumentError: an argument is wrong; the message names it.
        """
        self._check_started()
        user, password = self.auth or (None, "")
        options.setdefault("directory", self._client_directory)
        return OpencodeClient(self.url, username=user, password=password, **options)

    def async_client(self, **options: Unpack[_AsyncOptions]) -> AsyncOpencodeClient:
        """Return a new async client of this server: as `client`."""
        self._check_started()
        user, password = self.auth or (None, "")
        options.setdefault("directory", self._client_directory)
        return AsyncOpencodeClient(self.url, username=user, password=password, **options)

    def start(self) -> Self:
        """Start the server, wait until it responds, and return it. For `attach`: only check that it responds.

        Raises:
            ServerStartError: the executable does not exist, it ended, it is not an opencode server, it was not ready
                after `startup_timeout_s`, or it was started before. The error has the end of its log.
            OpencodeError: a server of `attach` does not respond, or has another password.
        """
        if self._process:
            self._process.start()
            self._is_ready = True
        else:
            with self.client(timeout=_TIMEOUT_S) as client:
                self._version = client.global_.health().version
        return self

    def close(self) -> None:
        """End the server and its descendants: SIGTERM, and SIGKILL after 5 seconds. A server of `attach` is not ended.

        First the instances of `dispose_on_exit` are disposed of. A warning is logged if that fails.
        """
        if os.getpid() != self._owner_pid:  # a forked child that exits
            return
        disposed, self._disposed = self._disposed, []
        try:
            if disposed and self._is_ready and (self._process is None or self._process.runs):
                self._dispose(disposed)
        finally:
            if self._process:
                self._process.close()

    def _dispose(self, directories: list[str]) -> None:
        with self.client(timeout=_TIMEOUT_S, max_retries=0) as client:
            for directory in directories:
                try:
                    client.instance.dispose(directory=directory)
                except OpencodeError as error:
                    text = "the instance of %s was not disposed of: %s"
                    logger.warning(text, directory, error, extra=fields("instance.dispose"))

    def _check_started(self) -> None:
        if self._process and not (self._is_ready and self._process.pid):
            raise self._process.failed("does not run: use `with` or call start() before you make a client")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        try:
            return await _in_thread(self.start, self._process.abandon if self._process else None)
        except asyncio.CancelledError:
            await _in_thread(self.close)
            raise

    async def __aexit__(self, *_: object) -> None:
        await _in_thread(self.close)

    def __repr__(self) -> str:
        return f"OpencodeServer({self.executable!r}, url={self.url!r}, version={self.version!r})"


async def _in_thread(work: Callable[[], T], stop: Callable[[], None] | None = None) -> T:
    """Run `work` in a thread, and return its result. If the task is cancelled, call `stop` and wait for the thread."""
    running_loop()
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.wait([running])
    except asyncio.CancelledError:
        from anyio import CancelScope

        if stop is not None:
            stop()
        with CancelScope(shield=True):  # anyio cancels again at each iteration of the event loop
            await _finish(running)
        running.exception()  # else asyncio logs that the exception was never retrieved
        raise
    return running.result()


async def _finish(running: asyncio.Future[T]) -> None:
    """Wait until it is done, even if this task is cancelled again."""
    while not running.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([running])
