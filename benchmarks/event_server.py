"""A server of event streams on loopback, in a process of its own: recorded events, each a chunk of HTTP of its own.

`python -m benchmarks.event_server` reads the events from standard input, writes its port to standard output, and
ends when its input does. `GET /<rate>/<count>/<start>/event` sends `count` events and ends the answer: the first at
once, the others from `start` (0: now; else microseconds of `time.perf_counter`, which processes share on Linux), `rate`
of them a second; with rate 0 as fast as they are taken, many to a segment. Each event's id tells when it was sent.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from threading import Thread
from time import perf_counter, perf_counter_ns, sleep
from typing import Any

from benchmarks.environment import ROOT
from scripts.recordings import events

_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\n"
    b"x-accel-buffering: no\r\nx-content-type-options: nosniff\r\nvary: Origin\r\n"
    b"date: Mon, 23 Nov 2026 07:23:10 GMT\r\ntransfer-encoding: chunked\r\n\r\n"
)
_NOT_YIELDED = ("server.connected", "server.heartbeat")
_AT_ONCE = 64
"""Events that are sent together where nothing paces them."""


def recorded_events(version: str) -> list[dict[str, Any]]:
    """The recorded events of `/event` that every reader yields."""
    return [event for event in events(version, "event") if event["type"] not in _NOT_YIELDED]


@contextmanager
def serving_events(version: str) -> Generator[str]:
    """The base URL of a server that sends what a server of `version` sent, from the beginning again at its end."""
    command = [sys.executable, "-m", "benchmarks.event_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:  # noqa: S603 # our own command line
        assert process.stdin is not None  # noqa: S101 # both are pipes
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(json.dumps(recorded_events(version)).encode() + b"\n")
        process.stdin.flush()
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


def sent_ns(event_id: str) -> int:
    """When the event of that id was sent, on the clock of `time.perf_counter_ns`."""
    return int(event_id.removeprefix("evt_"))


def main() -> None:
    """Serve until standard input ends."""
    texts = [_without_id(event) for event in json.loads(sys.stdin.buffer.readline())]
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    Thread(target=_accept, args=(listener, texts), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.buffer.read()


def _without_id(event: dict[str, Any]) -> bytes:
    rest = {key: value for key, value in event.items() if key != "id"}
    return json.dumps(rest, ensure_ascii=False, separators=(",", ":")).encode()


def _accept(listener: socket.socket, texts: list[bytes]) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Thread(target=_answer, args=(connection, texts), daemon=True).start()


def _answer(connection: socket.socket, texts: list[bytes]) -> None:
    """Answers the GET requests of one connection until its reader has gone."""
    request = b""
    with connection:
        try:
            while received := connection.recv(65536):
                request += received
                if request.endswith(b"\r\n\r\n"):
                    rate, count, start = map(int, request.split(b" ", 2)[1].split(b"/")[1:4])
                    _stream(connection, islice(cycle(texts), count), rate, start)
                    request = b""
        except ConnectionError:
            return


def _stream(connection: socket.socket, texts: Iterator[bytes], rate: int, start_us: int) -> None:
    connection.sendall(_HEAD)
    if rate == 0:
        while some := [*islice(texts, _AT_ONCE)]:
            connection.sendall(b"".join(map(_chunk, some)))
    else:
        connection.sendall(_chunk(next(texts)))
        start_s = start_us / 1e6 or perf_counter()
        for number, text in enumerate(texts, 1):
            sleep(max(0.0, start_s + number / rate - perf_counter()))
            connection.sendall(_chunk(text))
    connection.sendall(b"0\r\n\r\n")


def _chunk(text: bytes) -> bytes:
    data = b'data: {"id":"evt_%d",%b\n\n' % (perf_counter_ns(), text[1:])
    return b"%x\r\n%b\r\n" % (len(data), data)


if __name__ == "__main__":
    main()
