# The source of receiver.py, which `make generate` writes.
"""Receive the output of a terminal, over one WebSocket after another."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from threading import Lock
from time import perf_counter

from websockets.exceptions import ConcurrencyError, ConnectionClosed

from ..calls.request_builder import Prepared
from ..errors import OpencodeError
from ..misuse import AsyncOnly
from ..signatures import explain_call
from ..streams.async_background import AsyncWaiters, close_at_exit, finish, here
from ..streams.deadline import NEVER, Deadline
from .async_exit_watch import AsyncExitWatch
from .async_websocket import AsyncWebSocket, abort_opening, open_websocket
from .exits import Exit
from .handshake import FAILURES, HandshakeRequest, error_from_handshake, is_final, silence
from .state import TerminalState


class AsyncReceiver(TerminalState, AsyncOnly):
    """Makes the connections of a terminal, and receives its output. One task reads; any task may close."""

    def __init__(self, request: HandshakeRequest) -> None:
        super().__init__(request)
        self._watch: AsyncExitWatch | None = None
        self._exit: Exit | None = None
        self._connecting = asyncio.Lock()  # held while a connection is made
        self._adding = Lock()  # held while a frame is added; a lock for threads: nothing waits in it
        self._closed = False
        self._waiters = AsyncWaiters()  # for `_closed`
        self._connection: AsyncWebSocket | None = None
        self._current: AsyncWebSocket | None = None
        """The connection whose frames are added; None while another one is made."""
        self.opening: AsyncWebSocket | None = None
        """The connection whose handshake is not finished."""

    @abstractmethod
    async def _before_handshake(self, *, again: bool) -> str | None:
        """Make the calls that come before the handshake. Return a ticket, or None to send the password."""

    @abstractmethod
    async def _sign(self, prepared: Prepared, url: str) -> None:
        """Set the headers that the client's function returns for the handshake."""

    @explain_call
    async def recv(self, timeout: float | None = None) -> str:
        """Return the next output, as soon as some has come: a few characters or many lines.

        Raises:
            PtyTimeoutError: no output came within `timeout` seconds.
            PtyClosedError: the terminal ended, or its connection broke and cannot be restored.
            PtyGapError: output is missing here; the next call returns the output after the gap.
        """
        return await self._receive(timeout)

    async def _receive(self, timeout: float | None = None) -> str:
        """Return the next output, as `recv` does."""
        deadline = NEVER if timeout is None else Deadline(timeout)
        while (text := self._next_output()) is None:
            connection = await self._connected()
            try:
                frame = await connection.receive(deadline)
            except TimeoutError:
                raise self._timeout_error("no output", deadline) from None
            except ConcurrencyError as error:
                raise self._concurrency_error() from error
            except RuntimeError:
                self._owner.enter(here())  # asyncio's error for another event loop; checking first takes time
                raise
            except ConnectionClosed as error:
                await self._replace(connection, error, deadline)
                continue
            with self._adding:
                if connection is self._current:  # else it is being replaced: the replay repeats this frame
                    self._add_frame(frame)
            if self._output.must_reconnect:
                connection.abort()
        return text

    async def close(self) -> None:
        """Close this connection; calls that wait for it end. The terminal itself continues."""
        is_first, self._closed = not self._closed, True
        self._end_by_close()
        # if it has another owner, that process or event loop uses the connection
        if not is_first or not self._owner.is_here(here()):
            return
        self._waiters.wake()
        await finish(self._close, bool if self._connection is None else self._connection.abort)

    async def aclose(self) -> None:  # the sync twin has no such line
        """Close this connection, for `contextlib.aclosing`."""  # the sync twin has no such line
        await self.close()  # the sync twin has no such line

    async def _close(self) -> None:
        try:
            if self._connection is not None:
                await self._connection.close()
        finally:
            await self._leave()
            if self._watch is not None:
                self._watch.waiters.wake()

    async def _connected(self) -> AsyncWebSocket:
        """Return the connection; make the first one. Raises PtyClosedError after the end, and in a forked child."""
        if self._connection is not None and self._end is None and self._owner.is_of_process():
            return self._connection
        self._owner.enter(here())
        async with self._connecting:
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

    async def _replace(self, connection: AsyncWebSocket, error: ConnectionClosed, deadline: Deadline) -> None:
        """Replace a lost connection, or set the end. Raises PtyTimeoutError."""
        async with self._connecting:
            if connection is not self._connection or self._end is not None:
                return
            if connection.is_silent:
                error.__cause__ = silence()
            if self._may_reconnect(error):
                await self._reconnect(deadline)
        if self._end is not None and self._watch is not None:
            self._watch.waiters.wake()

    async def _reconnect(self, deadline: Deadline) -> None:
        with self._adding:
            self._current = None  # before the cursor of the replay is read
        last: OpencodeError | None = None
        while (delay_s := self._delays.delay_s()) is not None:
            left_s = deadline.left_s()
            if await self._waiters.wait_until(lambda: self._closed, deadline.at_most_s(delay_s)):
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

    async def _open(self, *, again: bool) -> AsyncWebSocket:
        """Make a connection and use it from now on; close it if the terminal was closed meanwhile."""
        ticket = await self._before_handshake(again=again)
        request, started = self._request, perf_counter()
        prepared = request.prepare(self._output.next_start)
        await self._sign(prepared, request.websocket_url(prepared, ticket))
        arguments = request.connect_arguments(prepared, ticket)
        try:
            connection = await open_websocket(self, request.unix_path, arguments)
            self._has_connected(again=again)
            self._connection = self._current = connection
        except FAILURES as error:
            failure = error_from_handshake(prepared, error, started)
            raise failure from failure.__cause__
        except BaseException:  # Ctrl-C
            abort_opening(self)
            raise
        finally:
            self.opening = None
        if not again:
            close_at_exit(self, AsyncReceiver.close)
        if self._closed:
            self._end_by_close()
            await finish(connection.close, connection.abort)
        return connection

    async def _leave(self) -> None:
        if self._watch is not None and self._exit is not None:
            await self._watch.leave(self._exit)
