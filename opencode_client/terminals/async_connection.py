# The source of connection.py, which `make generate` writes.
"""The connection to a terminal: `AsyncPtyConnection`, and terminals that are removed at the end of a block."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from websockets.exceptions import ConnectionClosed

from ..calls.operation import Arguments, Operation
from ..calls.options import headers_key
from ..errors import (
    ArgumentError,
    NotFoundError,
    OpencodeError,
    PtyClosedError,
    PtyTimeoutError,
    ResponseDecodeError,
)
from ..signatures import explain_call
from ..streams.async_background import here
from ..streams.async_stream import AsyncEventStream
from ..streams.deadline import NEVER, Deadline
from ..streams.reconnect import StreamOptions
from .async_exit_watch import EVENTS, HAS_EXITS, AsyncExitWatch
from .async_receiver import AsyncReceiver
from .handshake import (
    HandshakeRequest,
    PtyOptions,
    check_pty_options,
    error_from_close,
    is_normal_end,
    options_for_reconnecting,
)
from .pattern_search import PatternSearch
from .route import find_unix_path

if TYPE_CHECKING:
    from ..calls.async_caller import AsyncCaller
    from ..calls.request_builder import Prepared

EXIT_S = 2.0
"""The longest time to wait for an exit code after the terminal has ended."""
_CHECK_AGAIN_S = 1.0
_FAILED_CHECKS = 30
"""The number of failed calls in a row that `wait` tolerates."""


class AsyncPtyConnection(AsyncReceiver):
    """The output of a terminal as text, and its input. Use it in `async with client.pty.connect(pty_id) as terminal`.

    It connects at the start of `async with`, or when it is first used. It is closed at the end of `async with`, or by
    `close`, and cannot be opened again. Only one task may read; any task may send, resize, wait or close. It reconnects
    after a broken connection. No output comes twice, and `PtyGapError` is raised where output is missing.
    """

    def __init__(
        self,
        caller: AsyncCaller,
        operation: Operation[Any],
        arguments: Arguments,
        options: PtyOptions,
        namespace: Any,  # Any: each document has other operations beside this one
    ) -> None:
        unix_path = find_unix_path(caller.connections, caller.options.base_url)
        super().__init__(HandshakeRequest(caller.requests, operation, arguments, options, unix_path))
        check_pty_options(operation.id, options, has_tickets=hasattr(namespace, "connect_token"))
        if not isinstance(arguments.path[0], str):
            text = f"takes the id of a terminal, such as pty.id, not {type(arguments.path[0]).__name__}"
            raise ArgumentError(f"{operation.id}: pty_id {text}")
        self._caller = caller
        self._calls = namespace  # `get`, `update` and `connect_token` of it are called, where it has them
        caller.connections.to_close.add(self)

    async def __aenter__(self) -> Self:
        await self._connected()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        try:
            return await self._receive()
        except PtyClosedError:
            if self._ended_normally:
                raise StopAsyncIteration from None
            raise

    @explain_call
    async def read_until(self, pattern: str | re.Pattern[str], timeout: float | None = None) -> str:
        """Return the output up to the end of the first match of a text or a regular expression.

        The output after the match is read next. A match of a regular expression is found if it starts in the last
        65,536 characters.

        Raises:
            PtyTimeoutError: no match within `timeout` seconds. `seen` is the output so far; you can read it again.
            PtyClosedError: the terminal ended before a match. `seen` is the output so far; you can read it again.
            PtyGapError: output is missing here; the next call reads the output around the gap as one text.
        """
        deadline, search = Deadline(timeout), PatternSearch(pattern)
        try:
            while (found := search.feed(await self._receive(deadline.left_s()))) is None:
                pass
            return found
        except PtyTimeoutError:
            raise self._timeout_error(f"no {search}", deadline, search.seen) from None
        except PtyClosedError:
            raise self._closed_error(search.seen) from self._end
        finally:
            self._put_back(search.seen)

    @explain_call
    async def send(self, data: str | bytes) -> None:
        """Type into the terminal. Bytes are UTF-8; a character may be split between two calls.

        Raises:
            ArgumentError: the input is not UTF-8.
            PtyClosedError: the terminal ended, or its connection broke and cannot be restored. With servers 1.1.53 and
                older, `send` never reconnects.
            OpencodeError: this is the first use, and no connection could be made.
        """
        self._owner.enter(here())
        text = self._input_text(data)
        while True:
            connection = await self._connected()
            if not text:  # only the first bytes of a character so far
                return
            try:
                await connection.send(text)
                return
            except ConnectionClosed as error:
                if is_normal_end(error) or not (self._output.has_cursor or self._closed):
                    # The reader gets this error, too, after the output that came before it.
                    raise error_from_close(self._request, error) from error
                await self._replace(connection, error, NEVER)

    @explain_call
    async def resize(self, rows: int, cols: int) -> None:
        """Set the size of the terminal. Raises ArgumentError, StatusError, RequestError."""
        if not (isinstance(rows, int) and isinstance(cols, int) and rows > 0 and cols > 0):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
            text = f"a terminal has at least one row and one column, not {rows!r} and {cols!r}"
            raise ArgumentError(f"terminal {self.pty_id}: {text}")
        if not hasattr(self._calls, "update"):
            text = "the document of this client has no operation that resizes it"
            raise ArgumentError(f"terminal {self.pty_id}: {text}")
        await self._calls.update(self.pty_id, size={"rows": rows, "cols": cols}, **self._request.call_options)

    @explain_call
    async def wait(self, timeout: float | None = None) -> int | None:
        """Wait until the process has ended, and return its exit code; None if the server did not send the code.

        The server does not send the code if the terminal was removed, or its instance disposed.

        Raises:
            ArgumentError: the terminal was connected with `exit_code=False`.
            PtyTimeoutError: the process still runs after `timeout` seconds.
            PtyClosedError: this connection was closed, or it broke before the process ended.
            OpencodeError: the event stream and all calls failed for half a minute.
        """
        self._owner.enter(here())
        deadline, gaps, failed = Deadline(timeout), 0, 0
        if self._connection is None or self._end is None:
            await self._connected()
        watch, exit_ = self._watch, self._exit
        if watch is None or exit_ is None:
            reason = "a terminal without exit_code=False" if HAS_EXITS else "a server of opencode 1.x"
            raise ArgumentError(f"terminal {self.pty_id}: wait() needs {reason}")

        def has_news() -> bool:
            return exit_.gone or self._end is not None or exit_.gaps > gaps

        while await watch.waiters.wait_until(has_news, deadline.left_s()):
            if exit_.gone:
                return exit_.code
            if self._end is not None:
                if self._closed or not self._ended_normally:
                    raise self._closed_error()
                await watch.waiters.wait_until(lambda: exit_.gone, EXIT_S)
                return exit_.code
            gaps = exit_.gaps
            try:
                if not await self._is_running():
                    return None
                failed = 0
            except OpencodeError:  # for example of a proxy, while the server starts again
                failed += 1
                if failed > _FAILED_CHECKS or deadline.left_s() == 0:
                    raise
                await watch.waiters.wait_until(
                    lambda: exit_.gone or self._end is not None, deadline.at_most_s(_CHECK_AGAIN_S)
                )
                gaps -= 1  # check again
        raise self._timeout_error("the process did not end", deadline)

    async def _is_running(self) -> bool:
        if not hasattr(self._calls, "get"):
            return True
        try:
            response = await self._calls.get(self.pty_id, **self._request.call_options)
        except NotFoundError as error:
            if error.data is None:  # it is not from opencode, but from a proxy in front of it
                raise
            return False
        return bool(getattr(response, "data", response).status != "exited")

    async def _before_handshake(self, *, again: bool) -> str | None:
        request, knowledge, check = self._request, self._caller.knowledge, self._caller.server_check
        calls = self._calls
        if again:  # do not wait long for a server that does not respond
            calls = type(calls)(self._caller.with_options(options_for_reconnecting(self._caller.options)))
        if request.operation.absent is not None and not knowledge.allows(request.operation):
            await check.require(request.operation)
        version = knowledge.version or await check.version(request.operation.id)
        self._output.has_cursor = request.check_cursor(version)
        # The errors of this call are clearer than those of the handshake: 1.1.x sends a 500 there for an unknown id.
        if hasattr(calls, "get"):
            await calls.get(self.pty_id, **request.call_options)
        if HAS_EXITS and request.options.get("exit_code", True) and self._exit is None:
            self._watch = self._shared_watch()
            self._exit = await self._watch.join(self.pty_id)
            if self._closed:  # `close` ran meanwhile, before there was an exit to leave
                await self._leave()
        if request.options.get("auth") != "ticket":
            return None
        response = await calls.connect_token(self.pty_id, **request.call_options)
        ticket: object = getattr(response, "data", response).ticket
        if not isinstance(ticket, str):
            raise ResponseDecodeError(
                f"{request.operation.id}: the ticket", "$.ticket", "string", repr(ticket)
            )
        return ticket

    async def _sign(self, prepared: Prepared, url: str) -> None:
        await self._caller.sign(prepared, url)

    def _shared_watch(self) -> AsyncExitWatch:
        arguments = self._request.arguments.changed(path=())
        # with heartbeats, `server.connected` is the first item: it comes at once, and shows that the stream is open
        options = StreamOptions(heartbeats=True)
        subscribe = partial(AsyncEventStream, self._caller, EVENTS, arguments, options)
        watches = self._caller.knowledge.exit_watches
        # a child process does not have the threads of its parent
        key = (here(), headers_key(self._caller.options), self._request.watch_key)
        watch: AsyncExitWatch = watches.setdefault(key, AsyncExitWatch(subscribe))
        return watch
