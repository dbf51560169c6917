"""Terminals for asyncio: `AsyncPtyConnection`, with the names of `PtyConnection`."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from ..calls.operation import Arguments, Operation
from ..errors import (
    ArgumentError,
    NotFoundError,
    OpencodeError,
    PtyClosedError,
    PtyTimeoutError,
    RequestError,
)
from ..streams.async_stream import AsyncEventStream
from ..streams.reconnect import StreamOptions
from .exit_watch import EVENTS, AsyncExitWatch
from .handshake import (
    HandshakeRequest,
    PtyOptions,
    Refusal,
    checked_options,
    closed,
    has_cursor,
    is_end,
    keep_alive,
    refused,
)
from .state import (
    EXIT_S,
    FRAMES,
    Expected,
    PtyCalls,
    Terminal,
    is_running,
    size_body,
    ticket_in,
    until,
)

if TYPE_CHECKING:
    from ..api.pty import AsyncPtyNamespace
    from ..calls.async_caller import AsyncCaller

logger: logging.Logger = logging.getLogger(__package__)


class _Connection(ClientConnection):
    user: object
    """What closing the client closes; nobody else need keep it."""

    async def handshake(self, *arguments: Any, **named: Any) -> None:  # Any: handed on
        try:
            await super().handshake(*arguments, **named)
        except InvalidStatus as error:
            raise Refusal(error.response) from None


class AsyncPtyConnection(Terminal):
    """A terminal's output as text, and its input. Made by `client.pty.connect`, which is not awaited.

    Connected by `async with`, or by the first use; closed by the end of `async with` or by `close`. One task reads; any
    task may send, resize or close. Comes back after a broken connection, repeats nothing, and raises `PtyGapError`
    where output is missing.
    """

    def __init__(
        self,
        caller: AsyncCaller,
        operation: Operation[Any],
        arguments: Arguments,
        options: PtyOptions,
        namespace: PtyCalls,
    ) -> None:
        checked = checked_options(operation.id, options, has_tickets=hasattr(namespace, "connect_token"))
        super().__init__(HandshakeRequest(caller.requests, operation, arguments, checked))
        self._caller = caller
        self._calls = namespace
        self._watch = _watch_for(caller, self._request) if checked.get("exit_code", True) else None
        self._lock = asyncio.Lock()  # held while a connection is made; no frame is taken meanwhile
        self._closed = asyncio.Event()
        self._socket: ClientConnection | None = None
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
            return await self.recv()
        except PtyClosedError:
            if self._clean:
                raise StopAsyncIteration from None
            raise

    async def recv(self, timeout: float | None = None) -> str:
        """The next output, as it comes: some characters or many lines.

        Raises:
            PtyTimeoutError: nothing came within `timeout` seconds.
            PtyClosedError: the terminal ended, or its connection broke and cannot be made again.
            PtyGapError: output is missing here; the next call goes on behind.
        """
        deadline = None if timeout is None else monotonic() + timeout
        while (text := self._next()) is None:
            connection = await self._connected()
            left = None if deadline is None else max(0.0, deadline - monotonic())
            try:
                if left is None:
                    frame = await connection.recv()
                else:
                    async with asyncio.timeout(left):
                        frame = await connection.recv()
            except TimeoutError:
                raise self._timeout("no output", timeout) from None
            except ConnectionClosed as error:
                if not await self._lost(connection, error, deadline):
                    raise self._timeout("no output, and no new connection", timeout) from None
                continue
            if self._lock.locked():  # another task makes the next connection; else locking would only cost
                async with self._lock:
                    pass
            if connection is not self._socket:  # lost meanwhile: its replay brings this again
                continue
            self._take(frame)
            if self._output.must_reconnect:
                await self._again(connection)
        return text

    async def read_until(self, pattern: str | re.Pattern[str], timeout: float | None = None) -> str:
        """The output up to the end of the first match of a text or a compiled expression; the rest is read next.

        A match of an expression is found if it begins in the last 65,536 characters.

        Raises:
            PtyTimeoutError: no match within `timeout` seconds; `seen` has what came, which is read again.
            PtyClosedError: the terminal ended before; `seen` has what came, which is read again.
            PtyGapError: output is missing here; the next call goes on behind.
        """
        deadline = None if timeout is None else monotonic() + timeout
        expected = Expected(pattern)
        try:
            while True:
                left = None if deadline is None else max(0.0, deadline - monotonic())
                found = expected.feed(await self.recv(left))
                if found is not None:
                    return found
        except PtyTimeoutError:
            raise self._timeout(f"no {expected}", timeout, expected.seen) from None
        except PtyClosedError:
            raise self._ended(expected.seen) from self._over
        finally:
            self._put_back(expected.seen)

    async def send(self, data: str | bytes) -> None:
        """Type something. Bytes are UTF-8, perhaps in pieces.

        Raises:
            ArgumentError: not UTF-8.
            PtyClosedError: the terminal ended, or its connection broke and cannot be made again.
        """
        text = self._input(data)
        while True:
            connection = await self._connected()
            if not text:  # the beginning of a character
                return
            try:
                await connection.send(text)
            except ConnectionClosed as error:
                if is_end(error) or not (self._output.has_cursor or self._closed.is_set()):
                    raise closed(
                        self._request, error
                    ) from error  # whoever reads finds out, too, and reads to the end
                await self._lost(connection, error, None)
            else:
                return

    async def resize(self, rows: int, cols: int) -> None:
        """Give the terminal another size. Raises ArgumentError, StatusError, RequestError."""
        await self._calls.update(self.pty_id, size=size_body(rows, cols), **self._request.scope)

    async def wait(self, timeout: float | None = None) -> int | None:
        """Wait until the process has ended, and give its exit code.

        Returns: the exit code; None where the server did not tell it (the terminal was removed, its instance disposed).

        Raises:
            PtyTimeoutError: the process runs on after `timeout` seconds.
            PtyClosedError: this connection was closed or broke before the process ended.
        """
        if self._socket is None:
            await self._connected()
        watch, exit_ = self._watch, self._exit
        if watch is None or exit_ is None:
            raise ArgumentError(f"terminal {self.pty_id}: exit_code=False leaves nothing to wait for")
        deadline = None if timeout is None else monotonic() + timeout
        gaps = 0
        while True:
            async with watch.changed:
                known = await _happens(watch.changed, partial(self._stirs, exit_, gaps), deadline)
                if exit_.gone:
                    return exit_.code
                if self._over is not None:
                    if not self._clean or self._closed.is_set():
                        raise self._ended()
                    await _happens(watch.changed, lambda: exit_.gone, monotonic() + EXIT_S)
                    return exit_.code
                gaps = exit_.gaps
            if not known:
                raise self._timeout("the process did not end", timeout)
            if not await self._is_there():
                return None

    async def close(self) -> None:
        """End this connection, and whatever waits for it; the terminal itself goes on."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._closed_here()
        if self._socket is not None:
            await self._socket.close()
        await self._leave()
        if self._watch is not None:
            await self._watch.wake()

    async def _connected(self) -> ClientConnection:
        if self._socket is not None and self._over is None:
            return self._socket
        async with self._lock:
            if self._over is not None:
                raise self._ended()
            if self._socket is None:
                self._output.has_cursor = await self._has_cursor()
                try:
                    self._socket = await self._open()
                except BaseException:
                    await self._leave()
                    raise
                self._connected_anew()
                await self._close_if_asked(self._socket)
            return self._socket

    async def _has_cursor(self) -> bool:
        operation, knowledge = self._request.operation, self._caller.knowledge
        if operation.absent is not None and not knowledge.allows(operation):
            await self._caller.server_check.require(operation)
        version = knowledge.version or await self._caller.server_check.version(operation.id)
        return has_cursor(self._request, version)

    async def _open(self) -> ClientConnection:
        # a call first: it says in words what the handshake does not (1.1.x: 500 for an id that there is not)
        await self._calls.get(self.pty_id, **self._request.scope)
        if self._watch is not None and not self._joined:
            self._exit, self._joined = await self._watch.join(self.pty_id), True
            if self._closed.is_set():  # meanwhile: `close` found nothing to leave
                await self._leave()
        ticket = None
        if self._request.options.get("auth") == "ticket":
            ticket = ticket_in(await self._calls.connect_token(self.pty_id, **self._request.scope))
        prepared, started = self._request.prepared(self._output.ask), perf_counter()
        try:
            opened: Any = await connect(  # Any: types say the class that is connected by default
                **self._request.connect_arguments(prepared, ticket),
                max_queue=FRAMES,
                create_connection=_Connection,
            )
        except (OSError, WebSocketException, EOFError) as error:
            raise refused(prepared, error, started) from None
        connection: _Connection = opened
        connection.user = self
        keep_alive(connection.transport.get_extra_info("socket"))
        return connection

    async def _close_if_asked(self, connection: ClientConnection) -> None:
        if self._closed.is_set():  # while the connection was made
            self._closed_here()
            await connection.close()

    async def _lost(
        self, connection: ClientConnection, error: ConnectionClosed, deadline: float | None
    ) -> bool:
        """Come back, or end. Returns: whether that was done before the deadline."""
        async with self._lock:
            if connection is not self._socket or self._over is not None:
                return True
            if self._may_come_back(error) and not await self._come_back(deadline):
                return False
        if self._over is not None and self._watch is not None:
            await self._watch.wake()
        return True

    async def _again(self, connection: ClientConnection) -> None:
        async with self._lock:
            if connection is self._socket and self._over is None:
                connection.transport.abort()
                await self._come_back(None)

    async def _come_back(self, deadline: float | None) -> bool:
        last: OpencodeError | None = None
        while (due := self._failures.due()) is not None:
            wait_s = until(due if deadline is None else min(due, deadline))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), wait_s)
            if self._closed.is_set():
                return True
            if deadline is not None and deadline < due:
                return False
            self._failures.begun()
            try:
                self._socket = await self._open()
            except RequestError as error:
                last = error
            except OpencodeError as error:
                self._gave_up(error)
                return True
            else:
                self._came_back()
                await self._close_if_asked(self._socket)
                return True
        self._gave_up(last)
        return True

    async def _leave(self) -> None:
        if self._watch is not None and self._joined:
            self._joined = False
            await self._watch.leave(self.pty_id)

    async def _is_there(self) -> bool:
        try:
            return is_running(await self._calls.get(self.pty_id, **self._request.scope))
        except NotFoundError:
            return False


async def _happens(changed: asyncio.Condition, what: Callable[[], bool], deadline: float | None) -> bool:
    """Whether it does before the deadline. `changed` is held."""
    try:
        async with asyncio.timeout(until(deadline)):
            await changed.wait_for(what)
    except TimeoutError:
        return False
    return True


def _watch_for(caller: AsyncCaller, request: HandshakeRequest) -> AsyncExitWatch:
    arguments = evolve(request.arguments, path=())
    subscribe = partial(AsyncEventStream, caller, EVENTS, arguments, StreamOptions())
    watch: AsyncExitWatch = caller.knowledge.exit_watches.setdefault(request.place, AsyncExitWatch(subscribe))
    return watch


@asynccontextmanager
async def temporary_terminal(
    terminals: AsyncPtyNamespace, made: dict[str, Any], scope: dict[str, Any], options: PtyOptions
) -> AsyncGenerator[AsyncPtyConnection]:
    """A terminal that is there as long as somebody uses it. Any: arguments of `pty.create`, which checks them."""
    pty = await terminals.create(**made)
    try:
        async with terminals.connect(pty.id, **scope, **options) as connection:
            yield connection
    finally:
        try:
            await terminals.remove(pty.id, **scope)
        except NotFoundError:
            pass  # its process has ended
        except OpencodeError as error:  # what happened before is what its user has to know
            logger.warning("terminal %s may be left behind: %s", pty.id, error)
