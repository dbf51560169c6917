"""End a connection that another thread reads."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress


def end(connected: socket.socket) -> None:
    """End a connection in both directions. A thread that reads from it gets the end of the stream, or an error.

    Source: on Windows, `shutdown` does not wake the thread (python/cpython#91913); on other systems, `close` does not.
    """
    with suppress(OSError):  # it is closed already
        if sys.platform == "win32":
            connected.close()
        else:
            connected.shutdown(socket.SHUT_RDWR)
