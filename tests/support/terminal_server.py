"""A server on loopback with one terminal: a script for each WebSocket, and answers to the calls that come before.

    with PtyServer([say("abc"), cursor(3), cut], [cursor(3), end]) as server: ...

says "abc" and where that ends, then drops the connection; the next one ends as a process that has exited does.
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
_SILENT = logging.Logger("silent", logging.CRITICAL + 1)  # what it would log, tests look for in logs of ours
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

    def hear(self) -> str | bytes:
        """The next frame that was sent here. Raises ConnectionClosed."""
        frame: str | bytes = self._connection.recv()
        self._heard(frame)
        return frame

    def close(self, code: int, reason: str = "") -> None:
        """End it as WebSockets are ended."""
        self._connection.close(code, reason)

    def cut(self) -> None:
        """End it as networks do, behind all that was sent."""
        with contextlib.suppress(OSError):
            self._connection.socket.shutdown(socket.SHUT_WR)


Step: TypeAlias = Callable[[Line], object]
"""One act of a script; behind the last one, the line hears until the client has gone."""


def say(*frames: str | bytes) -> Step:
    """Send frames."""

    def step(line: Line) -> None:
        for frame in frames:
            line.send(frame)

    return step


def cursor(at: int) -> Step:
    """Say where the output stands."""
    return say(control(at))


def close(code: int, reason: str = "") -> Step:
    """End the connection, and say why."""
    return lambda line: line.close(code, reason)


def hear(line: Line) -> None:
    """Wait for a frame of the client's."""
    line.hear()


def cut(line: Line) -> None:
    """Drop the connection."""
    line.cut()


end = close(1000)
"""What a server does when the process has exited."""


Answer: TypeAlias = bytes | Callable[[], bytes | None]
"""What a call gets: always the same, or what there is for it then; None is what it gets without an answer."""


class Gate:
    """An answer that waits until it may go."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self._asked = threading.Event()
        self._opened = threading.Event()

    def __call__(self) -> bytes | None:
        self._asked.set()
        assert self._opened.wait(_PATIENCE_S)
        return self._answer

    def await_asked(self) -> None:
        """Wait until somebody waits for it. Raises AssertionError after 10 seconds."""
        assert self._asked.wait(_PATIENCE_S)

    def open(self) -> None:
        """Let it go, and all that follow."""
        self._opened.set()

    def open_soon(self) -> None:
        """Let it go when others wait for it, too; that they do is no event."""
        threading.Timer(0.05, self.open).start()


def described(pty_id: str = PTY_ID, status: str = "running") -> bytes:
    """What a call gets for a terminal."""
    return http(json.dumps({**_PTY, "id": pty_id, "status": status}).encode())


class PtyServer:
    """Listens from its making to `stop` or the end of `with`. The last script is for all that follow.

    `answers` are for calls, by their path, ahead of those of a server whose terminal runs.
    """

    def __init__(
        self,
        *scripts: Iterable[Step],
        version: str = "1.18.33",
        answers: Mapping[str, Answer] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.calls: list[Seen] = []
        """What was asked besides WebSockets and events, in order."""
        self.dials: list[Seen] = []
        """What WebSockets were asked for."""
        self.heard: list[str | bytes] = []
        """What terminals were sent."""
        self.open = 0
        """WebSockets that are."""
        self.streams: list[Seen] = []
        """What event streams were asked for."""
        self.listeners: list[Peer] = []
        """Event streams that are."""
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
        """Wait for what this server sees. Raises AssertionError after 10 seconds."""
        with self.changed:
            assert self.changed.wait_for(happened, _PATIENCE_S)

    def tell(self, kind: str, **properties: Any) -> None:  # Any: JSON
        """Put an event on the streams that are open, of which there is to be one at least."""
        self.until(lambda: self.listeners)
        event = json.dumps({"type": kind, "properties": properties}).encode()
        for peer in self.listeners:
            peer.send(_event(event))

    def drop_events(self) -> None:
        """Break the event streams that are open, of which there is to be one at least."""
        self.until(lambda: self.listeners)
        for peer in list(self.listeners):
            peer.interrupt()
        self.until(lambda: not self.listeners)

    def stop(self) -> None:
        """End everything."""
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
            if seen.path == "/event":
                self._tell_events(peer, seen)
            self._note(self.calls, seen)
            answer = self._answer_to(seen)
            peer.send(http(b'{"name":"NotFoundError","data":{}}', 404) if answer is None else answer)

    def _answer_to(self, seen: Seen) -> bytes | None:
        answer = self.answers.get(seen.path)
        return answer() if callable(answer) else answer

    def _tell_events(self, peer: Peer, seen: Seen) -> None:
        self._answer_to(seen)  # a gate holds the stream back
        peer.send(http(headers=_EVENTS) + _event(_CONNECTED, "retry: 1\n"))  # who loses it comes back at once
        self._note(self.streams, seen)
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
