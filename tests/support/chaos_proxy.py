"""A proxy on loopback that treats event streams as bad networks do. All other traffic passes unchanged.

    with ChaosProxy(server.url, seed=1) as proxy: client = OpencodeClient(proxy.url)

It cuts, resets, stalls and delays streams, in the middle of events and of heads. The same seed gives the same faults.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from enum import Enum
from random import Random

from attrs import frozen

from opencode_client.calls import sockets
from tests.support.acceptor import begin_reset
from tests.support.loopback_proxy import LoopbackProxy

_PIECE_BYTES = 65_536
_FEW_BYTES = 2_000
_LONGEST_DELAY_S = 0.004


class Fate(Enum):
    """The way in which a connection of a stream ends, if client and server do not end it before."""

    CUT = "it ends without the last chunk"
    RESET = "it is reset"
    STALL = "no more bytes arrive"
    REFUSED = "it ends before the response has begun"


@frozen
class Plan:
    """The faults of one stream: `fate` after so many bytes of the response, sent in pieces, with one delay between."""

    fate: Fate
    after_bytes: int
    piece_bytes: int
    delay_s: float


class ChaosProxy(LoopbackProxy):
    """Listens until `close` or the end of `with`. Each direction of a connection has a thread.

    A stream carries at most `most_bytes` before its fate. The head of the first stream always passes, because clients
    raise an error if their first connection fails. The `fates` are shuffled like a deck of cards, and each stream takes
    the next one. Only the first deck has stalls, because a client waits for its whole watchdog time in each of them.
    """

    def __init__(
        self, upstream: str, *, seed: int, most_bytes: int = 150_000, fates: list[Fate] | None = None
    ) -> None:
        self.met: Counter[Fate] = Counter()
        """The number of streams that met each fate."""
        self._random = Random(seed)  # noqa: S311 # not for secrets: the same numbers in every run
        self._most_bytes = most_bytes
        self._fates = fates or [*[Fate.CUT, Fate.RESET] * 6, *[Fate.REFUSED] * 2, Fate.STALL]
        self._deck: list[Fate] = []
        self._is_first = True
        self._closing = threading.Event()
        super().__init__(upstream)

    def close(self) -> None:
        """End all connections and delays."""
        self._closing.set()
        super().close()

    def serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._upstream) as server:
            for end in (
                client,
                server,
            ):  # otherwise a small piece waits 40 ms until the one before it is acknowledged
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets |= {client, server}
            gone = threading.Event()
            upward = threading.Thread(target=_carry_requests, args=(client, server, gone), daemon=True)
            with contextlib.suppress(OSError):  # the client or the server has gone
                request = client.recv(_PIECE_BYTES, socket.MSG_PEEK)
                upward.start()
                path = request.split(b" ", 2)[1].partition(b"?")[0] if request else b""
                if path.endswith(b"/event"):
                    self._carry_stream(server, client, self._next_plan(), gone)
                else:
                    _carry(server, client, None, _PIECE_BYTES)
            with self._lock:
                self._sockets -= {client, server}
            sockets.end(server)
            if client.fileno() != -1 and upward.ident is not None:
                sockets.end(client)
            if upward.ident is not None:
                upward.join()

    def _next_plan(self) -> Plan:
        with self._lock:
            draw = self._random
            if not self._deck:
                self._deck = draw.sample(self._fates, len(self._fates))
                self._fates = [fate for fate in self._fates if fate is not Fate.STALL]
            first, self._is_first = self._is_first, False
            fate = Fate.CUT if first else self._deck.pop()
            piece_bytes = draw.choice((16, 1_500, 16_384, _PIECE_BYTES))
            is_short = piece_bytes == 16 or fate is Fate.STALL
            most = min(self._most_bytes, _FEW_BYTES if is_short else self._most_bytes)
            after_bytes = draw.randint(most // 2 if first else 1, most)
            delay_s = draw.choice((0.0, draw.uniform(0, _LONGEST_DELAY_S)))
            return Plan(fate, 0 if fate is Fate.REFUSED else after_bytes, piece_bytes, delay_s)

    def _carry_stream(
        self, server: socket.socket, client: socket.socket, plan: Plan, gone: threading.Event
    ) -> None:
        early = plan.after_bytes // 2
        if early and not _carry(server, client, early, plan.piece_bytes):
            return
        self._closing.wait(plan.delay_s)
        if plan.after_bytes and not _carry(server, client, plan.after_bytes - early, plan.piece_bytes):
            return
        self.met[plan.fate] += 1
        if plan.fate is Fate.STALL:
            gone.wait()
        elif plan.fate is Fate.RESET:
            begin_reset(client)
            gone.wait()
            client.close()
        else:
            client.shutdown(socket.SHUT_WR)


def _carry(source: socket.socket, target: socket.socket, most: int | None, piece_bytes: int) -> bool:
    """Carry so many bytes, or all (None). If the source ends, end the target too, and return False."""
    left = piece_bytes if most is None else most
    while left:
        data = source.recv(min(left, piece_bytes))
        if not data:
            target.shutdown(socket.SHUT_WR)
            return False
        target.sendall(data)
        left -= len(data) if most is not None else 0
    return True


def _carry_requests(client: socket.socket, server: socket.socket, gone: threading.Event) -> None:
    """Carry the requests, until the client has gone."""
    with contextlib.suppress(OSError):
        _carry(client, server, None, _PIECE_BYTES)
    gone.set()
