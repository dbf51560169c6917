"""A small HTTP server on loopback: one thread for each connection, so responses may wait, and streams may stay open."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import parse_qsl, unquote

from attrs import define, field, frozen

from ..calls import sockets

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BACKLOG = 256  # for many prompts at once: the default of 5 drops connections


@define(slots=False)
class Request:
    """A request that was received whole. The names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes = field(default=b"", repr=False)

    @cached_property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(self.target.partition("?")[0])

    @cached_property
    def query(self) -> dict[str, str]:
        """The parameters of the query. For a repeated parameter, the last value."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @cached_property
    def json(self) -> Any:
        """The body, read as JSON; None if it is empty. Raises ValueError."""
        return json.loads(self.content) if self.content else None


@frozen
class Response:
    """A response. `sent` is called after it was sent."""

    content: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict[str, str])
    sent: Callable[[], object] = lambda: None

    def head(self) -> bytes:
        """Return the status line and the headers."""
        with suppress(ValueError):  # a status that the standard does not have
            return _head(self.status, HTTPStatus(self.status).phrase, self._headers())
        return _head(self.status, "Other", self._headers())

    def _headers(self) -> Mapping[str, str]:
        length = {} if "transfer-encoding" in self.headers else {"content-length": str(len(self.content))}
        return {**length, **self.headers}


def _head(status: int, phrase: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with JSON."""
    kind = {"content-type": "application/json"}
    return Response(json.dumps(value).encode(), status, {**kind, **(headers or {})})


EMPTY = Response(headers={"content-type": "application/json"})
"""A response of JSON without a body: old servers send it if something does not exist."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket: socket.socket = connection

    def send(self, data: bytes) -> None:
        """Send bytes. Raises OSError if the client is gone."""
        self.socket.sendall(data)

    def begin_stream(self, headers: Mapping[str, str]) -> None:
        """Send the headers of an event stream."""
        kind = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
        self.send(Response(headers={**kind, **headers}).head())

    def send_chunk(self, data: bytes) -> None:
        """Send a chunk of a stream. An empty one ends the stream."""
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def reset(self) -> None:
        """End the connection without the rest of a response."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        sockets.end(self.socket)


Stream = Callable[[Peer], object]
"""Function that uses the rest of a connection, which is closed after it."""


class Listener:
    """Listens on a free port from its creation, and serves from `start` until `close`."""

    def __init__(self, respond: Callable[[Request], Response | Stream]) -> None:
        self._respond = respond
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self.url: str = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._lock = threading.Lock()
        self._threads: dict[threading.Thread, Peer] = {}
        self._is_closing = False
        self._acceptor = threading.Thread(target=self._accept, name="opencode-fake-accept", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._acceptor.start()

    def close(self) -> None:
        """Stop serving, and reset all connections. Waits until their threads have ended."""
        if self._is_closing:
            return
        self._is_closing = True
        if self._acceptor.ident is not None:
            with suppress(OSError):  # a connection wakes `accept` on every system
                socket.create_connection(self._socket.getsockname()).close()
            self._acceptor.join()
        self._socket.close()
        with self._lock:
            open_now = dict(self._threads)
        for peer in open_now.values():
            peer.reset()
        for thread in open_now:
            if thread is not threading.current_thread():
                thread.join()

    def _accept(self) -> None:
        while not self._is_closing:
            with suppress(ConnectionError):  # it ended before it was accepted
                peer = Peer(self._socket.accept()[0])
                thread = threading.Thread(target=self._serve, args=(peer,), name="opencode-fake", daemon=True)
                with self._lock:
                    self._threads[thread] = peer
                thread.start()

    def _serve(self, peer: Peer) -> None:
        gone = suppress(OSError, ValueError)  # the client has closed the connection
        with gone, peer.socket, peer.socket.makefile("rb") as incoming:
            peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while not self._is_closing and (request := _read(incoming)) is not None:
                answer = self._respond(request)
                if not isinstance(answer, Response):
                    answer(peer)
                    break
                try:
                    peer.send(answer.head() + (b"" if request.method == "HEAD" else answer.content))
                finally:
                    answer.sent()
                if answer.headers.get("connection") == "close":
                    break
        with self._lock:
            self._threads.pop(threading.current_thread(), None)


def _read(incoming: IO[bytes]) -> Request | None:
    """Return the next request; None at the end of the connection."""
    line = incoming.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := incoming.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return Request(method, target, headers, incoming.read(int(headers.get("content-length", 0))))
