"""Accept and reset connections, in the same way on every system. Used by the tests' servers and proxies."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Callable

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Acceptor:
    """Listens on loopback until `close`. After `start`, one thread calls `on_connection` for every connection."""

    def __init__(self, on_connection: Callable[[socket.socket], object], port: int = 0) -> None:
        self._on_connection = on_connection
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._is_closing = False
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def close(self) -> None:
        """Stop accepting connections. May be called again."""
        if not self._is_closing:
            self._is_closing = True
            # a connection wakes `accept` on every system; shutting the listener down does so only on Linux
            socket.create_connection(("127.0.0.1", self.port)).close()
            self._thread.join()
            self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except ConnectionError:  # it ended before it was accepted; Linux does not report that
                continue
            if self._is_closing:
                connection.close()
                return
            self._on_connection(connection)


def begin_reset(connection: socket.socket) -> None:
    """Make `close` send a TCP reset, and wake a thread that reads: it would keep the connection open."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    if sys.platform == "win32":  # on Windows, only closing wakes a reader
        connection.close()
    else:
        connection.shutdown(socket.SHUT_RD)
