"""A proxy of TCP on loopback: what is done to the connections that go through it, its heirs say."""

from __future__ import annotations

import contextlib
import socket
import threading
from abc import ABC, abstractmethod
from typing import Self
from urllib.parse import urlsplit


class LoopbackProxy(ABC):
    """Listens from its making to `close` or the end of `with`; `serve` gets each connection in a thread of its own."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @abstractmethod
    def serve(self, client: socket.socket) -> None:
        """Carry what one connection says, until it ends."""

    def close(self) -> None:
        """End everything."""
        shut_down(self._listener)  # wakes `accept`, which closing does not
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            for end in self._sockets:
                shut_down(end)
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()


def shut_down(end: socket.socket) -> None:
    """End a connection both ways, and wake who waits for it."""
    with contextlib.suppress(OSError):  # the other end was quicker
        end.shutdown(socket.SHUT_RDWR)
