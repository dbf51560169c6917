"""How a thread that waits for a socket is woken from outside."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress


def end(connected: socket.socket) -> None:
    """End a connection both ways: whoever reads from it in another thread reads its end, or an error.

    Source: Windows, where shutting a socket down wakes nobody (python/cpython#91913), and all others, where closing it
    does not.
    """
    with suppress(OSError):  # it is closed already
        if sys.platform == "win32":
            connected.close()
        else:
            connected.shutdown(socket.SHUT_RDWR)
