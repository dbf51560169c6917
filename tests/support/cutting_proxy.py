"""A proxy on loopback that cuts every WebSocket after some bytes. All other traffic passes unchanged."""

from __future__ import annotations

import contextlib
import socket
import threading
from random import Random

from opencode_client.calls import sockets
from tests.support.acceptor import begin_reset
from tests.support.loopback_proxy import LoopbackProxy

_PIECE_BYTES = 16_384


class CuttingProxy(LoopbackProxy):
    """Ends each WebSocket after a random number of bytes to the client, between `least` and `most`.

    Every second one ends with a reset.
    """

    def __init__(self, upstream: str, *, seed: int, least: int, most: int) -> None:
        self.cuts = 0
        """The number of WebSockets that were cut."""
        self._random = Random(seed)  # noqa: S311 # not for secrets: the same numbers in every run
        self._bounds = least, most
        super().__init__(upstream)

    def serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._upstream) as server:
            with self._lock:
                self._sockets |= {client, server}
            with contextlib.suppress(OSError):  # the client or the server has gone
                request = client.recv(_PIECE_BYTES, socket.MSG_PEEK)
                is_terminal = b"/connect?" in request or b"/connect " in request
                upward = threading.Thread(target=_carry, args=(client, server, None), daemon=True)
                upward.start()
                cut = _carry(server, client, self._random.randint(*self._bounds) if is_terminal else None)
                self.cuts += cut
                sockets.end(server)
                if cut and self.cuts % 2:
                    begin_reset(client)
                else:
                    sockets.end(client)
                upward.join()
            with self._lock:
                self._sockets -= {client, server}


def _carry(source: socket.socket, target: socket.socket, most: int | None) -> bool:
    """Carry so many bytes, or all (None). Return False if client or server ended first."""
    left = most
    with contextlib.suppress(OSError):
        while left is None or left > 0:
            data = source.recv(_PIECE_BYTES if left is None else min(left, _PIECE_BYTES))
            if not data:
                break
            target.sendall(data)
            left = None if left is None else left - len(data)
    if most is None:
        sockets.end(target)
    return left == 0
