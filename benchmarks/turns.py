"""Turns end to end, relative to the same calls and the same events without a turn; and their memory.

Each contender has a server of its own, which is another process: the event connection of turns stays open for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request, urlopen

from benchmarks.measure import Contender, Memory, Row, exact, interleave
from benchmarks.turn_server import WORD, serving_turns
from opencode_client import AsyncOpencodeClient, OpencodeClient
from opencode_client.models import EventSessionIdle, TextPartInput

RUN_TARGET = 1.3
LONG_TARGET = 1.5
MANY_TARGET = 3.0
MEMORY_TARGET_MB = 25.0
_RUNS = 10
"""Runs to a step."""
_SHORT, _LONG = 200, 20_000
"""Deltas of a short turn and of a long one."""
_MANY, _EACH = 100, 500
"""Turns at once, and deltas of each."""
_WARM = 500
_BASE = "without a turn"
_PARTS = [TextPartInput(text="hi")]


def rows(*, rounds: int, memory_deltas: int) -> list[Row]:
    """Return rows of CPU time, sync and async: runs, a long turn, many turns at once; then of memory."""
    with serving_turns() as bare, serving_turns() as own:
        return [
            *_cpu_rows(bare, own, rounds=rounds),
            *_awaited_cpu_rows(bare, own, rounds=rounds),
            _memory_row(own, memory_deltas, is_read=True),
            _memory_row(own, memory_deltas, is_read=False),
        ]


def _run_row(bare: str, own: str, *, rounds: int) -> Row:
    """Return the row of runs with a client that is used already, so its caches are warm."""
    with OpencodeClient(f"{bare}/{_SHORT}") as client, OpencodeClient(f"{own}/{_SHORT}") as running:

        def by_hand() -> None:
            for _ in range(_RUNS):
                with client.event.subscribe() as events:
                    client.session.prompt(client.session.create().id, parts=_PARTS)
                    _drain(events, 1)

        def runs() -> None:
            for _ in range(_RUNS):
                running.run("hi")

        return _row("client.run", RUN_TARGET, by_hand, runs, rounds)


def _awaited_run_row(bare: str, own: str, *, rounds: int) -> Row:
    with asyncio.Runner() as runner:
        client, running = AsyncOpencodeClient(f"{bare}/{_SHORT}"), AsyncOpencodeClient(f"{own}/{_SHORT}")

        async def by_hand() -> None:
            for _ in range(_RUNS):
                async with client.event.subscribe() as events:
                    await client.session.prompt((await client.session.create()).id, parts=_PARTS)
                    await _drain_awaited(aiter(events), 1)

        async def runs() -> None:
            for _ in range(_RUNS):
                await running.run("hi")

        try:
            return _row(
                "client.run awaited",
                RUN_TARGET,
                lambda: runner.run(by_hand()),
                lambda: runner.run(runs()),
                rounds,
            )
        finally:
            runner.run(client.close())
            runner.run(running.close())


def _cpu_rows(bare: str, own: str, *, rounds: int) -> list[Row]:
    def read(deltas: int, turns: int) -> None:
        with OpencodeClient(f"{bare}/{deltas}") as client, client.event.subscribe() as events:
            _start(f"{bare}/{deltas}", turns)
            _drain(events, turns)

    def long_turn() -> None:
        with OpencodeClient(f"{own}/{_LONG}") as client, client.turn("hi") as turn:
            _check(sum(len(getattr(one, "text", "")) for one in turn), _LONG * len(WORD))

    def many_turns() -> None:
        with OpencodeClient(f"{own}/{_EACH}") as client, ThreadPoolExecutor(_MANY) as threads:
            for result in threads.map(client.run, ["hi"] * _MANY):
                _check(len(result.text), _EACH * len(WORD))

    return [
        _run_row(bare, own, rounds=rounds),
        _row("client.turn", LONG_TARGET, lambda: read(_LONG, 1), long_turn, rounds),
        _row("client.run in threads", MANY_TARGET, lambda: read(_EACH, _MANY), many_turns, rounds),
    ]


def _awaited_cpu_rows(bare: str, own: str, *, rounds: int) -> list[Row]:
    async def read(deltas: int, turns: int) -> None:
        async with AsyncOpencodeClient(f"{bare}/{deltas}") as client, client.event.subscribe() as events:
            await asyncio.to_thread(_start, f"{bare}/{deltas}", turns)
            await _drain_awaited(aiter(events), turns)

    async def long_turn() -> None:
        async with AsyncOpencodeClient(f"{own}/{_LONG}") as client, client.turn("hi") as turn:
            _check(sum([len(getattr(one, "text", "")) async for one in turn]), _LONG * len(WORD))

    async def many_turns() -> None:
        async with AsyncOpencodeClient(f"{own}/{_EACH}") as client:
            for result in await asyncio.gather(*(client.run("hi") for _ in range(_MANY))):
                _check(len(result.text), _EACH * len(WORD))

    return [
        _awaited_run_row(bare, own, rounds=rounds),
        _row(
            "client.turn awaited",
            LONG_TARGET,
            lambda: asyncio.run(read(_LONG, 1)),
            lambda: asyncio.run(long_turn()),
            rounds,
        ),
        _row(
            "client.run awaited at once",
            MANY_TARGET,
            lambda: asyncio.run(read(_EACH, _MANY)),
            lambda: asyncio.run(many_turns()),
            rounds,
        ),
    ]


_TITLES = {
    RUN_TARGET: f"{_RUNS} times, / session.create, event.subscribe, session.prompt",
    LONG_TARGET: f"of {_LONG} deltas / event.subscribe",
    MANY_TARGET: f"{_MANY} times at once / event.subscribe, once",
}


def _row(
    what: str, target: float, base: Callable[[], object], ours: Callable[[], object], rounds: int
) -> Row:
    contenders = [Contender(_BASE, lambda: [base], _BASE), Contender("ours", lambda: [ours], _BASE)]
    ratios = interleave(contenders, rounds=rounds)
    return Row(f"{what} {_TITLES[target]}", target, ratios, [f"from round to round: {ratios['ours'].spread}"])


def _start(base_url: str, turns: int) -> None:
    with urlopen(Request(f"{base_url}/start/{turns}", method="POST")):  # noqa: S310 # our own server
        pass


def _drain(events: Iterable[object], turns: int) -> None:
    for event in events:
        turns -= isinstance(event, EventSessionIdle)
        if not turns:
            return


async def _drain_awaited(events: AsyncIterator[object], turns: int) -> None:
    async for event in events:
        turns -= isinstance(event, EventSessionIdle)
        if not turns:
            return


def _check(received: int, wanted: int) -> None:
    if received != wanted:
        raise RuntimeError(f"{received} of {wanted} characters were received")


def _memory_row(url: str, deltas: int, *, is_read: bool) -> Row:
    _play(f"{url}/{_WARM}", is_read=is_read)
    measured = Memory()
    _play(f"{url}/{deltas}", is_read=is_read)
    measured.stop()
    how = "read" if is_read else "not read until its end"
    title = f"client.turn, memory of {deltas} deltas, {how}, MB"
    notes = [f"their text has {deltas * len(WORD) / 1e6:.1f} MB", measured.note]
    return Row(title, MEMORY_TARGET_MB, {"ours": exact(measured.most_mb)}, notes)


def _play(base_url: str, *, is_read: bool) -> None:
    with OpencodeClient(base_url) as client, client.turn("hi") as turn:
        if is_read:
            for _ in turn:
                pass
        turn.result()
