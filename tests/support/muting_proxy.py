"""A proxy on loopback that can stop forwarding: connections stay open, but no data passes."""

from __future__ import annotations

import contextlib
import socket
import threading

from opencode_client.calls import sockets
from tests.support.loopback_proxy import LoopbackProxy


class MutingProxy(LoopbackProxy):
    """Forwards everything until `mute`; then it still reads, but drops all data of the open connections."""

    def __init__(self, upstream: str) -> None:
        self._mutes: list[threading.Event] = []
        self._mutes_all = False
        super().__init__(upstream)

    def mute(self, *, later: bool = False) -> None:
        """Stop forwarding on all open connections and, with `later`, on new ones."""
        self._mutes_all = later
        for mute in self._mutes:
            mute.set()

    def serve(self, client: socket.socket) -> None:
        mute = threading.Event()
        self._mutes.append(mute)
        if self._mutes_all:
            mute.set()
        with client, socket.create_connection(self._upstream) as server:
            with self._lock:
                self._sockets |= {client, server}
            upward = threading.Thread(target=_carry, args=(client, server, mute), daemon=True)
            upward.start()
            _carry(server, client, mute)
            upward.join()
            with self._lock:
                self._sockets -= {client, server}


def _carry(source: socket.socket, target: socket.socket, mute: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            if not mute.is_set():
                target.sendall(data)
    sockets.end(target)
