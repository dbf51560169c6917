"""Receive a terminal's output in asyncio tasks, over one WebSocket after another.

Written by hand beside `receiver.py`: tasks switch only at an `await`, threads at any instruction.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from contextlib import suppress
from time import perf_counter
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from ..errors import OpencodeError, RequestError
from .exit_watch import AsyncExitWatch, Exit
from .handshake import HandshakeRefusedError, HandshakeRequest, error_from_handshake, set_keep_alive
from .state import NEVER, Deadline, TerminalState


class _WebSocket(ClientConnection):
    owner: object
    """The terminal: while the WebSocket is open, the client has a terminal to close."""

    # Not documented. `websockets` has no option against redirects, which it follows after this has failed.
    async def handshake(self, *arguments: Any, **named: Any) -> None:  # Any: passed on
        try:
            await super().handshake(*arguments, **named)
        except InvalidStatus as error:
            raise HandshakeRefusedError(error.response) from None


class AsyncReceiver(TerminalState):
    """Makes the connections of a terminal, and receives its output. One task reads; any task may close."""

    def __init__(self, request: HandshakeRequest, watch: AsyncExitWatch | None) -> None:
        super().__init__(request)
        self._watch = watch
        self._exit: Exit | None = None
        self._lock = asyncio.Lock()  # held while a connection is made; no frame is added meanwhile
        self._closed = asyncio.Event()
        self._connection: _WebSocket | None = None

    @abstractmethod
    async def _before_handshake(self) -> str | None:
        """Make the calls that come before the handshake. Return a ticket, or None to send the password."""

    async def recv(self, timeout: float | None = None) -> str:
        """Return the next output, as soon as some has come: a few characters or many lines.

        Raises:
            PtyTimeoutError: no output came within `timeout` seconds.
            PtyClosedError: the terminal ended, or its connection broke and cannot be made again.
            PtyGapError: output is missing here; the next call returns the output after the gap.
        """
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
        if self._closed.is_set():
            return
        self._closed.set()
        self._end_by_close()
        if self._connection is not None:
            await self._connection.close()
        await self._leave()
        if self._watch is not None:
            await self._watch.wake()

    async def _connected(self) -> _WebSocket:
        """Return the connection; make the first one. Raises PtyClosedError after the end."""
        if self._connection is not None and self._end is None:
            return self._connection
        async with self._lock:
            if self._end is not None:
                raise self._closed_error()
            if self._connection is not None:
                return self._connection
            try:
                return await self._open()
            except BaseException:
                await self._leave()
                self._exit = None
                raise

    async def _replace(self, connection: _WebSocket, error: ConnectionClosed, deadline: Deadline) -> None:
        """Replace a lost connection, or set the end. Raises PtyTimeoutError."""
        async with self._lock:
            if connection is not self._connection or self._end is not None:
                return
            if self._may_reconnect(error):
                await self._reconnect(deadline)
        if self._end is not None and self._watch is not None:
            await self._watch.wake()

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
                await self._open()
                return
            except RequestError as error:
                last = error
            except OpencodeError as error:
                last = error
                break
        self._end_broken(last)

    async def _open(self) -> _WebSocket:
        """Make a connection and use it from now on; close it if the terminal was closed meanwhile."""
        ticket = await self._before_handshake()
        prepared, started = self._request.prepare(self._output.next_start), perf_counter()
        try:
            opened: Any = await connect(  # Any: its type is the class that is used by default
                **self._request.connect_arguments(prepared, ticket), create_connection=_WebSocket
            )
        except (OSError, WebSocketException, EOFError) as error:
            raise error_from_handshake(prepared, error, started) from None
        connection: _WebSocket = opened
        connection.owner = self
        # Not documented; `connect` takes no options for its socket.
        set_keep_alive(connection.transport.get_extra_info("socket"))
        self._has_connected(again=self._connection is not None)
        self._connection = connection
        if self._closed.is_set():
            self._end_by_close()
            await connection.close()
        return connection

    async def _leave(self) -> None:
        if self._watch is not None and self._exit is not None:
            await self._watch.leave(self._exit)
