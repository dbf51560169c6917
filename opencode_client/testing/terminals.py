"""The terminals of a fake server: a function plays the program, and WebSockets connect clients to it.

Source: terminals of 1.3.2 and 1.18.33.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from attrs import define, field
from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol
from websockets.sync.connection import Connection

from ..model import JsonObject
from ..signatures import explain_calls
from .connections import EMPTY, Peer, Request, Response, Stream, json_response
from .replies import failed
from .routing import Call, RefusalError, on, refuse
from .state import State

_FRAME_CHARS = 65_536
_TICKET_S = 60
_CLOSE_S = 1.0
_LOGIN = ("bash", "sh")
_SILENT = logging.Logger(f"{__name__}.websocket", logging.CRITICAL + 1)
"""The logger for `websockets`, which would log whole requests, with the password or the ticket."""


@explain_calls
class FakeTerminal:
    """A terminal as its program sees it. Passed to the function that plays the program."""

    def __init__(self, info: JsonObject) -> None:
        self.info: JsonObject = info
        """The terminal as servers describe it: `command`, `args`, `cwd`, `title`."""
        self.size: tuple[int, int] = (24, 80)
        """Rows and columns, as clients have set them."""
        self._changed = threading.Condition()
        self._unread: deque[str] = deque()
        self._output = b""
        self._clients: list[Connection] = []
        self._is_over = False

    def write(self, text: str) -> None:
        """Send output to all clients. Raises EOFError if the terminal was removed."""
        with self._changed:
            if self._is_over:
                raise EOFError("the terminal was removed")
            self._output += text.encode("utf-16-le", "surrogatepass")
            for client in self._clients.copy():
                self._send(client, text)

    def read(self, timeout: float | None = None) -> str:
        """Wait for input, and return it.

        Raises:
            EOFError: the terminal was removed.
            TimeoutError: no input came in `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._unread or self._is_over, timeout):
                raise TimeoutError(f"no input came in {timeout} s")
            if not self._unread:
                raise EOFError("the terminal was removed")
            return self._unread.popleft()

    def add_input(self, text: str) -> None:
        """Add input that a client has sent."""
        with self._changed:
            self._unread.append(text)
            self._changed.notify_all()

    def join(self, client: Connection, cursor: int) -> None:
        """Send a client the output from a position on, and all that follows. -1: no earlier output."""
        with self._changed:
            end = len(self._output) // 2
            start = end if cursor == -1 else max(cursor, 0)
            self._send(client, self._output[2 * start :].decode("utf-16-le", "replace"))
            client.send(b"\0" + json.dumps({"cursor": end}, separators=(",", ":")).encode())
            self._clients.append(client)
            if self._is_over:
                client.close()

    def end(self) -> None:
        """Close the connections of all clients, as servers do when the program has exited."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
            clients = self._clients.copy()
        for client in clients:
            client.close()

    def _send(self, client: Connection, text: str) -> None:
        try:
            for start in range(0, len(text), _FRAME_CHARS):
                client.send(text[start : start + _FRAME_CHARS])
        except ConnectionClosed:
            self._clients.remove(client)


TerminalScript = Callable[[FakeTerminal], int | None]
"""Function that plays the program of a terminal, and returns its exit code; None for 0."""


def repeat(terminal: FakeTerminal) -> None:
    """Write each input back, until the line `exit`."""
    while (text := terminal.read()).strip() != "exit":
        terminal.write(text.replace("\n", "\r\n"))


@define(eq=False)
class _Running:
    """A terminal whose program runs."""

    terminal: FakeTerminal
    directory: str
    thread: threading.Thread | None = None
    tickets: set[str] = field(factory=set[str])


class Terminals:
    """Handles calls for terminals."""

    def __init__(self, state: State, script: TerminalScript) -> None:
        self._state = state
        self._script = script
        self._running: dict[str, _Running] = {}

    def close(self) -> None:
        """End all terminals."""
        for one in list(self._running.values()):
            one.terminal.end()

    @on("pty.list", "GET", "/pty")
    def list(self, call: Call) -> Any:
        return [one.terminal.info for one in self._running.values() if one.directory == call.directory]

    @on("pty.create", "POST", "/pty")
    def create(self, call: Call) -> Any:
        body, pty_id = call.body, self._state.new_id("pty")
        command, args = body.get("command") or "/bin/bash", [*body.get("args", [])]
        if command.rsplit("/", 1)[-1] in _LOGIN:
            args.append("-l")
        about = {"command": command, "args": args, "cwd": body.get("cwd") or call.directory}
        title = body.get("title") or f"Terminal {pty_id[-4:]}"
        info: JsonObject = {"id": pty_id, "title": title, **about, "status": "running", "pid": 1}
        one = self._running[pty_id] = _Running(FakeTerminal(info), call.directory)
        self._state.events.publish("pty.created", call.directory, info=dict(info))
        one.thread = threading.Thread(
            target=self._play, args=(one,), name="opencode-fake-terminal", daemon=True
        )
        one.thread.start()
        return dict(info)

    @on("pty.get", "GET", "/pty/{ptyID}")
    def get(self, call: Call) -> Any:
        return self._find(call).terminal.info

    @on("pty.update", "PUT", "/pty/{ptyID}")
    def update(self, call: Call) -> Any:
        if call.ids[0] not in self._running and not self._state.is_new:
            return EMPTY
        one, size = self._find(call), call.body.get("size")
        if call.body.get("title"):
            one.terminal.info["title"] = call.body["title"]
        if size:
            one.terminal.size = size["rows"], size["cols"]
        self._state.events.publish("pty.updated", one.directory, info=dict(one.terminal.info))
        return one.terminal.info

    @on("pty.remove", "DELETE", "/pty/{ptyID}")
    def remove(self, call: Call) -> Any:
        if call.ids[0] in self._running or self._state.is_new:
            self._end(self._find(call), None)
        return True

    @on("pty.connectToken", "POST", "/pty/{ptyID}/connect-token")
    def connect_token(self, call: Call) -> Any:
        if not self._state.is_new:
            text = "Error: Unable to connect. Is the computer able to access the url?"
            raise refuse({"name": "UnknownError", "data": {"message": text}}, 500)
        one = self._find(call)
        if call.request.headers.get("x-opencode-ticket") != "1":
            raise refuse({"_tag": "PtyForbiddenError", "message": "Invalid PTY connect token request"}, 403)
        ticket = str(uuid4())
        one.tickets.add(ticket)
        return {"ticket": ticket, "expires_in": _TICKET_S}

    @on("pty.connect", "GET", "/pty/{ptyID}/connect")
    def connect(self, call: Call) -> Response | Stream:
        one, ticket = self._running.get(call.ids[0]), call.request.query.get("ticket")
        if one is None:
            return self._no_connection(404)
        if ticket is not None:
            if ticket not in one.tickets:
                return Response(status=403)
            one.tickets.remove(ticket)
        if "upgrade" not in call.request.headers:
            return self._no_connection(400)
        return lambda peer: _connect(peer, call.request, one.terminal)

    def _no_connection(self, status: int) -> Response:
        if self._state.is_new:
            return Response(status=status)
        return json_response({"name": "UnknownError", "data": {"message": "Error: Session not found"}}, 500)

    def _find(self, call: Call) -> _Running:
        pty_id = call.ids[0]
        if pty_id in self._running:
            return self._running[pty_id]
        raise self._missing(pty_id)

    def _missing(self, pty_id: str) -> RefusalError:
        if self._state.is_new:
            text = f"PTY session not found: {pty_id}"
            return refuse({"_tag": "PtyNotFoundError", "ptyID": pty_id, "message": text}, 404)
        return refuse({"name": "NotFoundError", "data": {"message": "Session not found"}}, 404)

    def _play(self, one: _Running) -> None:
        try:
            code = self._script(one.terminal) or 0
        except EOFError:  # it was removed
            return
        except Exception as error:  # noqa: BLE001 # a function of a user may raise anything
            failed("the script of a terminal", error)
            code = 1
        self._end(one, code)

    def _end(self, one: _Running, code: int | None) -> None:
        """End a terminal. `code` is the exit code of its program; None if the terminal was removed."""
        pty_id = one.terminal.info["id"]
        if self._running.pop(pty_id, None) is not None:
            events, is_new = self._state.events, self._state.is_new
            if code is not None or not is_new:
                events.publish("pty.exited", one.directory, id=pty_id, exitCode=code or 0)
            if code is None or not is_new:
                events.publish("pty.deleted", one.directory, id=pty_id)
        one.terminal.end()


def _connect(peer: Peer, request: Request, terminal: FakeTerminal) -> None:
    """Do the handshake of a WebSocket, and serve it until its end."""
    protocol = ServerProtocol(logger=_SILENT)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    protocol.receive_data("\r\n".join([f"GET {request.target} HTTP/1.1", *lines, "", ""]).encode())
    [opening] = protocol.events_received()
    protocol.send_response(protocol.accept(opening))  # type: ignore[arg-type] # the first event is a request
    for data in protocol.data_to_send():
        peer.send(data)
    if protocol.handshake_exc is not None:
        return
    client = Connection(peer.socket, protocol, ping_interval=None, close_timeout=_CLOSE_S)
    query = request.query.get("cursor", "0")
    try:
        terminal.join(client, int(query) if query.removeprefix("-").isdecimal() else 0)
        for frame in client:
            terminal.add_input(frame if isinstance(frame, str) else frame.decode(errors="replace"))
    except ConnectionClosed:
        return
    finally:
        client.close()
