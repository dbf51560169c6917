"""A server of terminals on loopback.

`/output/<count>/pty/<id>/connect` is a WebSocket: a control frame with the cursor, then `count` frames of 4,000
characters. `/replay/<count>/...` sends frames of 65,536 characters, as a replay has them, then the control frame. Both
wait for input before they send, and close the terminal after the last frame. `GET .../pty/<id>`, `/global/health` and
`/event` respond as servers do: the terminal is running, and no events follow.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from contextlib import AbstractContextManager
from functools import partial
from itertools import cycle, islice

from benchmarks.loopback import requests, serve, serving

PTY_ID = "pty_df8b671ccffe3qpQJbt6K6Jlm2"
FRAME_UNITS = {"output": 4_000, "replay": 65_536}
"""The length of a frame, in UTF-16 code units."""
_PTY = {
    "id": PTY_ID,
    "title": "Terminal",
    "command": "/bin/bash",
    "args": ["-l"],
    "cwd": "/repo",
    "status": "running",
    "pid": 4711,
}
_HEALTH = {"healthy": True, "version": "1.18.33"}
_JSON_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n"
_CONNECTED = b'data: {"id":"evt_1","type":"server.connected","properties":{}}\n\n'
_EVENTS = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n" % (len(_CONNECTED), _CONNECTED)
)
_UPGRADE = (
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    "sec-websocket-accept: {}\r\n\r\n"
)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_END = b"\x88\x02\x03\xe8"
"""The frame that closes a WebSocket with code 1000."""
_AT_ONCE = 16
"""Frames per write."""


def serving_terminals() -> AbstractContextManager[str]:
    """Start the server. Gives its base URL, to which callers add `/output/<count>` or `/replay/<count>`."""
    return serving("benchmarks.terminal_server")


def frame_texts(kind: str) -> list[str]:
    """Texts of frames, 2 MB in all: lines as a test run prints them, with colours and some non-ASCII characters."""
    lines = [
        f"\x1b[32m✓\x1b[0m test_{number:05} \x1b[2m({number % 97} ms)\x1b[22m naïve café … {'─' * (number % 9)}\r\n"
        if number % 20 == 0
        else f"\x1b[1m{number:6}\x1b[0m  src/module_{number % 31}.py: checked {number * 7919 % 1000} lines of code\r\n"
        for number in range(32_000)
    ]
    text, size = "".join(lines), FRAME_UNITS[kind]
    return [text[start : start + size] for start in range(0, len(text) - size, size)]


def main() -> None:
    """Serve until standard input ends."""
    frames = {kind: [_frame(1, text.encode()) for text in frame_texts(kind)] for kind in FRAME_UNITS}
    serve(partial(_answer, frames))


def _frame(opcode: int, data: bytes) -> bytes:
    size = len(data)
    head = (
        bytes([size])
        if size < 126
        else b"\x7e" + size.to_bytes(2)
        if size < 65_536
        else b"\x7f" + size.to_bytes(8)
    )
    return bytes([0x80 | opcode]) + head + data


def _answer(frames: dict[str, list[bytes]], connection: socket.socket) -> None:
    for request, path in requests(connection):
        if path.endswith(b"/connect"):
            _terminal(connection, request, path.decode(), frames)
            return
        body = json.dumps(_HEALTH if path.endswith(b"/health") else _PTY).encode()
        connection.sendall(
            _EVENTS if path.endswith(b"/event") else _JSON_HEAD.format(len(body)).encode() + body
        )


def _terminal(connection: socket.socket, request: bytes, path: str, frames: dict[str, list[bytes]]) -> None:
    key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    digest = hashlib.sha1(key.partition(b": ")[2] + _GUID).digest()  # noqa: S324 # the protocol demands SHA-1
    connection.sendall(_UPGRADE.format(base64.b64encode(digest).decode()).encode())
    connection.recv(65536)  # the input
    _, kind, count, *_ = path.split("/")
    frames_left = islice(cycle(frames[kind]), int(count))
    cursor_frame = _frame(2, b'\0{"cursor":%d}' % (FRAME_UNITS[kind] * int(count) if kind == "replay" else 0))
    if kind == "output":
        connection.sendall(cursor_frame)
    while some := [*islice(frames_left, _AT_ONCE)]:
        connection.sendall(b"".join(some))
    connection.sendall(_END if kind == "output" else cursor_frame + _END)
    while connection.recv(65536):
        connection.shutdown(socket.SHUT_WR)  # the client has replied to the close frame


if __name__ == "__main__":
    main()
