"""Terminals over TLS: a silent server ends the attempt in time, and no connection leaves anything behind."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import threading
from collections.abc import Generator
from time import monotonic
from typing import Any, TypeAlias

import httpx
import pytest

from opencode_client import ConnectError
from tests.support.acceptor import Acceptor
from tests.support.both_clients import ClientKind
from tests.support.resources import assert_no_more_than, pause, resources
from tests.support.sizes import small_and_full
from tests.support.terminal_actions import entered, read
from tests.support.terminal_server import PTY_ID, PtyServer, cursor, say

Contexts: TypeAlias = tuple[ssl.SSLContext, ssl.SSLContext]

_OPEN_S = 0.3
_PATIENCE_S = 3.0
_OPENINGS = int(os.environ.get("TERMINAL_OPENINGS", "30"))
"""`make test-terminals` sets 500."""


@contextlib.contextmanager
def _silent_server(context: ssl.SSLContext | None) -> Generator[str]:
    """Yield the URL of a server that reads and never answers; without a context, not even the TLS handshake."""

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            while connection.recv(1 << 16):
                pass
        connection.close()

    acceptor = Acceptor(lambda one: threading.Thread(target=serve, args=(one,), daemon=True).start())
    acceptor.start()
    yield f"https://127.0.0.1:{acceptor.port}"
    acceptor.close()


def _called(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/global/health":
        return httpx.Response(200, json={"healthy": True, "version": "1.18.33"})
    pty: dict[str, Any] = {
        "title": "t",
        "command": "bash",
        "args": [],
        "cwd": "/",
        "status": "running",
        "pid": 7,
    }  # Any: JSON
    return httpx.Response(200, content=json.dumps({"id": PTY_ID, **pty}))


class _CallsAnswered(httpx.HTTPTransport):
    """Answers all calls itself; so only terminals use the network."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return _called(request)


class _AsyncCallsAnswered(httpx.AsyncHTTPTransport):
    """As `_CallsAnswered`."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return _called(request)


def _client(client_kind: ClientKind, url: str) -> Any:  # Any: either client
    if client_kind.is_async:
        return client_kind.client(url, http_client=httpx.AsyncClient(transport=_AsyncCallsAnswered()))
    return client_kind.client(url, http_client=httpx.Client(transport=_CallsAnswered()))


@pytest.mark.parametrize("does_tls", [True, False], ids=["after TLS", "before TLS"])
def test_a_connection_to_a_silent_server_times_out(
    client_kind: ClientKind, tls: Contexts, does_tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, trusting = tls
    monkeypatch.setattr("opencode_client.terminals.handshake._OPEN_S", _OPEN_S)
    with _silent_server(served if does_tls else None) as url:
        terminal = _client(client_kind, url).pty.connect(PTY_ID, ssl=trusting, exit_code=False)
        pause(client_kind)  # makes the event loop
        before, started = resources(), monotonic()
        with pytest.raises(ConnectError, match=r"no connection: .*timed out"):
            entered(client_kind, terminal)
        assert _OPEN_S <= monotonic() - started < _OPEN_S + _PATIENCE_S
        assert_no_more_than(client_kind, before)


@small_and_full("openings", 8, _OPENINGS)
def test_closed_terminals_leave_no_thread_and_no_descriptor(
    client_kind: ClientKind, tls: Contexts, openings: int
) -> None:
    served, trusting = tls
    with PtyServer([cursor(0), say("a")], tls=served) as server:
        client = _client(client_kind, server.url)

        def open_and_close() -> None:
            terminal: Any = entered(client_kind, client.pty.connect(PTY_ID, ssl=trusting, exit_code=False))
            assert read(client_kind, terminal, 1) == "a"
            client_kind.call(terminal.close)

        pause(client_kind)
        before = resources()
        for _ in range(openings):
            open_and_close()
        assert_no_more_than(client_kind, before)
