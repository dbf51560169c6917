"""Servers on loopback, each in a process of its own, so that their CPU time is not measured.

A server is a module with `main`, which `python -m` runs. It reads its data from standard input, prints its port, and
ends when standard input ends.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from scripts.rooms import ROOT


@contextmanager
def serving(module: str, data: bytes = b"") -> Generator[str]:
    """Start the server `module` and send it `data`. Gives its base URL."""
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:  # noqa: S603 # our own command line
        assert process.stdin is not None  # noqa: S101 # both are pipes
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(data)
        process.stdin.flush()
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


def serve(answer: Callable[[socket.socket], None]) -> None:
    """Run `answer` for each connection, in a thread of its own, until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    Thread(target=_accept, args=(listener, answer), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.buffer.read()


def _accept(listener: socket.socket, answer: Callable[[socket.socket], None]) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Thread(target=_answer, args=(connection, answer), daemon=True).start()


def _answer(connection: socket.socket, answer: Callable[[socket.socket], None]) -> None:
    with connection, suppress(OSError):  # the client has closed it
        answer(connection)


def requests(connection: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """The head of each request, and its path without the query. Requests have no body and do not overlap."""
    request = b""
    while received := connection.recv(65536):
        request += received
        if request.endswith(b"\r\n\r\n"):
            yield request, request.split(b" ", 2)[1].partition(b"?")[0]
            request = b""
