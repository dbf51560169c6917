"""A TLS socket that several threads use: one reads, others write, any may close it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from socket import socket, socketpair
from ssl import SSLSocket, SSLWantReadError, SSLWantWriteError
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

_T = TypeVar("_T")


class TlsSocket:
    """A connected `SSLSocket` that threads share. `close` wakes them; `release` closes the descriptor.

    No call waits inside OpenSSL. OpenSSL would wait for data after session tickets, which make the socket readable but
    have no data. Closing does not wake a thread that waits there; it would read on when its descriptor already belongs
    to another connection. OpenSSL allows one thread at a time; the lock ensures that.
    """

    def __init__(self, wrapped: SSLSocket, timeout_s: float | None = None) -> None:
        wrapped.setblocking(False)
        self._wrapped = wrapped
        self._timeout_s: float | None = timeout_s
        self._lock = Lock()
        self._closed = False
        self._watcher, self._notifier = socketpair()

    def __getattr__(self, name: str) -> Any:  # Any: of the wrapped socket, which has many
        return getattr(self._wrapped, name)

    def recv(self, size: int) -> bytes:
        """Wait for data and return at most `size` bytes of it; `b""` at the end. Raises OSError after `close`."""
        return self._wait_for(partial(self._wrapped.recv, size), None)

    def sendall(self, data: bytes) -> None:
        """Send all data. Raises TimeoutError, and OSError after `close`."""
        left = memoryview(data)
        while left:
            left = left[self._wait_for(partial(self._wrapped.send, left), self._timeout_s) :]

    def settimeout(self, timeout_s: float | None) -> None:
        """Limit how long writing waits until the server takes more data. Reading waits without a limit."""
        self._timeout_s = timeout_s

    def shutdown(self, how: int) -> None:
        """Shut TCP down, but go on decrypting received data. `SSLSocket.shutdown` would stop decrypting."""
        socket.shutdown(self._wrapped, how)

    def close(self) -> None:
        """Wake all readers and writers; they raise OSError. The descriptor stays open until `release`."""
        with self._lock:
            self._closed = True
            self._notifier.close()

    def release(self) -> None:
        """Close the descriptor. Nobody may read or write any more."""
        self.close()
        self._watcher.close()
        self._wrapped.close()

    def _wait_for(self, act: Callable[[], _T], timeout_s: float | None) -> _T:
        deadline = None if timeout_s is None else monotonic() + timeout_s
        while True:
            with self._lock:
                if self._closed:
                    raise OSError("the socket is closed")
                try:
                    return act()
                except SSLWantReadError:
                    needed = EVENT_READ
                except SSLWantWriteError:
                    needed = EVENT_WRITE
            with DefaultSelector() as selector:
                selector.register(self._wrapped, needed)
                selector.register(self._watcher, EVENT_READ)
                if not selector.select(None if deadline is None else max(0.0, deadline - monotonic())):
                    raise TimeoutError("the server takes no more data")
