"""Programs that behave as `opencode serve` does, with a child, and the fixture that makes them executable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.executables import write_program

BODY = 'b\'{"healthy": true, "version": "1.2.3"}\''
SERVE = f"""
import os, socket
body, wants = {BODY}, os.environ.get("OPENCODE_SERVER_PASSWORD")
listener = socket.create_server(("127.0.0.1", 0))
child = os.posix_spawnp("sleep", ["sleep", "600"], os.environ)
print("noise", "x" * 200_000, flush=True)
print("child", child, flush=True)
print(f"opencode server listening on http://127.0.0.1:{{listener.getsockname()[1]}}", flush=True)
while True:
    peer, _ = listener.accept()
    head = b""
    while b"\\r\\n\\r\\n" not in head and (data := peer.recv(65_536)):
        head += data
    if wants and b"authorization:" not in head.lower():
        peer.sendall(b"HTTP/1.0 401 Unauthorized\\r\\ncontent-length: 0\\r\\n\\r\\n")
    else:
        peer.sendall(b"HTTP/1.0 200 OK\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(body) + body)
    peer.close()
"""
"""A server with a child. It imports little, as Python has to start for each test."""

DETACHED = SERVE.replace("os.environ)", "os.environ, setsid=True)")

Fake = Callable[[str], str]


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """Writes an executable with this Python source."""

    def write(source: str) -> str:
        path = tmp_path / "opencode"
        write_program(path, source)
        return str(path)

    return write
