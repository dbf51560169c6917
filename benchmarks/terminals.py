"""Terminals: CPU time of reading output, relative to the bare websockets library, and memory of unread output.

The server is another process and sends both the same frames. It sends nothing before it gets input, so connecting is
not timed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from functools import partial

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_awaited
from websockets.sync.client import connect

from benchmarks.measure import Contender, Memory, Row, Steps, exact, interleave
from benchmarks.terminal_server import FRAME_UNITS, PTY_ID, serving_terminals
from opencode_client import AsyncOpencodeClient, OpencodeClient

CPU_TARGET = 1.15
MEMORY_TARGET_MB = 4.0
_OUTPUT = ("output", 1500, 1)
"""A turn: the kind of frames, frames per connection (6 MB), connections."""
_REPLAYS = ("replay", 32, 5)
"""A turn: five times the 2 MB that a server keeps for a replay."""
_OFFERED = {"output": 25_000, "replay": 1_600}
"""Frames that are sent but not read: 100 MB."""
_BASE = "websockets"

Work = tuple[str, int, int]


def rows(*, rounds: int, idle_s: float) -> list[Row]:
    """Return rows of CPU time, sync and async, of output and of replays; then of the memory of unread terminals."""
    with serving_terminals() as url:
        return [
            _sync_row(url, "output", _OUTPUT, rounds=rounds),
            _sync_row(url, "replays", _REPLAYS, rounds=rounds),
            _async_row(url, "output", _OUTPUT, rounds=rounds),
            _async_row(url, "replays", _REPLAYS, rounds=rounds),
            *(_memory_row("", kind, _sync_memory(url, kind, idle_s)) for kind in _OFFERED),
            *(
                _memory_row("awaited, ", kind, asyncio.run(_async_memory(url, kind, idle_s)))
                for kind in _OFFERED
            ),
        ]


def _sync_row(url: str, what: str, work: Work, *, rounds: int) -> Row:
    kind, count, connections = work
    base_url = f"{url}/{kind}/{count}"
    with OpencodeClient(base_url) as client:

        def bare() -> Iterator[Callable[[], object]]:
            for _ in range(connections):
                with connect(_websocket(base_url), compression=None, ping_timeout=None) as frames:
                    yield partial(_drain, frames, frames.send, kind, count)

        def ours() -> Iterator[Callable[[], object]]:
            for _ in range(connections):
                with client.pty.connect(PTY_ID) as output:
                    yield partial(_drain, output, output.send, kind, count)

        return _cpu_row(f"pty.connect, {what} / websockets", {_BASE: bare, "ours": ours}, work, rounds)


def _async_row(url: str, what: str, work: Work, *, rounds: int) -> Row:
    kind, count, connections = work
    base_url = f"{url}/{kind}/{count}"
    client = AsyncOpencodeClient(base_url)
    with asyncio.Runner() as runner:

        async def open_bare() -> ClientConnection:
            return await connect_awaited(_websocket(base_url), compression=None, ping_timeout=None)

        def bare() -> Iterator[Callable[[], object]]:
            for _ in range(connections):
                frames = runner.run(open_bare())
                yield partial(runner.run, _drain_awaited(frames, frames.send, kind, count))
                runner.run(frames.close())

        def ours() -> Iterator[Callable[[], object]]:
            for _ in range(connections):
                output = client.pty.connect(PTY_ID)
                runner.run(output.__aenter__())
                yield partial(runner.run, _drain_awaited(output, output.send, kind, count))
                runner.run(output.close())

        try:
            return _cpu_row(
                f"pty.connect awaited, {what} / websockets", {_BASE: bare, "ours": ours}, work, rounds
            )
        finally:
            runner.run(client.close())


def _websocket(base_url: str) -> str:
    return f"ws{base_url.removeprefix('http')}/pty/{PTY_ID}/connect"


def _drain(frames: Iterable[str | bytes], send: Callable[[str], None], kind: str, count: int) -> None:
    send("\r")
    _check(sum(len(frame) for frame in frames if isinstance(frame, str)), kind, count)


async def _drain_awaited(
    frames: AsyncIterable[str | bytes], send: Callable[[str], Awaitable[None]], kind: str, count: int
) -> None:
    await send("\r")
    received = 0
    async for frame in frames:
        if isinstance(frame, str):
            received += len(frame)
    _check(received, kind, count)


def _check(received: int, kind: str, count: int) -> None:
    if received != FRAME_UNITS[kind] * count:
        raise RuntimeError(f"{received} of {FRAME_UNITS[kind] * count} characters were received")


def _cpu_row(title: str, steps: dict[str, Steps], work: Work, rounds: int) -> Row:
    kind, count, connections = work
    ratios = interleave([Contender(name, run, _BASE) for name, run in steps.items()], rounds=rounds)
    frames = f"{connections} x {count}" if connections > 1 else f"{count}"
    notes = [
        f"{frames} frames of {FRAME_UNITS[kind]} characters",
        f"from round to round: {ratios['ours'].spread}",
    ]
    return Row(title, CPU_TARGET, ratios, notes)


def _memory_row(which: str, kind: str, measured: Memory) -> Row:
    title = f"pty.connect {which}unread frames of {FRAME_UNITS[kind]}, MB"
    note = f"of {FRAME_UNITS[kind] * _OFFERED[kind] / 1e6:.0f} MB offered, which were read after; {measured.note}"
    return Row(title, MEMORY_TARGET_MB, {"ours": exact(measured.most_mb)}, [note])


def _sync_memory(url: str, kind: str, idle_s: float) -> Memory:
    count = _OFFERED[kind]
    with OpencodeClient(f"{url}/{kind}/{count}") as client, client.pty.connect(PTY_ID) as output:
        measured = Memory()
        output.send("\r")
        time.sleep(idle_s)
        measured.stop()
        _drain(output, output.send, kind, count)
        return measured


async def _async_memory(url: str, kind: str, idle_s: float) -> Memory:
    count = _OFFERED[kind]
    async with (
        AsyncOpencodeClient(f"{url}/{kind}/{count}") as client,
        client.pty.connect(PTY_ID) as output,
    ):
        measured = Memory()
        await output.send("\r")
        await asyncio.sleep(idle_s)
        measured.stop()
        await _drain_awaited(output, output.send, kind, count)
        return measured
