"""A server of terminals on loopback, in a process of its own: what it takes counts for nobody.

`python -m benchmarks.terminal_server` writes its port to standard output and ends when its input does. The WebSocket
`/output/<count>/pty/<id>/connect` says where the output stands and gives `count` frames of output of some 4 KB; that
of `/replay/<count>/...` gives frames as those of a replay, then says where the output stands. Both wait until
something is typed, and end the terminal behind the last frame. `GET .../pty/<id>`, `/global/health` and `/event`
answer as servers do: the terminal runs, and nothing happens.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from itertools import cycle, islice
from threading import Thread

from benchmarks.environment import ROOT

PTY_ID = "pty_df8b671ccffe3qpQJbt6K6Jlm2"
FRAME_UNITS = {"output": 4_000, "replay": 65_536}
"""How long frames are, in UTF-16 code units."""
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
"""The frame that closes a WebSocket with 1000."""
_AT_ONCE = 16
"""Frames that are sent together."""


@contextmanager
def serving_terminals() -> Generator[str]:
    """The base URL of the server, without what is to be given and how often."""
    command = [sys.executable, "-m", "benchmarks.terminal_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:  # noqa: S603 # our own command line
        assert process.stdout is not None  # noqa: S101 # it is a pipe
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


def frame_texts(kind: str) -> list[str]:
    """Different frames' texts: 2 MB of what a test run prints, which is ASCII, colours and some other characters."""
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
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    Thread(target=_accept, args=(listener, frames), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.buffer.read()


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


def _accept(listener: socket.socket, frames: dict[str, list[bytes]]) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Thread(target=_answer, args=(connection, frames), daemon=True).start()


def _answer(connection: socket.socket, frames: dict[str, list[bytes]]) -> None:
    """Answers the requests of one connection, none with a body, until its client has gone."""
    request = b""
    with connection:
        try:
            while received := connection.recv(65536):
                request += received
                if request.endswith(b"\r\n\r\n"):
                    path = request.split(b" ", 2)[1].partition(b"?")[0].decode()
                    if path.endswith("/connect"):
                        _terminal(connection, request, path, frames)
                        return
                    body = json.dumps(_HEALTH if path.endswith("/health") else _PTY).encode()
                    answer = (
                        _EVENTS if path.endswith("/event") else _JSON_HEAD.format(len(body)).encode() + body
                    )
                    connection.sendall(answer)
                    request = b""
        except OSError:  # it has gone
            return


def _terminal(connection: socket.socket, request: bytes, path: str, frames: dict[str, list[bytes]]) -> None:
    key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    digest = hashlib.sha1(key.partition(b": ")[2] + _GUID).digest()  # noqa: S324 # what the protocol wants
    connection.sendall(_UPGRADE.format(base64.b64encode(digest).decode()).encode())
    connection.recv(65536)  # what is typed
    _, kind, count, *_ = path.split("/")
    given = islice(cycle(frames[kind]), int(count))
    stands = _frame(2, b'\0{"cursor":%d}' % (FRAME_UNITS[kind] * int(count) if kind == "replay" else 0))
    if kind == "output":
        connection.sendall(stands)
    while some := [*islice(given, _AT_ONCE)]:
        connection.sendall(b"".join(some))
    connection.sendall(_END if kind == "output" else stands + _END)
    while connection.recv(65536):
        connection.shutdown(socket.SHUT_WR)  # it has answered the close


if __name__ == "__main__":
    main()
