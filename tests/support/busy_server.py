"""A server on loopback for thousands of requests at the same time: asyncio in its own thread.

It responds to most requests at once, and to prompts when `answer_prompts` is called.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from types import TracebackType
from typing import Self

PATIENCE_S = 10.0
_REPLY: dict[str, object] = {"info": {"role": "assistant"}, "parts": []}
_LENGTH = re.compile(rb"content-length: (\d+)")
_PROMPT_PATH = re.compile(r"/session/\w+/message")
_SESSION_PATH = re.compile(r"/session/(ses_\w+)")


class BusyServer:
    """The server. It listens until `close` or the end of `with`."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        """The method and path of every request, in order."""
        self._changed = threading.Condition()
        self._open = 0
        self._prompts: list[_Connection] = []
        self._loop = asyncio.new_event_loop()
        self._connections: set[_Connection] = set()
        serving = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=2000)
        self._listener = self._loop.run_until_complete(serving)
        self.url = f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def await_prompts(self, count: int) -> None:
        """Wait until `count` prompts wait for their responses. Raises AssertionError after 10 seconds."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._prompts) == count, PATIENCE_S), len(self._prompts)

    def await_connections(self, count: int) -> None:
        """Wait until `count` connections are open. Raises AssertionError after 10 seconds."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._open == count, PATIENCE_S), self._open

    def answer_prompts(self) -> None:
        """Respond to all waiting prompts."""
        with self._changed:
            waiting, self._prompts = self._prompts, []
        for connection in waiting:
            self._loop.call_soon_threadsafe(connection.answer, _REPLY)

    def close(self) -> None:
        """Close all connections and stop."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _close(self) -> None:
        self._listener.close()
        for connection in list(self._connections):
            connection.abort()
        while self._connections:
            await asyncio.sleep(0)

    def came(self, connection: _Connection) -> None:
        """Add a new connection."""
        self._connections.add(connection)
        with self._changed:
            self._open += 1
            self._changed.notify_all()

    def went(self, connection: _Connection) -> None:
        """Remove a connection, after its socket was closed."""
        self._connections.discard(connection)
        with self._changed:
            self._open -= 1
            if connection in self._prompts:
                self._prompts.remove(connection)
            self._changed.notify_all()

    def received(self, connection: _Connection, method: str, path: str) -> None:
        """Respond to a request, or keep the prompt waiting."""
        self.requests.append(f"{method} {path}")
        session = _SESSION_PATH.fullmatch(path)
        if method == "POST" and _PROMPT_PATH.fullmatch(path):
            with self._changed:
                self._prompts.append(connection)
                self._changed.notify_all()
        elif session:
            connection.answer({"id": session[1]})
        else:
            connection.answer([] if method == "GET" else True)


class _Connection(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(self, server: BusyServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.came(self)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        head, end, body = self._unread.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and len(body) >= (int(length[1]) if length else 0):
            self._unread = b""
            method, target, _ = head.partition(b"\r\n")[0].decode().split(" ")
            self._server.received(self, method, target.partition("?")[0])

    def connection_lost(self, exc: Exception | None) -> None:
        # the socket is closed after this
        asyncio.get_running_loop().call_soon(self._server.went, self)

    def answer(self, value: object) -> None:
        """Send a value as JSON."""
        body = json.dumps(value).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        if self._transport is not None:
            self._transport.write(head.encode() + body)

    def abort(self) -> None:
        """Close the connection immediately."""
        if self._transport is not None:
            self._transport.abort()
