"""Terminals: `PtyConnection`, over WebSockets one after the other."""

from __future__ import annotations

import logging
import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from socket import SHUT_RDWR
from ssl import SSLSocket
from threading import Event, Lock
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from ..calls.operation import Arguments, Operation
from ..errors import (
    ArgumentError,
    NotFoundError,
    OpencodeError,
    PtyClosedError,
    PtyTimeoutError,
    RequestError,
)
from ..streams.reconnect import StreamOptions
from ..streams.stream import EventStream
from .exit_watch import EVENTS, ExitWatch
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
from .tls_socket import TlsSocket

if TYPE_CHECKING:
    from ..api.pty import PtyNamespace
    from ..calls.caller import Caller

logger: logging.Logger = logging.getLogger(__package__)


class _Connection(ClientConnection):
    user: object
    """What closing the client closes; nobody else need keep it."""

    def __init__(self, sock: Any, *arguments: Any, **named: Any) -> None:  # Any: handed on
        used: Any = (
            TlsSocket(sock) if isinstance(sock, SSLSocket) else sock
        )  # Any: has what is used of a socket
        super().__init__(used, *arguments, **named)

    def recv_events(self) -> None:  # not documented, but it alone shows when the reading thread ends
        try:
            super().recv_events()
        finally:
            if isinstance(self.socket, TlsSocket):  # the connection is closed: nobody writes any more
                self.socket.release()

    def handshake(self, *arguments: Any, **named: Any) -> None:  # Any: handed on
        try:
            super().handshake(*arguments, **named)
        except InvalidStatus as error:
            raise Refusal(error.response) from None


def _opening(
    **arguments: Any,
) -> Any:  # Any: a connection in websockets 17, which warns that it will not stay one
    """What makes a WebSocket when it is entered."""
    return connect(**arguments, max_queue=FRAMES, create_connection=_Connection)  # pyright: ignore[reportUnknownVariableType]


class PtyConnection(Terminal):
    """A terminal's output as text, and its input. Made by `client.pty.connect`.

    Connected by `with`, or by the first use; closed by the end of `with` or by `close`. One thread reads; any thread
    may send, resize or close. Comes back after a broken connection, repeats nothing, and raises `PtyGapError` where
    output is missing.
    """

    def __init__(
        self,
        caller: Caller,
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
        self._lock = Lock()  # held while a connection is made, and while a frame of it is taken
        self._closed = Event()
        self._socket: ClientConnection | None = None
        caller.connections.to_close.add(self)

    def __enter__(self) -> Self:
        self._connected()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        try:
            return self.recv()
        except PtyClosedError:
            if self._clean:
                raise StopIteration from None
            raise

    def recv(self, timeout: float | None = None) -> str:
        """The next output, as it comes: some characters or many lines.

        Raises:
            PtyTimeoutError: nothing came within `timeout` seconds.
            PtyClosedError: the terminal ended, or its connection broke and cannot be made again.
            PtyGapError: output is missing here; the next call goes on behind.
        """
        deadline = None if timeout is None else monotonic() + timeout
        while (text := self._next()) is None:
            connection = self._connected()
            left = None if deadline is None else max(0.0, deadline - monotonic())
            try:
                frame = connection.recv(left)
            except TimeoutError:
                raise self._timeout("no output", timeout) from None
            except ConnectionClosed as error:
                if not self._lost(connection, error, deadline):
                    raise self._timeout("no output, and no new connection", timeout) from None
                continue
            with self._lock:
                if connection is not self._socket:  # lost meanwhile: its replay brings this again
                    continue
                self._take(frame)
                if self._output.must_reconnect and self._over is None:
                    with suppress(OSError):
                        connection.socket.shutdown(SHUT_RDWR)
                    self._come_back(None)
        return text

    def read_until(self, pattern: str | re.Pattern[str], timeout: float | None = None) -> str:
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
                found = expected.feed(self.recv(left))
                if found is not None:
                    return found
        except PtyTimeoutError:
            raise self._timeout(f"no {expected}", timeout, expected.seen) from None
        except PtyClosedError:
            raise self._ended(expected.seen) from self._over
        finally:
            self._put_back(expected.seen)

    def send(self, data: str | bytes) -> None:
        """Type something. Bytes are UTF-8, perhaps in pieces.

        Raises:
            ArgumentError: not UTF-8.
            PtyClosedError: the terminal ended, or its connection broke and cannot be made again.
        """
        text = self._input(data)
        while True:
            connection = self._connected()
            if not text:  # the beginning of a character
                return
            try:
                connection.send(text)
            except ConnectionClosed as error:
                if is_end(error) or not (self._output.has_cursor or self._closed.is_set()):
                    raise closed(
                        self._request, error
                    ) from error  # whoever reads finds out, too, and reads to the end
                self._lost(connection, error, None)
            else:
                return

    def resize(self, rows: int, cols: int) -> None:
        """Give the terminal another size. Raises ArgumentError, StatusError, RequestError."""
        self._calls.update(self.pty_id, size=size_body(rows, cols), **self._request.scope)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until the process has ended, and give its exit code.

        Returns: the exit code; None where the server did not tell it (the terminal was removed, its instance disposed).

        Raises:
            PtyTimeoutError: the process runs on after `timeout` seconds.
            PtyClosedError: this connection was closed or broke before the process ended.
        """
        if self._socket is None:
            self._connected()
        watch, exit_ = self._watch, self._exit
        if watch is None or exit_ is None:
            raise ArgumentError(f"terminal {self.pty_id}: exit_code=False leaves nothing to wait for")
        deadline = None if timeout is None else monotonic() + timeout
        gaps = 0
        while True:
            with watch.changed:
                known = watch.changed.wait_for(
                    partial(self._stirs, exit_, gaps),
                    until(deadline),
                )
                if exit_.gone:
                    return exit_.code
                if self._over is not None:
                    if not self._clean or self._closed.is_set():
                        raise self._ended()
                    watch.changed.wait_for(lambda: exit_.gone, EXIT_S)
                    return exit_.code
                gaps = exit_.gaps
            if not known:
                raise self._timeout("the process did not end", timeout)
            if not self._is_there():
                return None

    def close(self) -> None:
        """End this connection, and whatever waits for it; the terminal itself goes on."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._closed_here()
        if self._socket is not None:
            self._socket.close()
        self._leave()
        if self._watch is not None:
            self._watch.wake()

    def _connected(self) -> ClientConnection:
        if self._socket is not None and self._over is None:
            return self._socket
        with self._lock:
            if self._over is not None:
                raise self._ended()
            if self._socket is None:
                self._output.has_cursor = self._has_cursor()
                try:
                    self._socket = self._open()
                except BaseException:
                    self._leave()
                    raise
                self._connected_anew()
                self._close_if_asked(self._socket)
            return self._socket

    def _has_cursor(self) -> bool:
        operation, knowledge = self._request.operation, self._caller.knowledge
        if operation.absent is not None and not knowledge.allows(operation):
            self._caller.server_check.require(operation)
        version = knowledge.version or self._caller.server_check.version(operation.id)
        return has_cursor(self._request, version)

    def _open(self) -> ClientConnection:
        # a call first: it says in words what the handshake does not (1.1.x: 500 for an id that there is not)
        self._calls.get(self.pty_id, **self._request.scope)
        if self._watch is not None and not self._joined:
            self._exit, self._joined = self._watch.join(self.pty_id), True
            if self._closed.is_set():  # meanwhile: `close` found nothing to leave
                self._leave()
        ticket = None
        if self._request.options.get("auth") == "ticket":
            ticket = ticket_in(self._calls.connect_token(self.pty_id, **self._request.scope))
        prepared, started = self._request.prepared(self._output.ask), perf_counter()
        try:
            connection: _Connection = _opening(
                **self._request.connect_arguments(prepared, ticket)
            ).__enter__()
        except (OSError, WebSocketException, EOFError) as error:
            raise refused(prepared, error, started) from None
        connection.user = self
        keep_alive(connection.socket)
        return connection

    def _close_if_asked(self, connection: ClientConnection) -> None:
        if self._closed.is_set():  # while the connection was made
            self._closed_here()
            connection.close()

    def _lost(self, connection: ClientConnection, error: ConnectionClosed, deadline: float | None) -> bool:
        """Come back, or end. Returns: whether that was done before the deadline."""
        with self._lock:
            if connection is not self._socket or self._over is not None:
                return True
            if self._may_come_back(error) and not self._come_back(deadline):
                return False
        if self._over is not None and self._watch is not None:
            self._watch.wake()
        return True

    def _come_back(self, deadline: float | None) -> bool:
        last: OpencodeError | None = None
        while (due := self._failures.due()) is not None:
            wait_s = until(due if deadline is None else min(due, deadline))
            if self._closed.wait(wait_s):
                return True
            if deadline is not None and deadline < due:
                return False
            self._failures.begun()
            try:
                self._socket = self._open()
            except RequestError as error:
                last = error
            except OpencodeError as error:
                self._gave_up(error)
                return True
            else:
                self._came_back()
                self._close_if_asked(self._socket)
                return True
        self._gave_up(last)
        return True

    def _leave(self) -> None:
        if self._watch is None:
            return
        with self._watch.changed:  # once, though one thread connects while another closes
            joined, self._joined = self._joined, False
        if joined:
            self._watch.leave(self.pty_id)

    def _is_there(self) -> bool:
        try:
            return is_running(self._calls.get(self.pty_id, **self._request.scope))
        except NotFoundError:
            return False


def _watch_for(caller: Caller, request: HandshakeRequest) -> ExitWatch:
    arguments = evolve(request.arguments, path=())
    subscribe = partial(EventStream, caller, EVENTS, arguments, StreamOptions())
    watch: ExitWatch = caller.knowledge.exit_watches.setdefault(request.place, ExitWatch(subscribe))
    return watch


@contextmanager
def temporary_terminal(
    terminals: PtyNamespace, made: dict[str, Any], scope: dict[str, Any], options: PtyOptions
) -> Generator[PtyConnection]:
    """A terminal that is there as long as somebody uses it. Any: arguments of `pty.create`, which checks them."""
    pty = terminals.create(**made)
    try:
        with terminals.connect(pty.id, **scope, **options) as connection:
            yield connection
    finally:
        try:
            terminals.remove(pty.id, **scope)
        except NotFoundError:
            pass  # its process has ended
        except OpencodeError as error:  # what happened before is what its user has to know
            logger.warning("terminal %s may be left behind: %s", pty.id, error)
