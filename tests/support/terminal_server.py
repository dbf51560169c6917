"""A server on loopback with one terminal: a script for each WebSocket, and responses to the calls before it.

    with PtyServer([say("abc"), cursor(3), cut], [cursor(3), end]) as server: ...

sends "abc" and the position of its end, then drops the connection. The next connection ends like that of a process
that has exited.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeAlias

from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol
from websockets.sync.connection import Connection

from opencode_client.calls import sockets
from tests.support.acceptor import Acceptor
from tests.support.faulty_server import Peer, Seen, http
from tests.support.terminal_replays import control

PTY_ID = "pty_1"
TICKET = "5e8cc5b5-7a00-4e6f-9d0c-c0ffee15bad0"
_PTY: dict[str, Any] = {
    "id": PTY_ID,
    "title": "t",
    "command": "bash",
    "args": [],
    "cwd": "/",
    "status": "running",
    "pid": 7,
}
_PATIENCE_S = 10.0
_SILENT = logging.Logger(
    "silent", logging.CRITICAL + 1
)  # tests search the logs for secrets; the server's own logs contain them
_EVENTS = {"transfer-encoding": "chunked", "content-type": "text/event-stream"}
_CONNECTED = b'{"type":"server.connected","properties":{}}'


class Line:
    """The server's end of one WebSocket."""

    def __init__(self, connection: Connection, heard: Callable[[str | bytes], None]) -> None:
        self._connection = connection
        self._heard = heard

    def send(self, frame: str | bytes) -> None:
        """Send a frame. Raises ConnectionClosed, and blocks while the client does not read."""
        self._connection.send(frame)

    def send_raw(self, data: bytes) -> None:
        """Send bytes that need not be a frame."""
        self._connection.socket.sendall(data)

    def hear(self) -> str | bytes:
        """Return the next frame from the client. Raises ConnectionClosed."""
        frame: str | bytes = self._connection.recv()
        self._heard(frame)
        return frame

    def close(self, code: int, reason: str = "") -> None:
        """Close the WebSocket with a close frame."""
        self._connection.close(code, reason)

    def cut(self) -> None:
        """Drop the connection without a close frame, after all data that was sent."""
        with contextlib.suppress(OSError):
            self._connection.socket.shutdown(socket.SHUT_WR)


Step: TypeAlias = Callable[[Line], object]
"""One step of a script. After the last one, the server reads until the client has gone."""


def say(*frames: str | bytes) -> Step:
    """Send frames."""

    def step(line: Line) -> None:
        for frame in frames:
            line.send(frame)

    return step


def cursor(at: int) -> Step:
    """Send a control frame with the position of the output's end."""
    return say(control(at))


def close(code: int, reason: str = "") -> Step:
    """Close the connection with a code and a reason."""
    return lambda line: line.close(code, reason)


def hear(line: Line) -> None:
    """Wait for a frame from the client."""
    line.hear()


def cut(line: Line) -> None:
    """Drop the connection."""
    line.cut()


end = close(1000)
"""Close the connection as servers do when the process has exited."""


Answer: TypeAlias = bytes | Callable[[], bytes | None]
"""The response to a call, or a function that returns it. None means the default response."""


class Gate:
    """A response that is held back until `open`."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self._asked = threading.Event()
        self._opened = threading.Event()

    def __call__(self) -> bytes | None:
        self._asked.set()
        assert self._opened.wait(_PATIENCE_S)
        return self._answer

    def await_asked(self) -> None:
        """Wait until a call needs the response. Raises AssertionError after 10 seconds."""
        assert self._asked.wait(_PATIENCE_S)

    def open(self) -> None:
        """Send the response, and all later ones at once."""
        self._opened.set()

    def open_soon(self) -> None:
        """Open in 0.05 seconds: until then other threads can begin to wait; nothing shows that they do."""
        threading.Timer(0.05, self.open).start()


def described(pty_id: str = PTY_ID, status: str = "running") -> bytes:
    """Return the response that describes a terminal."""
    return http(json.dumps({**_PTY, "id": pty_id, "status": status}).encode())


class PtyServer:
    """Listens from its creation until `stop` or the end of `with`. The last script is used for all later connections.

    `answers` are responses by path. They replace the defaults, which are those of a terminal that runs.
    """

    def __init__(
        self,
        *scripts: Iterable[Step],
        version: str = "1.18.33",
        answers: Mapping[str, Answer] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.calls: list[Seen] = []
        """The calls in order, without WebSockets and event streams."""
        self.dials: list[Seen] = []
        """The handshake requests."""
        self.heard: list[str | bytes] = []
        """The frames from the client."""
        self.open = 0
        """The number of open WebSockets."""
        self.streams: list[Seen] = []
        """The requests for event streams."""
        self.listeners: list[Peer] = []
        """The open event streams."""
        self.answers: dict[str, Answer] = {
            "/global/health": http(json.dumps({"healthy": True, "version": version}).encode()),
            f"/pty/{PTY_ID}": described(),
            f"/pty/{PTY_ID}/connect-token": http(json.dumps({"ticket": TICKET, "expires_in": 60}).encode()),
            **(answers or {}),
        }
        self._scripts = scripts
        self._tls = tls
        self.changed = threading.Condition()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._acceptor = Acceptor(self._accepted)
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._acceptor.port}"
        self._acceptor.start()

    def until(self, happened: Callable[[], object]) -> None:
        """Wait until a condition about this server is true. Raises AssertionError after 10 seconds."""
        with self.changed:
            assert self.changed.wait_for(happened, _PATIENCE_S)

    def tell(self, kind: str, **properties: Any) -> None:  # Any: JSON
        """Send an event on all open event streams. First wait until at least one stream is open."""
        self.tell_event({"type": kind, "properties": properties})

    def tell_event(self, event: dict[str, Any]) -> None:  # Any: JSON
        """Send JSON of any form as an event."""
        self.until(lambda: self.listeners)
        for peer in self.listeners:
            peer.send(_event(json.dumps(event).encode()))

    def drop_events(self) -> None:
        """Break all open event streams. Waits until there is one."""
        self.until(lambda: self.listeners)
        for peer in list(self.listeners):
            peer.interrupt()
        self.until(lambda: not self.listeners)

    def stop(self) -> None:
        """Close everything, and wait for the threads."""
        self._acceptor.close()
        with self.changed:
            for one in self._sockets:
                sockets.end(one)
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accepted(self, connection: socket.socket) -> None:
        thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ConnectionClosed):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with self.changed:
                self._sockets.add(connection)
            self._answer(connection)
        with self.changed:
            self._sockets.discard(connection)
        connection.close()

    def _answer(self, connection: socket.socket) -> None:
        peer = Peer(connection, lambda _: None)
        while True:
            seen = peer.receive()
            if "upgrade" in seen.headers:
                self._converse(connection, seen)
                return
            answer = self._answer_to(seen) if seen.path == "/event" else None
            if seen.path == "/event" and answer is None:
                self._tell_events(peer, seen)
            if seen.path != "/event":
                self._note(self.calls, seen)
                answer = self._answer_to(seen)
            peer.send(http(b'{"name":"NotFoundError","data":{}}', 404) if answer is None else answer)

    def _answer_to(self, seen: Seen) -> bytes | None:
        answer = self.answers.get(seen.path)
        return answer() if callable(answer) else answer

    def _tell_events(self, peer: Peer, seen: Seen) -> None:
        self._note(self.streams, seen)
        peer.send(
            http(headers=_EVENTS) + _event(_CONNECTED, "retry: 1\n")
        )  # a client that loses it reconnects at once
        self._note(self.listeners, peer)
        try:
            peer.wait()
        finally:
            with self.changed:
                self.listeners.remove(peer)
                self.changed.notify_all()

    def _converse(self, connection: socket.socket, seen: Seen) -> None:
        refusal = self._answer_to(seen)
        with self.changed:
            script = self._scripts[min(len(self.dials), len(self._scripts) - 1)] if refusal is None else ()
            self.dials.append(seen)
            self.open += refusal is None
            self.changed.notify_all()
        if refusal is not None:
            connection.sendall(refusal)
            return
        protocol = ServerProtocol(logger=_SILENT)
        lines = [f"{name}: {value}" for name, value in seen.headers.items()]
        protocol.receive_data("\r\n".join([f"GET {seen.target} HTTP/1.1", *lines, "", ""]).encode())
        [request] = protocol.events_received()
        protocol.send_response(protocol.accept(request))  # type: ignore[arg-type] # the first event is a request
        for data in protocol.data_to_send():
            connection.sendall(data)
        ends = Connection(connection, protocol, ping_interval=None, close_timeout=_PATIENCE_S)
        line = Line(ends, lambda frame: self._note(self.heard, frame))
        try:
            for step in script:
                step(line)
            while True:
                line.hear()
        finally:
            with self.changed:
                self.open -= 1
                self.changed.notify_all()
            line.cut()
            ends.recv_events_thread.join()

    def _note(self, seen: list[Any], one: object) -> None:  # Any: of each list
        with self.changed:
            seen.append(one)
            self.changed.notify_all()


def _event(data: bytes, before: str = "") -> bytes:
    text = b"%bdata: %b\n\n" % (before.encode(), data)
    return b"%x\r\n%b\r\n" % (len(text), text)
