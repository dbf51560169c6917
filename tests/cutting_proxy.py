"""A proxy on loopback that cuts WebSockets after some bytes, again and again; all else goes through untouched."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from random import Random
from typing import Self
from urllib.parse import urlsplit

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_PIECE_BYTES = 16_384


class CuttingProxy:
    """Listens from its making to `close` or the end of `with`.

    Each WebSocket carries a number of bytes to the client that is drawn between `least` and `most`; then it ends, every
    other one by a reset.
    """

    def __init__(self, upstream: str, *, seed: int, least: int, most: int) -> None:
        self.cuts = 0
        """How many WebSockets were cut."""
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._random = Random(seed)  # noqa: S311 # no secret: the same every time
        self._bounds = least, most
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """End everything."""
        _shut_down(self._listener)  # wakes `accept`, which closing does not
        self._acceptor.join()
        self._listener.close()
        for end in list(self._sockets):
            _shut_down(end)
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
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._upstream) as server:
            self._sockets |= {client, server}
            with contextlib.suppress(OSError):  # one of the ends has gone
                asked = client.recv(_PIECE_BYTES, socket.MSG_PEEK)
                is_terminal = b"/connect?" in asked or b"/connect " in asked
                upward = threading.Thread(target=_carry, args=(client, server, None), daemon=True)
                upward.start()
                cut = _carry(server, client, self._random.randint(*self._bounds) if is_terminal else None)
                self.cuts += cut
                _shut_down(server)
                if cut and self.cuts % 2:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                    client.shutdown(socket.SHUT_RD)  # wakes the other thread, and sends nothing
                else:
                    _shut_down(client)
                upward.join()
            self._sockets -= {client, server}


def _carry(source: socket.socket, target: socket.socket, most: int | None) -> bool:
    """Carry so many bytes; False when one of the ends was quicker."""
    left = most
    with contextlib.suppress(OSError):
        while left is None or left > 0:
            data = source.recv(_PIECE_BYTES if left is None else min(left, _PIECE_BYTES))
            if not data:
                break
            target.sendall(data)
            left = None if left is None else left - len(data)
    if most is None:
        _shut_down(target)
    return left == 0


def _shut_down(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other end was quicker
        end.shutdown(socket.SHUT_RDWR)
