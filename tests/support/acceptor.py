"""What the tests' servers and proxies do with sockets alike, on every system."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Callable

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Acceptor:
    """Listens on loopback from its making to `close`; from `start` on, `took` gets every connection, in one thread."""

    def __init__(self, took: Callable[[socket.socket], object], port: int = 0) -> None:
        self._took = took
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._is_closing = False
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def start(self) -> None:
        """Give out connections from now on."""
        self._thread.start()

    def close(self) -> None:
        """Take no connection any more; twice is once."""
        if not self._is_closing:
            self._is_closing = True
            # what wakes `accept` everywhere is a connection: shutting the listener down does so on Linux alone
            socket.create_connection(("127.0.0.1", self.port)).close()
            self._thread.join()
            self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except ConnectionError:  # it ended before it was accepted; not told on Linux
                continue
            if self._is_closing:
                connection.close()
                return
            self._took(connection)


def begin_reset(connection: socket.socket) -> None:
    """Have its closing be a TCP reset, and wake another thread that reads from it, which would keep it open."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    if sys.platform == "win32":  # only closing wakes there
        connection.close()
    else:
        connection.shutdown(socket.SHUT_RD)
