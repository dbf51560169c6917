"""Terminals of a client with a given httpx client connect like its calls, or raise an error."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from opencode_client import ArgumentError
from opencode_client.calls import sockets
from tests.support.both_clients import ClientKind
from tests.support.terminal_actions import entered, rest
from tests.support.terminal_list import TerminalList
from tests.support.terminal_server import PTY_ID, PtyServer, cursor, end, say


class _UnixProxy:
    """Forwards connections of a Unix socket to a server on loopback, until `close`."""

    def __init__(self, path: str, url: str) -> None:
        parts = httpx.URL(url)
        self._upstream = (parts.host, parts.port or 80)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """End all connections."""
        sockets.end(self._listener)
        for one in self._open:
            sockets.end(one)
        for thread in self._threads:
            thread.join()
        for one in (self._listener, *self._open):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._upstream)
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                thread = threading.Thread(target=_carry, args=(source, target))
                self._threads.append(thread)
                thread.start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
    except OSError:
        pass
    sockets.end(target)


def _given(client_kind: ClientKind, **options: Any) -> Any:  # Any: either httpx client
    """Return an httpx client. An option `transport` is a dict: the arguments of its transport."""
    if isinstance(options.get("transport"), dict):
        kind = httpx.AsyncHTTPTransport if client_kind.is_async else httpx.HTTPTransport
        options["transport"] = kind(**options["transport"])
    return (httpx.AsyncClient if client_kind.is_async else httpx.Client)(**options)


@pytest.fixture
def unix_path(tmp_path: Path) -> str:
    if sys.platform == "win32":
        pytest.skip("Windows has no Unix sockets in asyncio")
    return str(tmp_path / "s")


def test_a_terminal_uses_the_unix_socket_of_the_calls(client_kind: ClientKind, unix_path: str) -> None:
    with TerminalList([cursor(0), say("hi"), end]) as server:
        proxy = _UnixProxy(unix_path, server.url)
        given = _given(client_kind, transport={"uds": unix_path})
        client = client_kind.client("http://opencode.invalid", http_client=given)
        made = client.terminal("bash")
        assert rest(client_kind, entered(client_kind, made)) == ["hi"]
        client_kind.call(made.__aexit__ if client_kind.is_async else made.__exit__, None, None, None)
        assert (len(server.dials), server.removals) == (1, 1)
        client_kind.call(client.close)
        client_kind.call(given.aclose if client_kind.is_async else given.close)
        proxy.close()


def test_a_terminal_uses_the_unix_socket_of_a_mount(client_kind: ClientKind, unix_path: str) -> None:
    kind = httpx.AsyncHTTPTransport if client_kind.is_async else httpx.HTTPTransport
    given = _given(client_kind, mounts={"all://opencode.invalid": kind(uds=unix_path)})
    terminal = client_kind.client("http://opencode.invalid", http_client=given).pty.connect(PTY_ID)
    assert terminal._request.unix_path == unix_path
    other = client_kind.client("http://127.0.0.1:1", http_client=given).pty.connect(PTY_ID)
    assert other._request.unix_path is None


def _answer(request: httpx.Request) -> httpx.Response:
    raise AssertionError(request.url)


async def _app(*_: object) -> None:
    """A fake ASGI application."""


def _old_app(*_: object) -> list[bytes]:
    """A fake WSGI application."""
    return []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"proxy": "http://127.0.0.1:9"}, "the proxy"),
        ({"mounts": {"http://127.0.0.1": httpx.MockTransport(_answer)}}, "MockTransport"),
        ({"transport": httpx.MockTransport(_answer)}, "MockTransport"),
        ({"transport": httpx.ASGITransport(_app)}, "ASGITransport"),
        ({"transport": httpx.WSGITransport(_old_app)}, "WSGITransport"),
    ],
    ids=["proxy", "mount", "mock", "asgi", "wsgi"],
)
def test_a_transport_that_a_terminal_cannot_use_is_refused(
    client_kind: ClientKind, options: dict[str, Any], named: str
) -> None:
    client = client_kind.client("http://127.0.0.1:1", http_client=_given(client_kind, **options))
    for connect in (client.pty.connect, client.terminal):
        with pytest.raises(
            ArgumentError, match=rf"terminals cannot use .*{named} of your http_client: connect"
        ):
            connect("pty_x")


def test_a_given_client_with_the_environments_proxy_is_accepted(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    client = client_kind.client("http://opencode.invalid", http_client=_given(client_kind))
    assert client.pty.connect(PTY_ID)._request.unix_path is None


def test_a_given_client_with_default_options_is_accepted(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("hi"), end]) as server:
        given = _given(client_kind, trust_env=False)
        client = client_kind.client(server.url, http_client=given)
        assert rest(client_kind, entered(client_kind, client.pty.connect(PTY_ID))) == ["hi"]
        client_kind.call(client.close)
        client_kind.call(given.aclose if client_kind.is_async else given.close)
