"""Receive a terminal's output in asyncio tasks, over one WebSocket after another.

Written by hand beside `receiver.py`: tasks switch only at an `await`, threads at any instruction.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from contextlib import suppress
from functools import partial
from os import getpid
from time import perf_counter
from typing import Any

from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import ConcurrencyError, ConnectionClosed, InvalidStatus

from ..errors import OpencodeError
from .async_finish import finish
from .exit_watch import AsyncExitWatch, Exit
from .handshake import (
    FAILURES,
    PONG_CHECKS,
    HandshakeRefusedError,
    HandshakeRequest,
    error_from_handshake,
    is_final,
    set_keep_alive,
    silence,
)
from .misuse import AsyncOnly
from .state import NEVER, Deadline, TerminalState


class _WebSocket(ClientConnection):
    def __init__(self, owner: object, *arguments: Any, **named: Any) -> None:  # Any: passed on
        super().__init__(*arguments, **named)
        self.owner = owner  # while the WebSocket is open, the client has a terminal to close
        self.is_silent: bool = False
        self._has_received: bool = False

    # Not documented. The pings of `websockets` have a deadline even while nobody reads, or none at all.
    async def keepalive(self) -> None:
        assert self.ping_interval is not None and self.ping_timeout is not None  # noqa: S101, PT018 # see handshake
        while True:
            await asyncio.sleep(self.ping_interval)
            self._has_received = False
            unsent_bytes = self.transport.get_write_buffer_size()
            if not self.paused:  # else the ping would wait behind data that the server does not take
                await self.ping()
            for _ in range(PONG_CHECKS):
                await asyncio.sleep(self.ping_timeout / PONG_CHECKS)
                # over a full queue nothing is read, so that the pong cannot be seen
                if self._has_received or (self.recv_messages.paused and not self.paused):
                    break
                if self.transport.get_write_buffer_size() < unsent_bytes:
                    break
            else:
                self.is_silent = True
                self.transport.abort()
                return

    # Not documented, as above.
    def process_event(self, event: Any) -> None:  # Any: passed on
        self._has_received = True
        super().process_event(event)

    # Not documented. `websockets` has no option against redirects, which it follows after this has failed.
    async def handshake(self, *arguments: Any, **named: Any) -> None:  # Any: passed on
        try:
            await super().handshake(*arguments, **named)
        except InvalidStatus as error:
            raise HandshakeRefusedError(error.response) from None


class AsyncReceiver(TerminalState, AsyncOnly):
    """Makes the connections of a terminal, and receives its output. One task reads; any task may close."""

    def __init__(self, request: HandshakeRequest) -> None:
        super().__init__(request)
        self._watch: AsyncExitWatch | None = None
        self._exit: Exit | None = None
        self._lock = asyncio.Lock()  # held while a connection is made; no frame is added meanwhile
        self._closed = asyncio.Event()
        self._connection: _WebSocket | None = None

    @abstractmethod
    async def _before_handshake(self, *, again: bool) -> str | None:
        """Make the calls that come before the handshake. Return a ticket, or None to send the password."""

    async def recv(self, timeout: float | None = None) -> str:
        """Return the next output, as soon as some has come: a few characters or many lines.

        Raises:
            PtyTimeoutError: no output came within `timeout` seconds.
            PtyClosedError: the terminal ended, or its connection broke and cannot be made again.
            PtyGapError: output is missing here; the next call returns the output after the gap.
        """
        self._check_home(_here())
        deadline = NEVER if timeout is None else Deadline(timeout)
        while (text := self._next_output()) is None:
            connection = await self._connected()
            try:
                if timeout is None:  # `asyncio.timeout` takes time even if it never ends
                    frame = await connection.recv()
                else:
                    async with asyncio.timeout(deadline.left_s()):
                        frame = await connection.recv()
            except TimeoutError:
                raise self._timeout_error("no output", deadline) from None
            except ConcurrencyError as error:
                raise self._concurrency_error() from error
            except ConnectionClosed as error:
                await self._replace(connection, error, deadline)
                continue
            if self._lock.locked():  # another task replaces the connection; a free lock is not worth its time
                async with self._lock:
                    pass
            if connection is self._connection:  # else it was replaced: the replay brings this frame again
                self._add_frame(frame)
            if self._output.must_reconnect:
                connection.transport.abort()  # `close` would wait for the server
        return text

    async def close(self) -> None:
        """Close this connection and end all waiting for it. The terminal itself continues."""
        is_first = not self._closed.is_set()
        self._closed.set()
        self._end_by_close()
        if not is_first or self._is_elsewhere(_here()):  # the other process or event loop uses the connection
            return
        connection = self._connection
        await finish(self._close, bool if connection is None else connection.transport.abort)

    async def aclose(self) -> None:
        """Close this connection, for `contextlib.aclosing`."""
        await self.close()

    async def _close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        await self._leave()
        if self._watch is not None:
            self._watch.wake()

    async def _connected(self) -> _WebSocket:
        """Return the connection; make the first one. Raises PtyClosedError after the end."""
        self._check_home(_here())
        if self._connection is not None and self._end is None:
            return self._connection
        async with self._lock:
            if self._end is not None:
                raise self._closed_error()
            if self._connection is not None:
                return self._connection
            try:
                return await self._open(again=False)
            except BaseException:
                await self._leave()
                self._exit = None
                raise

    async def _replace(self, connection: _WebSocket, error: ConnectionClosed, deadline: Deadline) -> None:
        """Replace a lost connection, or set the end. Raises PtyTimeoutError."""
        async with self._lock:
            if connection is not self._connection or self._end is not None:
                return
            if connection.is_silent:
                error.__cause__ = silence()
            if self._may_reconnect(error):
                await self._reconnect(deadline)
        if self._end is not None and self._watch is not None:
            self._watch.wake()

    async def _reconnect(self, deadline: Deadline) -> None:
        last: OpencodeError | None = None
        while (delay_s := self._delays.delay_s()) is not None:
            left_s = deadline.left_s()
            with suppress(TimeoutError):
                await asyncio.wait_for(
                    self._closed.wait(), delay_s if left_s is None else min(delay_s, left_s)
                )
            if self._closed.is_set():
                return
            if left_s is not None and left_s < delay_s:
                raise self._timeout_error("no output, and no new connection", deadline)
            self._delays.begin()
            try:
                await self._open(again=True)
                return
            except OpencodeError as error:
                last = error
                if is_final(error):
                    break
        self._end_broken(last)

    async def _open(self, *, again: bool) -> _WebSocket:
        """Make a connection and use it from now on; close it if the terminal was closed meanwhile."""
        ticket = await self._before_handshake(again=again)
        request, started = self._request, perf_counter()
        prepared = request.prepare(self._output.next_start)
        arguments = request.connect_arguments(prepared, ticket)
        # Any: its type is the class that is used by default
        dial: Any = connect if request.unix_path is None else partial(unix_connect, request.unix_path)
        try:
            connection: _WebSocket = await dial(**arguments, create_connection=partial(_WebSocket, self))
        except FAILURES as error:
            failure = error_from_handshake(prepared, error, started)
            raise failure from failure.__cause__
        # Not documented; `connect` takes no options for its socket.
        set_keep_alive(connection.transport.get_extra_info("socket"))
        self._has_connected(again=again)
        self._connection = connection
        if self._closed.is_set():
            self._end_by_close()
            await finish(connection.close, connection.transport.abort)
        return connection

    async def _leave(self) -> None:
        if self._watch is not None and self._exit is not None:
            await self._watch.leave(self._exit)


def _here() -> tuple[object, ...]:
    """Return the process and the event loop. Without one of asyncio, the first call raises an error."""
    try:
        return getpid(), asyncio.get_running_loop()
    except RuntimeError:
        return getpid(), None
