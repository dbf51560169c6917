"""TCP sockets: end a connection that another thread reads, and notice that a peer is gone."""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

_KEEP_ALIVE = {
    "TCP_KEEPIDLE": 20,
    "TCP_KEEPALIVE": 20,
    "TCP_KEEPINTVL": 10,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 60_000,  # milliseconds
}
"""With these options the system notices within about a minute that the peer is gone. Each system has some of them.

The last one limits how long Linux resends data that the peer does not acknowledge: without it, 15 minutes.
"""


def readability(connected: socket.socket) -> Callable[[], bool]:
    """Return a function that returns True if bytes, or the end, have arrived on the socket."""
    if not hasattr(select, "poll"):  # Windows
        return lambda: bool(select.select([connected], [], [], 0)[0])
    arrivals = select.poll()
    arrivals.register(connected, select.POLLIN)
    return lambda: bool(arrivals.poll(0))


def end(connected: socket.socket) -> None:
    """End a connection in both directions. A thread that reads from it gets the end of the stream, or an error.

    Source: on Windows, `shutdown` does not wake the thread (python/cpython#91913); on other systems, `close` does not.
    """
    with suppress(OSError):  # it is closed already
        if sys.platform == "win32":
            connected.close()
        else:
            connected.shutdown(socket.SHUT_RDWR)


def set_keep_alive(connection: socket.socket) -> None:
    """Let the system check that the peer is still there while no data comes."""
    with suppress(OSError):  # not a TCP socket
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE.items():
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def prepare(connection: socket.socket) -> None:
    """Set the options of a new TCP socket: no delay for small packets, and keep-alive."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    set_keep_alive(connection)
