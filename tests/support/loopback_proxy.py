"""A TCP proxy on loopback. Subclasses decide how it treats each connection."""

from __future__ import annotations

import socket
import threading
from abc import ABC, abstractmethod
from typing import Self
from urllib.parse import urlsplit

from opencode_client.calls import sockets
from tests.support.acceptor import Acceptor


class LoopbackProxy(ABC):
    """Listens until `close` or the end of `with`. Calls `serve` for each connection, in a thread of its own."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._acceptor = Acceptor(self._accepted)
        self.url = f"http://127.0.0.1:{self._acceptor.port}"
        self._acceptor.start()

    @abstractmethod
    def serve(self, client: socket.socket) -> None:
        """Carry the bytes of one connection in both directions, until it ends."""

    def close(self) -> None:
        """End all connections, and stop listening."""
        self._acceptor.close()
        with self._lock:
            for one in self._sockets:
                sockets.end(one)
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accepted(self, client: socket.socket) -> None:
        thread = threading.Thread(target=self.serve, args=(client,), daemon=True)
        self._threads.append(thread)
        thread.start()
