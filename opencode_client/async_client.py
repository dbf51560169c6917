# The source of client.py, which `make generate` writes.
"""The asynchronous client: `AsyncOpencodeClient`, for asyncio."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Self, Unpack

from .async_client_turns import AsyncClientTurns
from .calls.options import ClientOptions, Timeout, changed_options, find_server, find_timeout, is_checked
from .calls.unset import UNSET, Unset
from .errors import BadRequestError
from .misuse import AsyncWith
from .signatures import explain_calls

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import httpx

    from .calls.async_caller import AsyncCaller
    from .calls.directories import StrPath
    from .calls.header_function import AsyncHeadersFunction
    from .calls.observer import Observer
    from .calls.retry_policy import RetryEvent
    from .streams.snapshot import SessionSnapshot
    from .terminals.async_connection import AsyncPtyConnection
    from .terminals.handshake import PtyOptions


@explain_calls
class AsyncOpencodeClient(AsyncWith, AsyncClientTurns):
    """A client of one OpenCode server, for one event loop of asyncio.

    Opened by its first request. Closed by `close` or the end of `async with`, and not reusable after that.
    Tasks may share it. A forked child may use it, too: it makes connections of its own.

    Raises:
        ArgumentError: an argument is wrong.
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
        turn_timeout: float | None = None,
        max_retries: int = 2,
        strict: bool = False,
        headers: Mapping[str, str] | AsyncHeadersFunction | None = None,
        http_client: httpx.AsyncClient | None = None,
        on_retry: Callable[[RetryEvent], object] | None = None,
        observer: Observer | None = None,
    ) -> None:
        """Create a client. It sends nothing yet.

        Args:
            base_url: URL of the server, possibly with credentials. Default: that of `http_client`, else
                OPENCODE_BASE_URL, else http://127.0.0.1:4096.
            directory: Project to work in. Sent with every call that accepts it. Relative paths start at this program's
                working directory.
            workspace: Workspace to work in. Sent with every call that accepts it.
            username: User name for Basic authentication. Default: the URL's, else OPENCODE_SERVER_USERNAME, else
                "opencode".
            password: Password for Basic authentication. Default: the URL's, else OPENCODE_SERVER_PASSWORD. A password
                from the environment is only ever sent to this machine or to the server named in OPENCODE_BASE_URL.
            timeout: Seconds without progress, 60 by default. Connecting may take 10 seconds at most. Operations that
                wait for a turn use `turn_timeout` instead.
            turn_timeout: Seconds without progress for operations that wait for a turn or a person, such as
                `session.prompt`. None: no limit. A timeout only stops your waiting; `session.abort` stops the agent.
            max_retries: Number of retries of a request, where a retry is safe.
            strict: Raise ResponseDecodeError when a response does not match the server's document.
            headers: Headers to send with every request, or a function that returns them. It is called with an
                `OutgoingRequest` for each request, each new connection of a stream and each WebSocket.
            http_client: Client that sends the requests, with its own limits and proxies. You close it. Its base URL,
                headers, authentication and timeout are used unless you pass others here. Its timeout is ignored if it
                is 5 seconds, httpx's default. With the default limit of 100 connections, 100 waiting prompts block
                every other call.
            on_retry: Function to call before each retry.
            observer: Observer of calls, streams, terminals and turns, such as `telemetry.OpenTelemetry()`.
        """
        url, user, password = find_server(base_url, username, password, http_client)
        options = ClientOptions(
            base_url=url,
            directory=directory,
            workspace=workspace,
            username=user,
            password=password,
            timeout=find_timeout(timeout, http_client),
            turn_timeout=turn_timeout,
            max_retries=max_retries,
            strict=strict,
            headers=headers or {},
            on_retry=on_retry,
            observer=observer,
        )
        self._open(options, http_client)

    @classmethod
    def from_options(cls, options: ClientOptions) -> Self:
        """Return a client with these options, for example the options of a client in another process."""
        return cls.__new__(cls)._open(options)

    def _open(
        self,
        options: ClientOptions,
        http_client: httpx.AsyncClient | None = None,
        caller: AsyncCaller | None = None,
    ) -> Self:
        self._options = options
        self._is_view: bool = caller is not None
        if caller is not None:
            self._caller = caller
        elif http_client is not None or not is_checked(options):
            self._caller = _new_caller(options, http_client)
        return self

    if not TYPE_CHECKING:  # for type checkers it is an attribute, as in the base class

        @cached_property
        def _caller(self) -> AsyncCaller:
            """The caller. Created at first use, because it imports httpx. All threads get the same one."""
            return self.__dict__.setdefault("_caller", _new_caller(self._options, None))

    @property
    def options(self) -> ClientOptions:
        """The client's options, from its arguments and the environment. Immutable, picklable."""
        return self._options

    def with_options(
        self,
        *,
        directory: StrPath | Unset | None = UNSET,
        workspace: str | Unset | None = UNSET,
        timeout: Timeout | Unset = UNSET,
        turn_timeout: float | Unset | None = UNSET,
        max_retries: int | Unset = UNSET,
        strict: bool | Unset = UNSET,
        headers: Mapping[str, str] | AsyncHeadersFunction | Unset = UNSET,
        on_retry: Callable[[RetryEvent], object] | Unset | None = UNSET,
        observer: Observer | Unset | None = UNSET,
    ) -> Self:
        """Return a view with other options on the same connections. Closing a view does nothing.

        Args:
            headers: Headers that replace those of this client.

        Raises:
            ArgumentError: an argument is wrong.
        """
        options = changed_options(
            self.options,
            directory=directory,
            workspace=workspace,
            timeout=timeout,
            turn_timeout=turn_timeout,
            max_retries=max_retries,
            strict=strict,
            headers=headers,
            on_retry=on_retry,
            observer=observer,
        )
        return type(self).__new__(type(self))._open(options, caller=self._caller.with_options(options))

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
        """Return a new terminal, for `async with`: created and connected at the start, removed at the end.

        `async with client.terminal("bash") as terminal: await terminal.send("ls\\n")`

        Args:
            command: Program to run. Default: the server's shell.
            args: Arguments of the program. `args`, `cwd`, `title` and `env` mean the same as in `pty.create`.
            options: Options of the connection; see `PtyOptions`.

        Raises:
            ArgumentError: an option does not exist or is wrong, or terminals cannot use your `http_client`.
        """
        from .terminals.async_temporary import AsyncTemporaryTerminal

        scope = {"directory": directory, "workspace": workspace}
        created = {"command": command, "args": args, "cwd": cwd, "title": title, "env": env, **scope}
        return AsyncTemporaryTerminal(self._caller, self.pty, created, scope, options)

    async def resync(
        self, session_id: str, *, since_message_id: str | None = None, children: bool = False
    ) -> SessionSnapshot:
        """Read a session's current state over REST. Use it after a StreamGap.

        Args:
            session_id: The session.
            since_message_id: Return only the messages from this one on. Default: all.
            children: Also read the sessions that it started, and their permissions and questions. These are the
                sessions whose events `filter(session_id=..., children=True)` yields.

        Raises:
            NotFoundError: the session does not exist.

        Source: `session.get`, `session.children`, `session.status`, `session.messages`, `permission.list`,
            `question.list`. If the server cannot send all messages at once (see `SessionSnapshot.missing`), they are
            read page by page.
        """
        from .calls.paging import is_unsendable
        from .streams.snapshot import SessionSnapshot, messages_since

        session = await self.session.get(session_id)
        # the server has separate statuses, permissions and questions for each directory
        view = self.with_options(directory=session.directory)
        family = [session]
        for parent in family:  # the loop adds to it
            family += await view.session.children(parent.id) if children else []
        ids = {one.id for one in family}
        permissions = [one for one in await view.permission.list() if one.session_id in ids]
        questions = [one for one in await view.question.list() if one.session_id in ids]
        status = (await view.session.status()).get(session_id)
        missing: Sequence[str] = ()
        try:
            messages = await view.session.messages(session_id)
        except BadRequestError as error:
            if not is_unsendable(error):
                raise
            pages = view.paginate(view.session.messages, session_id)
            messages = [message async for message in pages][::-1]
            missing = pages.missing
        messages = messages_since(messages, since_message_id)
        return SessionSnapshot(session, status, messages, permissions, questions, family[1:], missing)

    async def close(self) -> None:
        """Close the client with its streams and terminals. Later calls raise ClientClosedError.

        Running calls raise it too, with one exception: a sync client with an `http_client` of yours, which stays open,
        lets running calls finish. Closing a view that `with_options` returned does nothing.
        """
        if not self._is_view:
            await self._caller.connections.close()

    aclose = close  # for contextlib.aclosing; the sync twin has no such line

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.options.base_url!r}, directory={self.options.directory!r})"


def _new_caller(options: ClientOptions, http_client: httpx.AsyncClient | None) -> AsyncCaller:
    # here and not at the top, because they import httpx
    from .calls.async_caller import AsyncCaller
    from .calls.async_connections import connections_for
    from .calls.server_knowledge import ServerKnowledge
    from .logs import start_logging

    start_logging()
    return AsyncCaller(options, connections_for(options.base_url, http_client), ServerKnowledge())
