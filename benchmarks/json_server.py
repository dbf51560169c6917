"""A server with fixed JSON responses, chosen by the end of the path. It keeps connections open."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial

from benchmarks.loopback import requests, serve, serving
from scripts.recordings import recording

_HEAD = (
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Mon, 23 Nov 2026 07:23:10 GMT\r\n"
    "content-length: {}\r\nvary: Origin\r\n\r\n"
)
"""The headers that 1.18.33 sends."""


def session_json() -> bytes:
    """A recorded session of 1.18.33: a small response."""
    session = recording("1.18.33")["operations"]["session.get"][0]["response"]["json"]
    return json.dumps(session, separators=(",", ":")).encode()


def serving_json(bodies: Mapping[str, bytes]) -> AbstractContextManager[str]:
    """Start the server. Gives its base URL. `bodies`: response by the end of the path; put "", the default, last."""
    sizes = {path: len(body) for path, body in bodies.items()}
    return serving("benchmarks.json_server", json.dumps(sizes).encode() + b"\n" + b"".join(bodies.values()))


def main() -> None:
    """Serve until standard input ends."""
    sizes: dict[str, int] = json.loads(sys.stdin.buffer.readline())
    responses = {
        path.encode(): _HEAD.format(size).encode() + sys.stdin.buffer.read(size)
        for path, size in sizes.items()
    }
    serve(partial(_answer, responses))


def _answer(responses: Mapping[bytes, bytes], connection: socket.socket) -> None:
    for _, path in requests(connection):
        end = next(end for end in responses if path.endswith(end))
        connection.sendall(responses[end])


if __name__ == "__main__":
    main()
