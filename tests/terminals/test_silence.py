"""Terminals on an open connection without any response: pings detect it, but not while the reader is only slow."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from typing import Any

import httpx
import pytest

from opencode_client import PtyClosedError
from tests.support.both_clients import ClientKind
from tests.support.muting_proxy import MutingProxy
from tests.support.sizes import small_and_full
from tests.support.terminal_actions import connected, entered, read, rest
from tests.support.terminal_server import PTY_ID, Line, PtyServer, cursor, end, hear, say

_PING_S = 0.05
_PONG_S = 0.2
_OPEN_S = 0.3
"""The limit of an attempt to connect again. The first attempt has the usual limit: it has to succeed."""
_MUCH = 1 << 20


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opencode_client.terminals.handshake._PING_S", _PING_S)
    monkeypatch.setattr("opencode_client.terminals.handshake._PONG_S", _PONG_S)
    monkeypatch.setattr("opencode_client.terminals.handshake._DELAY_S", 0.01)


def _through(client_kind: ClientKind, proxy: MutingProxy, **options: Any) -> Any:  # Any: sync or async
    terminal = client_kind.client(proxy.url, max_retries=0).pty.connect(PTY_ID, exit_code=False, **options)
    return entered(client_kind, terminal)


def _pause(client_kind: ClientKind, pause_s: float) -> None:
    client_kind.call(asyncio.sleep if client_kind.is_async else time.sleep, pause_s)


def test_a_connection_without_pongs_counts_as_broken(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), say("a")]) as server, MutingProxy(server.url) as proxy:
        terminal = _through(client_kind, proxy, reconnect=False)
        assert read(client_kind, terminal, 1) == "a"
        proxy.mute()
        with pytest.raises(
            PtyClosedError, match=r"the connection broke \(1006: nothing came for 0.2 s"
        ) as caught:
            client_kind.call(terminal.recv, 5)
        assert caught.value.code == 1006


def test_a_connection_without_pongs_is_replaced(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = [cursor(0), say("a")], [cursor(1), say("b"), end]
    with PtyServer(*scripts) as server, MutingProxy(server.url) as proxy:
        terminal = _through(client_kind, proxy)
        assert read(client_kind, terminal, 1) == "a"
        proxy.mute()
        monkeypatch.setattr("opencode_client.terminals.handshake._OPEN_S", _OPEN_S)
        assert rest(client_kind, terminal) == ["b"]


def test_max_attempts_ends_reconnects_without_a_response(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PtyServer([cursor(0), say("a")]) as server, MutingProxy(server.url) as proxy:
        terminal = _through(client_kind, proxy, max_attempts=2)
        assert read(client_kind, terminal, 1) == "a"
        proxy.mute(later=True)
        monkeypatch.setattr("opencode_client.terminals.handshake._OPEN_S", _OPEN_S)
        began = time.monotonic()
        with pytest.raises(PtyClosedError, match="the connection broke"):
            client_kind.call(terminal.recv)
        assert time.monotonic() - began < 3


def test_a_quiet_terminal_stays_open(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), hear, say("b")]) as server:
        terminal = connected(client_kind, server, reconnect=False)
        _pause(client_kind, 3 * (_PING_S + _PONG_S))
        client_kind.call(terminal.send, "a")
        assert client_kind.call(terminal.recv, 5) == "b"


@pytest.mark.parametrize("sleeps", [asyncio.sleep, time.sleep], ids=["lets the loop run", "blocks the loop"])
@small_and_full("frames", 30, 100)
def test_a_slow_reader_with_much_output_keeps_the_connection(
    client_kind: ClientKind, sleeps: Any, frames: int
) -> None:
    pauses = frames // 30
    with PtyServer([cursor(0), say(*frames * [_MUCH * "x"]), end]) as server:
        terminal = connected(client_kind, server, reconnect=False)
        for _ in range(pauses):
            assert client_kind.call(terminal.recv, 5)
            if client_kind.is_async:
                client_kind.call(asyncio.sleep, 0.05)  # fills the queue
            client_kind.call(sleeps if client_kind.is_async else time.sleep, 2 * (_PING_S + _PONG_S))
        assert sum(map(len, rest(client_kind, terminal))) == (frames - pauses) * _MUCH


@pytest.mark.parametrize("over_tls", [False, True], ids=["TCP", "TLS"])
def test_sending_raises_if_the_server_reads_nothing(
    client_kind: ClientKind, tls: tuple[ssl.SSLContext, ssl.SSLContext], over_tls: bool
) -> None:
    released = threading.Event()
    served, trusting = tls

    def take_nothing(_: Line) -> None:
        released.wait(10)

    given: Any = (httpx.AsyncClient if client_kind.is_async else httpx.Client)(verify=trusting)
    with PtyServer([cursor(0), take_nothing], tls=served if over_tls else None) as server:
        client = client_kind.client(server.url, max_retries=0, http_client=given if over_tls else None)
        options: dict[str, Any] = {"reconnect": False, "exit_code": False, "ssl": trusting}
        terminal = entered(client_kind, client.pty.connect(PTY_ID, **options))

        def send_without_end() -> None:
            for _ in range(100):
                client_kind.call(terminal.send, _MUCH * "x")

        began = time.monotonic()
        with pytest.raises(PtyClosedError):
            send_without_end()
        assert time.monotonic() - began < 5
        released.set()
    client_kind.call(given.aclose if client_kind.is_async else given.close)
