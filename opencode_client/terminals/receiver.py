"""Receive a terminal's output in threads, over one WebSocket after another.

Written by hand beside `async_receiver.py`: threads switch at any instruction, tasks only at an `await`.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress
from functools import partial
from os import getpid
from socket import SHUT_RDWR
from ssl import SSLSocket
from threading import Event, Lock
from time import perf_counter
from typing import Any, cast

from websockets.exceptions import ConcurrencyError, ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect, unix_connect

from ..calls.sockets import end
from ..errors import OpencodeError
from .exit_watch import Exit, ExitWatch
from .finish import close_at_exit
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
from .misuse import SyncOnly
from .state import NEVER, Deadline, TerminalState
from .tls_socket import TlsSocket


class _WebSocket(ClientConnection):
    # Any: passed on
    def __init__(
        self, owner: Receiver, sock: Any, *arguments: Any, ping_timeout: float, **named: Any
    ) -> None:
        self.owner = owner  # while the WebSocket is open, the client has a terminal to close
        self.is_silent: bool = False
        self._has_received: bool = False
        is_tls = isinstance(sock, SSLSocket)
        shared: Any = TlsSocket(sock, ping_timeout) if is_tls else sock  # Any: used like a socket
        owner.opening = self  # before the reading thread starts: then Ctrl-C can end it
        super().__init__(shared, *arguments, ping_timeout=ping_timeout, **named)

    # Not documented. `websockets` has no other sign that its reading thread has ended.
    def recv_events(self) -> None:
        try:
            super().recv_events()
        finally:
            if isinstance(self.socket, TlsSocket):  # the connection is closed: nobody writes any more
                self.socket.release()

    # Not documented. The pings of `websockets` have a deadline even while nobody reads, or none at all.
    def keepalive(self) -> None:
        reader = self.recv_events_thread
        assert self.ping_interval is not None and self.ping_timeout is not None  # noqa: S101, PT018 # see handshake
        while True:
            reader.join(self.ping_interval)
            if not reader.is_alive():
                return
            self._has_received = False
            try:
                self.ping()
            except ConnectionClosed:
                return
            for _ in range(PONG_CHECKS):
                reader.join(self.ping_timeout / PONG_CHECKS)
                # over a full queue nothing is read, so that the pong cannot be seen
                if self._has_received or self.recv_messages.paused or not reader.is_alive():
                    break
            else:
                self.is_silent = True
                end(self.socket)
                return

    # Not documented, as above.
    def process_event(self, event: Any) -> None:  # Any: passed on
        self._has_received = True
        super().process_event(event)

    # Not documented. `websockets` has no option against redirects, which it makes after this has failed.
    def handshake(self, *arguments: Any, **named: Any) -> None:  # Any: passed on
        try:
            super().handshake(*arguments, **named)
        except InvalidStatus as error:
            raise HandshakeRefusedError(error.response) from None


class Receiver(TerminalState, SyncOnly):
    """Makes the connections of a terminal, and receives its output. One thread reads; any thread may close."""

    def __init__(self, request: HandshakeRequest) -> None:
        super().__init__(request)
        self._watch: ExitWatch | None = None
        self._exit: Exit | None = None
        self._lock = Lock()  # held while a connection is made, and while a frame is added to the output
        self._closed = Event()
        self._connection: _WebSocket | None = None
        self.opening: _WebSocket | None = None
        """The connection whose handshake is not finished."""

    @abstractmethod
    def _before_handshake(self, *, again: bool) -> str | None:
        """Make the calls that come before the handshake. Return a ticket, or None to send the password."""

    def recv(self, timeout: float | None = None) -> str:
        """Return the next output, as soon as some has come: a few characters or many lines.

        Raises:
            PtyTimeoutError: no output came within `timeout` seconds.
            PtyClosedError: the terminal ended, or its connection broke and cannot be made again.
            PtyGapError: output is missing here; the next call returns the output after the gap.
        """
        self._check_home(getpid())
        deadline = NEVER if timeout is None else Deadline(timeout)
        while (text := self._next_output()) is None:
            connection = self._connected()
            try:
                frame = connection.recv(deadline.left_s())
            except TimeoutError:
                raise self._timeout_error("no output", deadline) from None
            except ConcurrencyError as error:
                raise self._concurrency_error() from error
            except ConnectionClosed as error:
                self._replace(connection, error, deadline)
                continue
            with self._lock:
                if connection is self._connection:  # else it was replaced: the replay brings this frame again
                    self._add_frame(frame)
            if self._output.must_reconnect:
                with suppress(OSError):
                    connection.socket.shutdown(SHUT_RDWR)  # `close` would wait for the server
        return text

    def close(self) -> None:
        """Close this connection and end all waiting for it. The terminal itself continues."""
        is_first = not self._closed.is_set()
        self._closed.set()
        self._end_by_close()
        if not is_first or self._is_elsewhere(getpid()):  # after a fork, the parent uses the connection
            return
        try:
            if self._connection is not None:
                self._connection.close()
        except BaseException:  # Ctrl-C
            _abandon(self._connection)
            raise
        finally:
            self._leave()
            if self._watch is not None:
                self._watch.wake()

    def _connected(self) -> _WebSocket:
        """Return the connection; make the first one. Raises PtyClosedError after the end."""
        self._check_home(getpid())
        if self._connection is not None and self._end is None:
            return self._connection
        with self._lock:
            if self._end is not None:
                raise self._closed_error()
            if self._connection is not None:
                return self._connection
            try:
                return self._open(again=False)
            except BaseException:
                self._leave()
                self._exit = None
                raise

    def _replace(self, connection: _WebSocket, error: ConnectionClosed, deadline: Deadline) -> None:
        """Replace a lost connection, or set the end. Raises PtyTimeoutError."""
        with self._lock:
            if connection is not self._connection or self._end is not None:
                return
            if connection.is_silent:
                error.__cause__ = silence()
            if self._may_reconnect(error):
                self._reconnect(deadline)
        if self._end is not None and self._watch is not None:
            self._watch.wake()

    def _reconnect(self, deadline: Deadline) -> None:
        last: OpencodeError | None = None
        while (delay_s := self._delays.delay_s()) is not None:
            left_s = deadline.left_s()
            if self._closed.wait(delay_s if left_s is None else min(delay_s, left_s)):
                return
            if left_s is not None and left_s < delay_s:
                raise self._timeout_error("no output, and no new connection", deadline)
            self._delays.begin()
            try:
                self._open(again=True)
                return
            except OpencodeError as error:
                last = error
                if is_final(error):
                    break
        self._end_broken(last)

    def _open(self, *, again: bool) -> _WebSocket:
        """Make a connection and use it from now on; close it if the terminal was closed meanwhile."""
        ticket = self._before_handshake(again=again)
        request, started = self._request, perf_counter()
        prepared = request.prepare(self._output.next_start)
        arguments = request.connect_arguments(prepared, ticket)
        # Any: websockets 15 returns a connection, later ones will not
        dial: Any = cast(
            Any, connect if request.unix_path is None else partial(unix_connect, request.unix_path)
        )
        try:
            connection: _WebSocket = dial(
                **arguments, create_connection=partial(_WebSocket, self)
            ).__enter__()
            set_keep_alive(connection.socket)  # not documented; `connect` takes no options for its socket
            self._has_connected(again=again)
            self._connection = connection
        except FAILURES as error:
            failure = error_from_handshake(prepared, error, started)
            raise failure from failure.__cause__
        except BaseException:  # Ctrl-C
            _abandon(self.opening)
            raise
        finally:
            self.opening = None
        if not again:
            close_at_exit(self, Receiver.close)
        if self._closed.is_set():
            self._end_by_close()
            connection.close()
        return connection

    def _leave(self) -> None:
        if self._watch is not None and self._exit is not None:
            self._watch.leave(self._exit)


def _abandon(connection: _WebSocket | None) -> None:
    """End a connection, and its threads, without waiting for the server."""
    if connection is not None and hasattr(
        connection, "recv_events_thread"
    ):  # else its thread was not made yet
        connection.close_socket()
