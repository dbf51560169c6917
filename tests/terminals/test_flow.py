"""Terminals with more output than is read, and terminals that another thread or task closes."""

from __future__ import annotations

import asyncio
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from opencode_client import PtyClosedError
from tests.support.both_clients import ClientKind
from tests.support.sizes import small_and_full
from tests.support.terminal_actions import connected
from tests.support.terminal_server import (
    PTY_ID,
    Gate,
    Line,
    PtyServer,
    cursor,
    cut,
    described,
    end,
    hear,
    say,
)

_FRAME = 65_536 * "x"
_MB = 1_000_000
_PATH = f"/pty/{PTY_ID}"


class Flood:
    """A step of a `PtyServer` script that sends frames of 65,536 bytes. `sent` counts those that were sent."""

    def __init__(self, frames: int) -> None:
        self.frames = frames
        self.sent = 0

    def __call__(self, line: Line) -> None:
        for _ in range(self.frames):
            line.send(_FRAME)
            self.sent += 1

    def await_blocked(self) -> None:
        """Wait until the server can send no more."""
        before = -1
        while before != self.sent or self.sent == 0:
            before = self.sent
            time.sleep(0.1)  # no event shows that nothing happens


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@small_and_full("frames", 600, 1600)
def test_unread_output_uses_little_memory_and_is_complete(is_async: bool, frames: int) -> None:
    flood = Flood(frames)
    with PtyServer([cursor(0), flood, end]) as server:
        tracemalloc.start()
        try:
            length, most = asyncio.run(_drunk_async(server, flood)) if is_async else _drunk(server, flood)
        finally:
            tracemalloc.stop()
    assert length == frames * len(_FRAME)
    assert most < 8 * _MB


def _drunk(server: PtyServer, flood: Flood) -> tuple[int, int]:
    """Return the number of characters read after a sleep, and the most memory in use."""
    client_kind = ClientKind(is_async=False)
    terminal = connected(client_kind, server)
    flood.await_blocked()
    assert flood.sent < flood.frames  # Linux buffers up to 36 MB of a connection, most often 4
    length = sum(map(len, terminal))
    client_kind.close()
    return length, tracemalloc.get_traced_memory()[1]


async def _drunk_async(server: PtyServer, flood: Flood) -> tuple[int, int]:
    from opencode_client import AsyncOpencodeClient

    async with AsyncOpencodeClient(server.url) as client, client.pty.connect(PTY_ID) as terminal:
        await asyncio.to_thread(flood.await_blocked)
        assert flood.sent < flood.frames  # Linux buffers up to 36 MB of a connection, most often 4
        length = sum([len(text) async for text in terminal])
    return length, tracemalloc.get_traced_memory()[1]


def test_closing_is_fast_with_much_unread_output(client_kind: ClientKind) -> None:
    flood = Flood(600)
    with PtyServer([cursor(0), flood]) as server:
        terminal = connected(client_kind, server)
        if not client_kind.is_async:
            flood.await_blocked()
        began = time.monotonic()
        client_kind.call(terminal.close)
        assert time.monotonic() - began < 3
        server.until(lambda: server.open == 0)


@pytest.mark.parametrize("use", ["recv", "read_until", "wait", "iterate"])
def test_closing_from_another_thread_ends_a_waiting_call(use: str) -> None:
    client_kind = ClientKind(is_async=False)
    with PtyServer([cursor(0), say("a")]) as server:
        terminal = connected(client_kind, server)
        assert terminal.recv(5) == "a"
        ended: list[Any] = []
        waiting: dict[str, Callable[[], Any]] = {
            "recv": terminal.recv,
            "read_until": lambda: terminal.read_until("$"),
            "wait": terminal.wait,
            "iterate": lambda: list(terminal),
        }

        def wait() -> None:
            try:
                ended.append(waiting[use]())
            except PtyClosedError as error:
                ended.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.05)  # until it waits; no event shows that
        terminal.close()
        thread.join(5)
        assert not thread.is_alive()
        if use == "iterate":
            assert ended == [[]]
        else:
            assert "this connection was closed" in str(ended[0])
        server.until(lambda: server.open == 0)
    client_kind.close()


@pytest.mark.parametrize("use", ["recv", "read_until", "wait", "iterate"])
def test_closing_from_another_task_ends_a_waiting_call(use: str) -> None:
    client_kind = ClientKind(is_async=True)
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)

        async def iterate() -> list[str]:
            return [text async for text in terminal]

        async def run() -> Any:
            waiting: dict[str, Callable[[], Any]] = {
                "recv": terminal.recv,
                "read_until": lambda: terminal.read_until("$"),
                "wait": terminal.wait,
                "iterate": iterate,
            }
            task: asyncio.Future[Any] = asyncio.ensure_future(waiting[use]())
            await asyncio.sleep(0.02)
            await terminal.close()
            [found] = await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 5)
            return found

        found = client_kind.call(run)
        assert found == [] if use == "iterate" else "this connection was closed" in str(found)
        server.until(lambda: server.open == 0)
    client_kind.close()


def test_closing_ends_a_pause_before_the_next_attempt(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opencode_client.terminals.handshake._DELAY_S", 60.0)
    monkeypatch.setattr("opencode_client.terminals.handshake._LONGEST_DELAY_S", 60.0)
    with PtyServer([cursor(0), cut], [cut], [cursor(0)]) as server:
        terminal = connected(client_kind, server)

        def broken_twice() -> None:
            server.until(lambda: len(server.dials) == 2 and server.open == 0)
            time.sleep(0.05)  # until it pauses; no event shows that

        outcome, *_ = client_kind.meanwhile(terminal.recv, broken_twice, terminal.close)
        assert "this connection was closed" in str(outcome)
        assert len(server.dials) == 2


while_it_asks_and_dials = pytest.mark.parametrize(
    ("path", "answer"), [(_PATH, described()), (f"{_PATH}/connect", None)], ids=["asks", "dials"]
)


@while_it_asks_and_dials
def test_closing_a_terminal_while_it_connects_leaves_nothing_open(
    client_kind: ClientKind, path: str, answer: bytes | None
) -> None:
    gate = Gate(answer)
    with PtyServer([cursor(0)], answers={path: gate}) as server:
        terminal = client_kind.client(server.url).pty.connect(PTY_ID)
        outcome, *_ = client_kind.meanwhile(terminal.recv, gate.await_asked, terminal.close, gate.open)
        assert "this connection was closed" in str(outcome)
        server.until(lambda: server.dials and server.open == 0 and not server.listeners)


@while_it_asks_and_dials
def test_closing_a_terminal_while_it_reconnects_leaves_nothing_open(
    client_kind: ClientKind, path: str, answer: bytes | None
) -> None:
    gate = Gate(answer)
    with PtyServer([cursor(0), cut], [cursor(0)]) as server:
        terminal = connected(client_kind, server)
        server.answers[path] = gate
        outcome, *_ = client_kind.meanwhile(terminal.recv, gate.await_asked, terminal.close, gate.open)
        assert "this connection was closed" in str(outcome)
        server.until(lambda: len(server.dials) == 2 and server.open == 0 and not server.listeners)


def test_a_cancelled_read_loses_no_output() -> None:
    client_kind = ClientKind(is_async=True)
    with PtyServer([cursor(0), hear, say("a"), hear, say("b"), end]) as server:
        terminal = connected(client_kind, server)

        async def run() -> list[str]:
            for _ in range(20):
                reading = asyncio.ensure_future(terminal.recv())
                await asyncio.sleep(0)
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
            await terminal.send("1")
            await terminal.send("2")
            return [text async for text in terminal]

        assert client_kind.call(run) == ["a", "b"]
    client_kind.close()
