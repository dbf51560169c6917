"""A server on loopback that runs a script for each connection, and records the requests.

    with FaultyServer([answer(http(b"[]")), hang_up], [reset]) as server: ...

responds to the first request of the first connection and then closes it; it resets all other connections.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from http.client import responses
from types import TracebackType
from typing import Self, TypeAlias

from attrs import frozen

from opencode_client.calls import sockets
from tests.support.acceptor import Acceptor, begin_reset

_PATIENCE_S = 10.0
_JSON = {"content-type": "application/json"}


@frozen
class Seen:
    """A request as the server received it, with header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


class Peer:
    """The server's end of one connection. Raises ConnectionError when the client has gone."""

    def __init__(self, connection: socket.socket, saw: Callable[[Seen], None]) -> None:
        self._socket = connection
        self._saw = saw
        self._unread = b""

    def receive(self) -> Seen:
        """Read the next request, with its body."""
        while b"\r\n\r\n" not in self._unread:
            self._read()
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self._unread) < length:
            self._read()
        body, self._unread = self._unread[:length], self._unread[length:]
        request = Seen(method, target, headers, body)
        self._saw(request)
        return request

    def send(self, data: bytes | memoryview) -> None:
        """Send all the data."""
        self._socket.sendall(data)

    def await_data(self) -> None:
        """Wait until data has arrived, and leave it unread."""
        self._socket.recv(1, socket.MSG_PEEK)

    def wait(self, most_s: float | None = None) -> None:
        """Wait until the client closes the connection or the server is closed, at most `most_s` seconds."""
        self._socket.settimeout(most_s)
        with contextlib.suppress(TimeoutError):
            while True:
                self._read()
        self._socket.settimeout(None)

    def end(self) -> None:
        """Stop sending, but read until the client closes: so the client sees an end, not a reset."""
        self._socket.shutdown(socket.SHUT_WR)
        self.wait()

    def reset(self) -> None:
        """Close with a TCP reset."""
        begin_reset(self._socket)
        self._socket.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def interrupt(self) -> None:
        """End the connection from another thread, as if the client had closed it."""
        sockets.end(self._socket)

    def _read(self) -> None:
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the client has gone")
        self._unread += data


Step: TypeAlias = Callable[[Peer], object]
"""One step of a script. The connection ends after the last step."""


class FaultyServer:
    """The server. It listens until `close` or the end of `with`. The last script serves all later connections."""

    def __init__(self, *scripts: Iterable[Step], port: int = 0) -> None:
        self.requests: list[Seen] = []
        """The requests, in order."""
        self.connections = 0
        """The number of accepted connections."""
        self._scripts = scripts
        self._changed = threading.Condition()
        self._ended = 0
        self._peers: set[Peer] = set()
        self._threads: list[threading.Thread] = []
        self._acceptor = Acceptor(self._accepted, port)
        self.url = f"http://127.0.0.1:{self._acceptor.port}"
        self._acceptor.start()

    def await_ended(self, connections: int) -> None:
        """Wait until `count` connections have ended. Raises AssertionError after 10 seconds."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._ended >= connections, _PATIENCE_S)

    def await_requests(self, count: int) -> None:
        """Wait until `count` requests have been read. Raises AssertionError after 10 seconds."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, _PATIENCE_S)

    def close(self) -> None:
        """Close all connections and stop. It may be called twice."""
        self._acceptor.close()
        for peer in list(self._peers):
            peer.interrupt()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accepted(self, connection: socket.socket) -> None:
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        peer = Peer(connection, self._saw)
        self._peers.add(peer)
        thread = threading.Thread(target=self._serve, args=(peer, script), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _saw(self, request: Seen) -> None:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def _serve(self, peer: Peer, script: Iterable[Step]) -> None:
        with contextlib.suppress(OSError):  # the client or the script closed the connection
            for step in script:
                step(peer)
        peer.close()
        with self._changed:
            self._peers.discard(peer)
            self._ended += 1
            self._changed.notify_all()


def http(body: bytes = b"", status: int = 200, headers: Mapping[str, str] = _JSON) -> bytes:
    """Return a response. It has a content-length unless the headers give a length or a transfer encoding."""
    framed = {"content-length": str(len(body)), **headers}
    if "transfer-encoding" in headers:
        del framed["content-length"]
    lines = [
        f"HTTP/1.1 {status} {responses.get(status, 'Whatever')}",
        *(f"{name}: {value}" for name, value in framed.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Return a response in chunks."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end
    return http(body, headers={**_JSON, "transfer-encoding": "chunked"})


def answer(data: bytes) -> Step:
    """Read a request and send `data`."""

    def step(peer: Peer) -> None:
        peer.receive()
        peer.send(data)

    return step


def answer_each(answers: Mapping[str, bytes], otherwise: bytes) -> Step:
    """Read a request and send the response for its path."""

    def step(peer: Peer) -> None:
        peer.send(answers.get(peer.receive().path, otherwise))

    return step


def cut(data: bytes) -> Step:
    """Read a request, send `data` and end the connection."""

    def step(peer: Peer) -> None:
        peer.receive()
        peer.send(data)
        peer.end()

    return step


def stall(data: bytes = b"") -> Step:
    """Read a request, send `data`, then nothing until the client closes."""

    def step(peer: Peer) -> None:
        peer.receive()
        peer.send(data)
        peer.wait()

    return step


def answer_late(data: bytes, after_s: float) -> Step:
    """Read a request, wait, and send `data` if the connection is still open."""

    def step(peer: Peer) -> None:
        peer.receive()
        peer.wait(after_s)
        peer.send(data)

    return step


def hang_up(peer: Peer) -> None:
    """End the connection without reading."""
    peer.end()


def reset(peer: Peer) -> None:
    """Wait for a request and reset the connection without reading it."""
    peer.await_data()
    peer.reset()


def read_and_reset(peer: Peer) -> None:
    """Read a request and reset the connection."""
    peer.receive()
    peer.reset()


@contextlib.contextmanager
def refused_connections() -> Generator[str]:
    """Yield the URL of a port that refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@contextlib.contextmanager
def unaccepted_connections() -> Generator[str]:
    """Yield the URL of a port with a full queue: connecting never finishes."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as callers:
        address = listener.getsockname()
        is_taken: list[socket.socket] = [listener]
        while is_taken:  # each system decides the length of the queue
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(address)
            is_taken = select.select([], [caller], [], 0.1)[1]
        yield f"http://127.0.0.1:{address[1]}"
