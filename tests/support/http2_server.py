"""A server on loopback that speaks HTTP/2 without TLS: event streams, and calls that wait until they are released."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamReset

from opencode_client.calls import sockets
from tests.support.acceptor import Acceptor

_PATIENCE_S = 5.0


class Http2Server:
    """The server. A GET is an event stream without an end; every other request waits for `release`."""

    def __init__(self) -> None:
        self.connections = 0
        """The number of accepted connections."""
        self.reset: list[int] = []
        """The numbers of the HTTP/2 streams that clients have ended."""
        self._changed = threading.Condition()
        self._waiting: list[tuple[H2Connection, socket.socket, int]] = []
        self._streams: list[tuple[H2Connection, socket.socket, int]] = []
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._acceptor = Acceptor(self._accepted, 0)
        self.url = f"http://127.0.0.1:{self._acceptor.port}"
        self._acceptor.start()
        self._closed = threading.Event()
        self._pulse = threading.Thread(target=self._send_signs_of_life)
        self._pulse.start()

    def await_calls(self, count: int) -> None:
        """Wait until `count` calls wait."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._waiting) >= count, _PATIENCE_S)

    def await_streams(self, count: int) -> None:
        """Wait until `count` event streams were requested."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._streams) >= count, _PATIENCE_S)

    def await_reset(self) -> None:
        """Wait until a client has ended an event stream."""
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self.reset), _PATIENCE_S)

    def send_event(self, data: bytes) -> None:
        """Send an event on all event streams that no client has ended."""
        self._send(data, slice(None))

    def release(self, body: bytes) -> None:
        """Respond to all waiting calls."""
        with self._changed:
            for connection, peer, number in self._waiting:
                connection.send_headers(number, [(":status", "200"), ("content-type", "application/json")])
                connection.send_data(number, body, end_stream=True)
                peer.sendall(connection.data_to_send())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._pulse.join()
        self._acceptor.close()
        for peer in self._sockets:
            sockets.end(peer)
        for thread in self._threads:
            thread.join()

    def _send_signs_of_life(self) -> None:
        """Send comments on the first event stream. They wake threads of a client that block each other.

        Source: in httpcore 1.0.9, the thread that reads a shared connection stores the events of other threads, but
        may continue to read before they can take them. The heartbeats of a real server have the same effect.
        """
        while not self._closed.wait(0.01):
            self._send(b": alive\n\n", slice(0, 1))

    def _send(self, data: bytes, which: slice) -> None:
        with self._changed, contextlib.suppress(OSError):
            for connection, peer, number in self._streams[which]:
                if number not in self.reset:
                    connection.send_data(number, data)
                    peer.sendall(connection.data_to_send())

    def _accepted(self, peer: socket.socket) -> None:
        self.connections += 1
        self._sockets.append(peer)
        thread = threading.Thread(target=self._serve, args=(peer,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, peer: socket.socket) -> None:
        connection = H2Connection(H2Configuration(client_side=False))
        with contextlib.suppress(OSError), peer:
            connection.initiate_connection()
            peer.sendall(connection.data_to_send())
            while data := peer.recv(65536):
                with self._changed:
                    for event in connection.receive_data(data):
                        if isinstance(event, RequestReceived):
                            self._requested(connection, peer, event)
                        elif isinstance(event, StreamReset):
                            self.reset.append(event.stream_id)
                    peer.sendall(connection.data_to_send())
                    self._changed.notify_all()

    def _requested(self, connection: H2Connection, peer: socket.socket, event: RequestReceived) -> None:
        assert event.stream_id is not None
        if dict(event.headers or ())[b":method"] == b"GET":
            head = [(":status", "200"), ("content-type", "text/event-stream")]
            connection.send_headers(event.stream_id, head)
            self._streams.append((connection, peer, event.stream_id))
        else:
            self._waiting.append((connection, peer, event.stream_id))
