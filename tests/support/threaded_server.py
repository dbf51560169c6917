"""A server of pytest-httpserver with a thread for each request, which stops at once."""

from __future__ import annotations

from pytest_httpserver import HTTPServer

_POLL_S = 0.02


class ThreadedServer(HTTPServer):
    """Listens on 127.0.0.1. `HTTPServer` looks only twice a second whether it has to stop."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0, threaded=True)

    def thread_target(self) -> None:
        assert self.server is not None
        self.server.serve_forever(_POLL_S)
