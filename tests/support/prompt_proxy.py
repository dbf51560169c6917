"""A proxy on loopback that counts prompts and connections. All traffic passes, except where a test cuts it."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable

from opencode_client.calls import sockets
from opencode_client.turns.v1 import KEY
from tests.support.loopback_proxy import LoopbackProxy

_PIECE_BYTES = 65_536
LONGEST_MARK = 100
MARK = re.compile(rb'"%s":"(\w{32})"' % re.escape(KEY.encode()))
_PROMPT = re.compile(rb"^POST \S*/session/[^/ ]+/message[ ?]")


class PromptProxy(LoopbackProxy):
    """Listens until `close` or the end of `with`. Each direction of a connection has a thread.

    `shut` cuts all event streams and holds new ones back, until `open`.
    """

    def __init__(self, upstream: str) -> None:
        self.prompts: Counter[str] = Counter()
        """The number of requests with each key of a prompt."""
        self.posts: int = 0
        """The number of POSTs of a prompt that have begun, with a key or without."""
        self._streams: list[tuple[socket.socket, socket.socket]] = []
        self._is_open = threading.Event()
        self._is_open.set()
        super().__init__(upstream)

    @property
    def connections(self) -> int:
        """The number of connections that clients have open."""
        return len(self._sockets) // 2

    def shut(self) -> None:
        """Cut all event streams, and hold new ones back."""
        self._is_open.clear()
        for stream in self._streams:
            for one in stream:
                sockets.end(one)

    def open(self) -> None:
        """Let event streams pass again."""
        self._is_open.set()

    def close(self) -> None:
        self._is_open.set()
        super().close()

    def serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._upstream)
        except OSError:  # the server has gone
            client.close()
            return
        with client, server:
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets |= {client, server}
            with contextlib.suppress(OSError):  # the client or the server has gone
                if _is_stream(client.recv(_PIECE_BYTES, socket.MSG_PEEK)):
                    self._is_open.wait()
                    self._streams.append((client, server))
            downward = threading.Thread(target=self.answer, args=(server, client), daemon=True)
            downward.start()
            self.forward(client, server)
            downward.join()
            with self._lock:
                self._sockets -= {client, server}

    def forward(self, client: socket.socket, server: socket.socket) -> None:
        """Carry the requests of one connection, and count prompts."""
        last = b""
        with contextlib.suppress(OSError):
            while data := client.recv(_PIECE_BYTES):
                last = self.count(last, data)
                server.sendall(data)
        sockets.end(server)

    def count(self, last: bytes, data: bytes) -> bytes:
        """Count the prompts in bytes of a client. Return the last bytes, which may have the begin of a key."""
        self.posts += is_prompt(data)
        found = [*MARK.finditer(last + data)]
        self.prompts.update(one[1].decode() for one in found)
        return (last + data)[found[-1].end() if found else 0 :][-LONGEST_MARK:]

    def answer(self, server: socket.socket, client: socket.socket) -> None:
        """Carry the responses of one connection."""
        with contextlib.suppress(OSError):
            while data := server.recv(_PIECE_BYTES):
                client.sendall(data)
        sockets.end(client)


def is_prompt(data: bytes) -> bool:
    """Return True if these bytes begin the POST of a prompt. Clients begin each request with a segment of its own."""
    return _PROMPT.match(data) is not None


def _is_stream(data: bytes) -> bool:
    return data.partition(b" HTTP/")[0].partition(b"?")[0].endswith(b"/event")


class KillingProxy(PromptProxy):
    """Calls `kill` when so many bytes of the POST of a prompt and of its response have passed, and ends it there.

    `passed` are the bytes of the request that have passed. `session_id` is the session of the prompt.
    """

    def __init__(self, upstream: str, *, after_bytes: int, kill: Callable[[], object]) -> None:
        self.passed = b""
        self.session_id = ""
        self._left = after_bytes
        self._kill = kill
        self._prompt: socket.socket | None = None
        super().__init__(upstream)

    def forward(self, client: socket.socket, server: socket.socket) -> None:
        """Carry the requests of one connection, up to the last byte that may pass."""
        with contextlib.suppress(OSError):
            while data := client.recv(_PIECE_BYTES):
                self.posts += is_prompt(data)
                if is_prompt(data):
                    self._prompt, self.session_id = client, data.split(b"/")[2].decode()
                if self._prompt is not client:
                    server.sendall(data)
                    continue
                passes = self._pass(data)
                self.passed += passes
                server.sendall(passes)
                if self._left <= 0:
                    break
        sockets.end(server)

    def answer(self, server: socket.socket, client: socket.socket) -> None:
        """Carry the responses of one connection, up to the last byte that may pass."""
        with contextlib.suppress(OSError):
            while data := server.recv(_PIECE_BYTES):
                client.sendall(self._pass(data) if self._prompt is client else data)
                if self._prompt is client and self._left <= 0:
                    break
        sockets.end(client)

    def _pass(self, data: bytes) -> bytes:
        """Return the bytes that may pass. Kill the client if these are the last ones."""
        passes = data[: max(0, self._left)]
        self._left -= len(passes)
        if self._left <= 0:
            self._kill()
        return passes
