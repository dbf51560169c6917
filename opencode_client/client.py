"""The two clients: `OpencodeClient` and, with the same names to await, `AsyncOpencodeClient` (asyncio only)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Generic, ParamSpec, Self, TypeVar, Unpack

import httpx

from .api import AsyncNamespaces, Namespaces
from .calls.caller import AsyncCaller, Caller, Known
from .calls.connections import AsyncGivenClient, AsyncOwnConnections, GivenClient, OwnConnections
from .calls.directories import StrPath
from .calls.namespace import AsyncNamespace, Namespace
from .calls.options import ClientOptions, RetryEvent, Timeout, changed_options, make_options
from .calls.response import Response
from .calls.unset import UNSET, Unset
from .errors import ArgumentError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from .calls.server_info import ServerInfo
    from .streams.snapshot import SessionSnapshot
    from .terminals.async_connection import AsyncPtyConnection
    from .terminals.connection import PtyConnection
    from .terminals.handshake import PtyOptions

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", Caller, AsyncCaller)


class _Client(Generic[C]):
    """What both clients have that makes no request."""

    _caller: C
    _is_view: bool

    def _open(self, caller: C, *, is_view: bool = False) -> Self:
        self._caller = caller
        self._is_view = is_view
        return self

    @property
    def options(self) -> ClientOptions:
        """What the client was told and took from the environment; immutable, picklable."""
        return self._caller.options

    def with_options(
        self,
        *,
        directory: StrPath | Unset | None = UNSET,
        workspace: str | Unset | None = UNSET,
        timeout: Timeout | Unset = UNSET,
        max_retries: int | Unset = UNSET,
        strict: bool | Unset = UNSET,
        headers: Mapping[str, str] | Unset = UNSET,
        on_retry: Callable[[RetryEvent], object] | Unset | None = UNSET,
    ) -> Self:
        """A view with other options on the same connections; closing it does nothing. `headers` replace the others.

        Raises:
            ArgumentError: an argument that no client can be made of.
        """
        options = changed_options(
            self.options,
            directory=directory,
            workspace=workspace,
            timeout=timeout,
            max_retries=max_retries,
            strict=strict,
            headers=headers,
            on_retry=on_retry,
        )
        return type(self).__new__(type(self))._open(self._caller.again(options), is_view=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.options.base_url!r}, directory={self.options.directory!r})"


class OpencodeClient(_Client[Caller], Namespaces):
    """A client of one OpenCode server.

    Opened by its first request, closed by `close` or the end of `with`; not reusable then. Threads may share it.

    `base_url` is OPENCODE_BASE_URL or http://127.0.0.1:4096 by default; `directory` and `workspace` are what every
    operation with a place for them gets, a relative path from here. `username` and `password` are for Basic
    authentication, else those in the URL, else OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD; the last goes
    to loopback addresses and to the origin in OPENCODE_BASE_URL only. `timeout` is seconds without progress (60;
    connecting takes 10 at most); operations that wait for a whole turn have none, unless the call says so.
    `max_retries` counts the times that a request is sent again if that is safe, `on_retry` is told. `strict` makes
    everything that is not as documented an error. `headers` go with every request. With a `http_client`, requests
    go through it: its limits apply (100 connections by default, so 100 waiting prompts stop everything), the
    environment's proxies are its business, and whoever made it closes it.

    Raises:
        ArgumentError: an argument that no client can be made of.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        directory: StrPath | None = None,
        workspace: str | None = None,
        username: str | None = None,
        password: str | None = None,
        timeout: Timeout | Unset = UNSET,
        max_retries: int = 2,
        strict: bool = False,
        headers: Mapping[str, str] | None = None,
        http_client: httpx.Client | None = None,
        on_retry: Callable[[RetryEvent], object] | None = None,
    ) -> None:
        if http_client is not None and not isinstance(http_client, httpx.Client):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
            raise ArgumentError(f"http_client takes a httpx.Client, not {type(http_client).__name__}")
        options = make_options(
            base_url,
            directory=directory,
            workspace=workspace,
            username=username,
            password=password,
            timeout=timeout,
            max_retries=max_retries,
            strict=strict,
            headers=headers,
            on_retry=on_retry,
        )
        connections = OwnConnections(options.base_url) if http_client is None else GivenClient(http_client)
        self._open(Caller(options, connections, Known()))

    @classmethod
    def from_options(cls, options: ClientOptions) -> Self:
        """A client with the options of another, in another process for example."""
        return cls.__new__(cls)._open(Caller(options, OwnConnections(options.base_url), Known()))

    def raw(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Response[T]:
        """The answer of `method`, one of this client's operations, with status and headers.

        `client.raw(client.session.list, limit=3).headers["content-type"]`

        Raises:
            ArgumentError: `method` is no operation of a client of this kind; else what the method raises.
        """
        owner = getattr(method, "__self__", None)
        if not isinstance(owner, Namespace):
            raise ArgumentError("raw takes an operation, such as client.session.list, and then its arguments")
        theirs = owner._caller  # pyright: ignore[reportPrivateUsage] # of this package
        caller = theirs.again(theirs.options, keeps_answer=True)
        value = getattr(type(owner)(caller), method.__name__)(*args, **kwargs)
        return _response(value, caller.answer)

    def check_server(self) -> ServerInfo:
        """The server's version, and which operations it has.

        Raises:
            UnsupportedServerError: what answers is not opencode 1.x.
            AuthenticationError, RequestError: the server could not be asked.

        Source: `GET /global/health` and `GET /doc`; the table of versions where the document is implausible
        (servers 1.14.34 to 1.14.41).
        """
        return self._caller.check_server()

    def terminal(
        self,
        command: str | None = None,
        *,
        args: Sequence[str] | None = None,
        cwd: str | None = None,
        title: str | None = None,
        env: Mapping[str, str] | None = None,
        directory: StrPath | None = None,
        workspace: str | None = None,
        **options: Unpack[PtyOptions],
    ) -> AbstractContextManager[PtyConnection]:
        """A new terminal, to use in `with`: created and connected at its start, closed and removed at its end.

        `with client.terminal("bash") as terminal: terminal.send("ls\n")`

        `command` is the server's default shell, if left out; `args`, `cwd`, `title` and `env` are those of
        `pty.create`, `options` those of `PtyOptions`.
        """
        from .terminals.connection import owned  # websockets, which calls have no use for

        scope = {"directory": directory, "workspace": workspace}
        made = {"command": command, "args": args, "cwd": cwd, "title": title, "env": env, **scope}
        return owned(self.pty, made, scope, options)

    def resync(self, session_id: str, *, since_message_id: str | None = None) -> SessionSnapshot:
        """What a session is now: for after a `StreamGap`. Messages are those from the named one on, else all.

        Raises:
            NotFoundError: there is no such session.

        Source: `session.get`, `session.status`, `session.messages`, `permission.list`, `question.list`.
        """
        from .streams.snapshot import snapshot

        return snapshot(self, session_id, since_message_id)

    def close(self) -> None:
        """Close the connections; of a view, nothing. Calls that are under way break; later ones raise."""
        if not self._is_view:
            self._caller.connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncOpencodeClient(_Client[AsyncCaller], AsyncNamespaces):
    """A client of one OpenCode server whose operations are awaited; for one event loop of asyncio.

    Opened by its first request, closed by `close` or the end of `async with`; not reusable then. Tasks may share it.
    The arguments are those of `OpencodeClient`, but `http_client` is a `httpx.AsyncClient`.

    Raises:
        ArgumentError: an argument that no client can be made of.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        directory: StrPath | None = None,
        workspace: str | None = None,
        username: str | None = None,
        password: str | None = None,
        timeout: Timeout | Unset = UNSET,
        max_retries: int = 2,
        strict: bool = False,
        headers: Mapping[str, str] | None = None,
        http_client: httpx.AsyncClient | None = None,
        on_retry: Callable[[RetryEvent], object] | None = None,
    ) -> None:
        if http_client is not None and not isinstance(http_client, httpx.AsyncClient):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
            raise ArgumentError(f"http_client takes a httpx.AsyncClient, not {type(http_client).__name__}")
        options = make_options(
            base_url,
            directory=directory,
            workspace=workspace,
            username=username,
            password=password,
            timeout=timeout,
            max_retries=max_retries,
            strict=strict,
            headers=headers,
            on_retry=on_retry,
        )
        connections = (
            AsyncOwnConnections(options.base_url) if http_client is None else AsyncGivenClient(http_client)
        )
        self._open(AsyncCaller(options, connections, Known()))

    @classmethod
    def from_options(cls, options: ClientOptions) -> Self:
        """A client with the options of another, in another process for example."""
        return cls.__new__(cls)._open(AsyncCaller(options, AsyncOwnConnections(options.base_url), Known()))

    async def raw(
        self, method: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Response[T]:
        """The answer of `method`, one of this client's operations, with status and headers.

        `(await client.raw(client.session.list, limit=3)).headers["content-type"]`

        Raises:
            ArgumentError: `method` is no operation of a client of this kind; else what the method raises.
        """
        owner = getattr(method, "__self__", None)
        if not isinstance(owner, AsyncNamespace):
            raise ArgumentError("raw takes an operation, such as client.session.list, and then its arguments")
        theirs = owner._caller  # pyright: ignore[reportPrivateUsage] # of this package
        caller = theirs.again(theirs.options, keeps_answer=True)
        value = getattr(type(owner)(caller), method.__name__)(*args, **kwargs)
        return _response(await value if isawaitable(value) else value, caller.answer)

    async def check_server(self) -> ServerInfo:
        """The server's version, and which operations it has.

        Raises:
            UnsupportedServerError: what answers is not opencode 1.x.
            AuthenticationError, RequestError: the server could not be asked.

        Source: `GET /global/health` and `GET /doc`; the table of versions where the document is implausible
        (servers 1.14.34 to 1.14.41).
        """
        return await self._caller.check_server()

    def terminal(
        self,
        command: str | None = None,
        *,
        args: Sequence[str] | None = None,
        cwd: str | None = None,
        title: str | None = None,
        env: Mapping[str, str] | None = None,
        directory: StrPath | None = None,
        workspace: str | None = None,
        **options: Unpack[PtyOptions],
    ) -> AbstractAsyncContextManager[AsyncPtyConnection]:
        """A new terminal, to use in `async with`: as `OpencodeClient.terminal`."""
        from .terminals.async_connection import aowned  # websockets, which calls have no use for

        scope = {"directory": directory, "workspace": workspace}
        made = {"command": command, "args": args, "cwd": cwd, "title": title, "env": env, **scope}
        return aowned(self.pty, made, scope, options)

    async def resync(self, session_id: str, *, since_message_id: str | None = None) -> SessionSnapshot:
        """What a session is now: for after a `StreamGap`. Messages are those from the named one on, else all.

        Raises:
            NotFoundError: there is no such session.

        Source: `session.get`, `session.status`, `session.messages`, `permission.list`, `question.list`.
        """
        from .streams.snapshot import asnapshot

        return await asnapshot(self, session_id, since_message_id)

    async def close(self) -> None:
        """Close the connections; of a view, nothing. Calls that are under way break; later ones raise."""
        if not self._is_view:
            await self._caller.connections.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _response(value: T, answer: httpx.Response | None) -> Response[T]:
    if answer is None:
        raise ArgumentError("raw takes an operation that is answered once: streams have no single answer")
    return Response(value, answer.status_code, dict(answer.headers), answer.content)
