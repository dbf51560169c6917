"""Receive a terminal's output in threads, over one WebSocket after another.

Written by hand beside `async_receiver.py`: threads switch at any instruction, tasks only at an `await`.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress
from socket import SHUT_RDWR
from ssl import SSLSocket
from threading import Event, Lock
from time import perf_counter
from typing import Any, cast

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from ..errors import OpencodeError, RequestError
from .exit_watch import Exit, ExitWatch
from .handshake import HandshakeRefusedError, HandshakeRequest, error_from_handshake, set_keep_alive
from .state import NEVER, Deadline, TerminalState
from .tls_socket import TlsSocket


class _WebSocket(ClientConnection):
    owner: object
    """The terminal: while the WebSocket is open, the client has a terminal to close."""

    def __init__(self, sock: Any, *arguments: Any, **named: Any) -> None:  # Any: passed on
        shared: Any = TlsSocket(sock) if isinstance(sock, SSLSocket) else sock  # Any: used like a socket
        super().__init__(shared, *arguments, **named)

    # Not documented. `websockets` has no other sign that its reading thread has ended.
    def recv_events(self) -> None:
        try:
            super().recv_events()
        finally:
            if isinstance(self.socket, TlsSocket):  # the connection is closed: nobody writes any more
                self.socket.release()

    # Not documented. `websockets` has no option against redirects, which it makes after this has failed.
    def handshake(self, *arguments: Any, **named: Any) -> None:  # Any: passed on
        try:
            super().handshake(*arguments, **named)
        except InvalidStatus as error:
            raise HandshakeRefusedError(error.response) from None


class Receiver(TerminalState):
    """Makes the connections of a terminal, and receives its output. One thread reads; any thread may close."""

    def __init__(self, request: HandshakeRequest, watch: ExitWatch | None) -> None:
        super().__init__(request)
        self._watch = watch
        self._exit: Exit | None = None
        self._lock = Lock()  # held while a connection is made, and while a frame is added to the output
        self._closed = Event()
        self._connection: _WebSocket | None = None

    @abstractmethod
    def _before_handshake(self) -> str | None:
        """Make the calls that come before the handshake. Return a ticket, or None to send the password."""

    def recv(self, timeout: float | None = None) -> str:
        """Return the next output, as soon as some has come: a few characters or many lines.

        Raises:
            PtyTimeoutError: no output came within `timeout` seconds.
            PtyClosedError: the terminal ended, or its connection broke and cannot be made again.
            PtyGapError: output is missing here; the next call returns the output after the gap.
        """
        deadline = NEVER if timeout is None else Deadline(timeout)
        while (text := self._next_output()) is None:
            connection = self._connected()
            try:
                frame = connection.recv(deadline.left_s())
            except TimeoutError:
                raise self._timeout_error("no output", deadline) from None
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
        if self._closed.is_set():
            return
        self._closed.set()
        self._end_by_close()
        if self._connection is not None:
            self._connection.close()
        self._leave()
        if self._watch is not None:
            self._watch.wake()

    def _connected(self) -> _WebSocket:
        """Return the connection; make the first one. Raises PtyClosedError after the end."""
        if self._connection is not None and self._end is None:
            return self._connection
        with self._lock:
            if self._end is not None:
                raise self._closed_error()
            if self._connection is not None:
                return self._connection
            try:
                return self._open()
            except BaseException:
                self._leave()
                self._exit = None
                raise

    def _replace(self, connection: _WebSocket, error: ConnectionClosed, deadline: Deadline) -> None:
        """Replace a lost connection, or set the end. Raises PtyTimeoutError."""
        with self._lock:
            if connection is not self._connection or self._end is not None:
                return
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
                self._open()
                return
            except RequestError as error:
                last = error
            except OpencodeError as error:
                last = error
                break
        self._end_broken(last)

    def _open(self) -> _WebSocket:
        """Make a connection and use it from now on; close it if the terminal was closed meanwhile."""
        ticket = self._before_handshake()
        prepared, started = self._request.prepare(self._output.next_start), perf_counter()
        try:
            opening = cast(Any, connect)(  # Any: websockets 15 returns a connection, later ones will not
                **self._request.connect_arguments(prepared, ticket), create_connection=_WebSocket
            )
            connection: _WebSocket = opening.__enter__()
        except (OSError, WebSocketException, EOFError) as error:
            raise error_from_handshake(prepared, error, started) from None
        connection.owner = self
        set_keep_alive(connection.socket)  # not documented; `connect` takes no options for its socket
        self._has_connected(again=self._connection is not None)
        self._connection = connection
        if self._closed.is_set():
            self._end_by_close()
            connection.close()
        return connection

    def _leave(self) -> None:
        if self._watch is not None and self._exit is not None:
            self._watch.leave(self._exit)
