"""A server of fixed answers on loopback, in a process of its own: what it takes counts for nobody.

`python -m benchmarks.loopback` reads the answers from standard input, writes its port to standard output, and ends
when its input does. A request is answered by what its path ends with; every connection is kept open.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from threading import Thread

from benchmarks.environment import ROOT
from scripts.recordings import recording

_HEAD = (
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Mon, 23 Nov 2026 07:23:10 GMT\r\n"
    "content-length: {}\r\nvary: Origin\r\n\r\n"
)
"""The headers that 1.18.33 sends."""


def session_json() -> bytes:
    """A session as a server of 1.18.33 sent it: a small answer."""
    answer = recording("1.18.33")["operations"]["session.get"][0]["response"]["json"]
    return json.dumps(answer, separators=(",", ":")).encode()


@contextmanager
def serving(bodies: Mapping[str, bytes]) -> Generator[str]:
    """The base URL of a server that gives the JSON `bodies`, each by the end of its path; "" is for all the others."""
    command = [sys.executable, "-m", "benchmarks.loopback"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:  # noqa: S603 # our own command line
        assert process.stdin is not None  # noqa: S101 # both are pipes
        assert process.stdout is not None  # noqa: S101
        sizes = {path: len(body) for path, body in bodies.items()}
        process.stdin.write(json.dumps(sizes).encode() + b"\n" + b"".join(bodies.values()))
        process.stdin.flush()
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


def main() -> None:
    """Serve until standard input ends."""
    sizes: dict[str, int] = json.loads(sys.stdin.buffer.readline())
    answers = {
        path.encode(): _HEAD.format(size).encode() + sys.stdin.buffer.read(size)
        for path, size in sizes.items()
    }
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    Thread(target=_accept, args=(listener, answers), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.buffer.read()


def _accept(listener: socket.socket, answers: Mapping[bytes, bytes]) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Thread(target=_answer, args=(connection, answers), daemon=True).start()


def _answer(connection: socket.socket, answers: Mapping[bytes, bytes]) -> None:
    """Answers the GET requests of one connection, which come one after the other, none with a body."""
    with connection:
        request = b""
        while received := connection.recv(65536):
            request += received
            if request.endswith(b"\r\n\r\n"):
                path = request.split(b" ", 2)[1].partition(b"?")[0]
                end = next(end for end in answers if path.endswith(end))
                connection.sendall(answers[end])
                request = b""


if __name__ == "__main__":
    main()
