"""The CPU time of a test with a fresh `FakeServer`, beside one with a fresh server of pytest-httpserver.

    python -m benchmarks.fake_server [rounds]

Each round starts a server, makes a client, calls `GET /global/health` and `GET /session`, and closes both.
"""

from __future__ import annotations

import logging
import statistics
import sys
import time
from collections.abc import Callable

from pytest_httpserver import HTTPServer

from opencode_client import OpencodeClient
from opencode_client.testing import FakeServer

ROUNDS = 200


def with_fake() -> None:
    """Use a fake server."""
    with FakeServer() as fake, fake.client() as client:
        client.global_.health()
        client.session.list()


def with_httpserver() -> None:
    """Use a server of pytest-httpserver."""
    with HTTPServer("127.0.0.1", 0) as server, OpencodeClient(server.url_for("")) as client:
        server.expect_request("/global/health").respond_with_json({"healthy": True, "version": "1.18.33"})
        server.expect_request("/session").respond_with_json([])
        client.global_.health()
        client.session.list()


def cpu_ms(use: Callable[[], None], rounds: int) -> float:
    """Return the median of the CPU time of all threads, in milliseconds."""
    use()
    times: list[float] = []
    for _ in range(rounds):
        begun = time.process_time()
        use()
        times.append(time.process_time() - begun)
    return statistics.median(times) * 1000


def main() -> None:
    """Print both times and their ratio."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it logs each request
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    fake, other = cpu_ms(with_fake, rounds), cpu_ms(with_httpserver, rounds)
    print(f"FakeServer {fake:.2f} ms, pytest-httpserver {other:.2f} ms: {fake / other:.2f} times")


if __name__ == "__main__":
    main()
