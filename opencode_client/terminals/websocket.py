"""The WebSocket of a terminal, in threads. `async_websocket.py` has the same names for tasks.

Written by hand: the sync and async classes of `websockets` have different undocumented methods.
"""

from __future__ import annotations

from functools import partial
from ssl import SSLSocket
from typing import Any, cast

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect, unix_connect

from ..calls.sockets import end
from ..streams.deadline import Deadline
from .handshake import PONG_CHECKS, HandshakeRefusedError, set_keep_alive
from .tls_socket import TlsSocket


class WebSocket(ClientConnection):
    """One WebSocket. `is_silent` is True if it ended because nothing came after a ping."""

    # Any: passed on
    def __init__(self, owner: Any, sock: Any, *arguments: Any, ping_timeout: float, **named: Any) -> None:
        self.owner = owner  # keeps the terminal alive, so that the client can close an open WebSocket
        self.is_silent: bool = False
        self._has_received: bool = False
        is_tls = isinstance(sock, SSLSocket)
        shared: Any = TlsSocket(sock, ping_timeout) if is_tls else sock  # Any: used like a socket
        owner.opening = self  # before the reading thread starts: then Ctrl-C can end it
        super().__init__(shared, *arguments, ping_timeout=ping_timeout, **named)

    def receive(self, deadline: Deadline) -> str | bytes:
        """Return the next frame. Raises TimeoutError."""
        return self.recv(deadline.left_s())

    def abort(self) -> None:
        """End the connection and its threads at once. `close` would wait for the server."""
        if hasattr(self, "recv_events_thread"):  # else its thread was not made yet
            end(self.socket)
            self.close_socket()

    # Not documented. `websockets` has no other sign that its reading thread has ended.
    def recv_events(self) -> None:
        try:
            super().recv_events()
        finally:
            if isinstance(self.socket, TlsSocket):  # the connection is closed: nobody writes any more
                self.socket.release()

    # Not documented. The pings of `websockets` time out even while nobody reads, or they never do.
    def keepalive(self) -> None:
        reader = self.recv_events_thread
        assert self.ping_interval is not None and self.ping_timeout is not None  # noqa: S101, PT018 # see handshake
        while True:
            reader.join(self.ping_interval)
            if not reader.is_alive():
                return
            self._has_received = False
            vars(self)["process_event"] = self._note_frame  # see `_note_frame`
            try:
                self.ping()
            except ConnectionClosed:
                return
            for _ in range(PONG_CHECKS):
                reader.join(self.ping_timeout / PONG_CHECKS)
                # while the queue is full, nothing is read, so the pong cannot be seen
                if self._has_received or self.recv_messages.paused or not reader.is_alive():
                    break
            else:
                self.is_silent = True
                end(self.socket)
                return

    # Not documented, as above. It replaces `process_event` only from a ping to the next frame, as it takes time.
    def _note_frame(self, event: Any) -> None:  # Any: passed on
        self._has_received = True
        vars(self).pop("process_event", None)
        self.process_event(event)

    # Not documented. `websockets` follows redirects after an `InvalidStatus`, and has no option against that.
    def handshake(self, *arguments: Any, **named: Any) -> None:  # Any: passed on
        try:
            super().handshake(*arguments, **named)
        except InvalidStatus as error:
            raise HandshakeRefusedError(error.response) from None


def open_websocket(owner: Any, unix_path: str | None, arguments: dict[str, Any]) -> WebSocket:
    """Return a new WebSocket. Raises the errors of `handshake.FAILURES`."""
    # Any: websockets 15 returns a connection, later ones will not
    dial: Any = cast(Any, connect if unix_path is None else partial(unix_connect, unix_path))
    opened: WebSocket = dial(**arguments, create_connection=partial(WebSocket, owner)).__enter__()
    set_keep_alive(opened.socket)  # not documented; `connect` takes no options for its socket
    return opened


def abort_opening(owner: Any) -> None:
    """End the WebSocket that `owner` is opening, if there is one."""
    opening: WebSocket | None = owner.opening
    if opening is not None:
        opening.abort()
