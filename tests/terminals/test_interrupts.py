"""Terminals that are interrupted or cancelled while they connect or close leave no connection and no thread."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import Any

import httpx
import pytest

from opencode_client import PtyClosedError
from tests.support.both_clients import ClientKind
from tests.support.muting_proxy import MutingProxy
from tests.support.resources import (
    assert_no_more_than,
    assert_no_thread_of_terminals,
    needs_ctrl_c,
    press_ctrl_c,
    resources,
)
from tests.support.terminal_actions import entered, seen_by
from tests.support.terminal_server import PTY_ID, Gate, PtyServer, cursor

_CONNECT = f"/pty/{PTY_ID}/connect"


def _cancel(client_kind: ClientKind, use: Any, gate: Gate, times: int) -> None:  # Any: an async method
    async def run() -> None:
        task = asyncio.ensure_future(use())
        await asyncio.to_thread(gate.await_asked)
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    client_kind.call(run)


@needs_ctrl_c
@pytest.mark.parametrize("over_tls", [False, True], ids=["TCP", "TLS"])
def test_ctrl_c_during_a_handshake_leaves_nothing_open(
    tls: tuple[ssl.SSLContext, ssl.SSLContext], over_tls: bool
) -> None:
    client_kind, gate = ClientKind(is_async=False), Gate(None)
    served, trusting = tls
    given = httpx.Client(verify=trusting)
    with PtyServer([cursor(0)], tls=served if over_tls else None) as server:
        client = client_kind.client(server.url, http_client=given if over_tls else None)
        client.pty.connect(PTY_ID, ssl=trusting).__enter__().close()
        server.until(lambda: not server.listeners)
        server.answers[_CONNECT] = gate
        before = resources()
        pressing = press_ctrl_c(gate.await_asked, bool)
        terminal = client.pty.connect(PTY_ID, ssl=trusting)
        with pytest.raises(KeyboardInterrupt):
            terminal.__enter__()
        pressing.join()
        gate.open()
        server.until(lambda: len(server.dials) == 2 and server.open == 0 and not server.listeners)
        assert_no_more_than(client_kind, before)
        assert_no_thread_of_terminals(client_kind)
    client_kind.close()
    given.close()


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("path", ["/event", _CONNECT], ids=["listens", "dials"])
def test_cancelling_a_handshake_leaves_nothing_open(times: int, path: str) -> None:
    client_kind, gate = ClientKind(is_async=True), Gate(None)
    with PtyServer([cursor(0)]) as server:
        client = client_kind.client(server.url)
        client_kind.call(entered(client_kind, client.pty.connect(PTY_ID)).close)
        seen_by(client_kind, lambda: server.until(lambda: not server.listeners))  # it has started its thread
        server.answers[path] = gate
        before = resources()
        _cancel(client_kind, client.pty.connect(PTY_ID).__aenter__, gate, times)
        gate.open()
        assert_no_more_than(client_kind, before)
        server.until(lambda: server.open == 0 and not server.listeners)
    client_kind.close()


@needs_ctrl_c
def test_ctrl_c_during_close_leaves_nothing_open() -> None:
    client_kind = ClientKind(is_async=False)
    with PtyServer([cursor(0)]) as server, MutingProxy(server.url) as proxy:
        terminal = client_kind.client(proxy.url).pty.connect(PTY_ID).__enter__()
        proxy.mute()
        pressing = press_ctrl_c(bool, bool)
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            terminal.close()
        assert time.monotonic() - began < 0.8  # it did not wait for the server
        pressing.join()
        server.until(lambda: server.open == 0 and not server.listeners)
        assert_no_thread_of_terminals(client_kind)
        with pytest.raises(PtyClosedError, match="this connection was closed"):
            terminal.recv()
    client_kind.close()


@pytest.mark.parametrize("times", [1, 2])
def test_cancelling_close_leaves_nothing_open(times: int) -> None:
    client_kind = ClientKind(is_async=True)
    with PtyServer([cursor(0)]) as server, MutingProxy(server.url) as proxy:
        terminal = entered(client_kind, client_kind.client(proxy.url).pty.connect(PTY_ID))
        proxy.mute()

        async def run() -> None:
            task = asyncio.ensure_future(terminal.close())
            await asyncio.sleep(0.05)
            began = time.monotonic()
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - began < 0.5  # it did not wait for the server
            await asyncio.to_thread(server.until, lambda: server.open == 0 and not server.listeners)
            assert asyncio.all_tasks() == {asyncio.current_task()}

        client_kind.call(run)
    client_kind.close()
