"""A server of event streams: recorded events, each in an HTTP chunk of its own.

`GET /<rate>/<count>/<start>/event` sends `count` events and ends the response. It sends the first event at once and the
others from `start`, `rate` of them a second. `start` is in microseconds of `time.perf_counter`, which processes share
on Linux; 0 means now. With rate 0 it sends as fast as the client reads, many events to a segment. The id of an event
is the time when it was sent.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from itertools import cycle, islice
from time import perf_counter, perf_counter_ns, sleep
from typing import Any

from benchmarks.loopback import requests, serve, serving
from scripts.recordings import events

_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\n"
    b"x-accel-buffering: no\r\nx-content-type-options: nosniff\r\nvary: Origin\r\n"
    b"date: Mon, 23 Nov 2026 07:23:10 GMT\r\ntransfer-encoding: chunked\r\n\r\n"
)
_NOT_YIELDED = ("server.connected", "server.heartbeat")
_AT_ONCE = 64
"""Events per write when there is no rate."""


def serving_events(version: str) -> AbstractContextManager[str]:
    """Start the server. Gives its base URL. It repeats the recorded events of `/event` that streams yield."""
    recorded = [event for event in events(version, "event") if event["type"] not in _NOT_YIELDED]
    return serving("benchmarks.event_server", json.dumps(recorded).encode() + b"\n")


def sent_ns(event_id: str) -> int:
    """The time when an event was sent, on the clock of `time.perf_counter_ns`."""
    return int(event_id.removeprefix("evt_"))


def main() -> None:
    """Serve until standard input ends."""
    texts = [_without_id(event) for event in json.loads(sys.stdin.buffer.readline())]
    serve(partial(_answer, texts))


def _without_id(event: dict[str, Any]) -> bytes:
    rest = {key: value for key, value in event.items() if key != "id"}
    return json.dumps(rest, ensure_ascii=False, separators=(",", ":")).encode()


def _answer(texts: list[bytes], connection: socket.socket) -> None:
    for _, path in requests(connection):
        rate, count, start = map(int, path.split(b"/")[1:4])
        _stream(connection, islice(cycle(texts), count), rate, start)


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
