"""Typed event streams end to end: CPU time and memory, relative to bare httpx with the same server and the same bytes.

The server is another process and sends recorded events. Only reading is timed, not opening and closing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial

import httpx

from benchmarks.event_readers import of_async_httpx_sse, of_async_response, of_httpx_sse, of_response
from benchmarks.event_server import serving_events
from benchmarks.measure import Contender, Memory, Row, Steps, exact, interleave
from opencode_client import AsyncOpencodeClient, OpencodeClient

VERSION = "1.18.33"
CPU_TARGET = 1.0
MEMORY_TARGET_MB = 1.0
_RUSH = 3000
"""Events to a turn in which one read brings many."""
_SINGLE = 500
_SINGLE_RATE = 2000
"""Events to a turn, and events a second, when each read brings one."""
_WARM = 2000
"""Events before memory counts: they pay for caches and lazy imports."""
_BASE = "httpx"


def rows(*, rounds: int, memory_events: int) -> list[Row]:
    """Return rows of CPU time, sync and async, in a rush and one by one; then of the memory of a long stream."""
    with serving_events(VERSION) as url:
        return [
            _sync_row(url, "in a rush", 0, _RUSH, rounds=rounds),
            _sync_row(url, "one by one", _SINGLE_RATE, _SINGLE, rounds=rounds),
            _async_row(url, "in a rush", 0, _RUSH, rounds=rounds),
            _async_row(url, "one by one", _SINGLE_RATE, _SINGLE, rounds=rounds),
            _memory_row("", memory_events, _sync_memory(url, memory_events)),
            _memory_row("awaited, ", memory_events, asyncio.run(_async_memory(url, memory_events))),
        ]


def _sync_row(url: str, how: str, rate: int, count: int, *, rounds: int) -> Row:
    base_url = f"{url}/{rate}/{count}/0"
    with httpx.Client() as bare, OpencodeClient(base_url) as client:

        def by(read: Callable[[httpx.Response], Iterable[object]]) -> Iterator[Callable[[], object]]:
            with bare.stream("GET", f"{base_url}/event") as response:
                yield partial(_drain, read(response), count)

        def ours() -> Iterator[Callable[[], object]]:
            with client.event.subscribe(reconnect=False) as events:
                yield partial(_drain, events, count)

        steps: dict[str, Steps] = {
            _BASE: partial(by, of_response),
            "ours": ours,
            "httpx-sse": partial(by, of_httpx_sse),
        }
        return _cpu_row(f"event.subscribe, {how} / httpx + json.loads", steps, rounds)


def _async_row(url: str, how: str, rate: int, count: int, *, rounds: int) -> Row:
    base_url = f"{url}/{rate}/{count}/0"
    bare, client = httpx.AsyncClient(), AsyncOpencodeClient(base_url)

    async def close() -> None:
        await bare.aclose()
        await client.close()

    with asyncio.Runner() as runner:

        def by(read: Callable[[httpx.Response], AsyncIterator[object]]) -> Iterator[Callable[[], object]]:
            request = bare.build_request("GET", f"{base_url}/event")
            response = runner.run(bare.send(request, stream=True))
            yield lambda: runner.run(_drain_awaited(read(response), count))
            runner.run(response.aclose())

        def ours() -> Iterator[Callable[[], object]]:
            events = client.event.subscribe(reconnect=False)
            runner.run(events.__aenter__())
            yield lambda: runner.run(_drain_awaited(aiter(events), count))
            runner.run(events.close())

        steps: dict[str, Steps] = {
            _BASE: partial(by, of_async_response),
            "ours": ours,
            "httpx-sse": partial(by, of_async_httpx_sse),
        }
        try:
            return _cpu_row(f"event.subscribe awaited, {how} / httpx + json.loads", steps, rounds)
        finally:
            runner.run(close())


def _drain(events: Iterable[object], count: int) -> None:
    _check(sum(1 for _ in events), count)


async def _drain_awaited(events: AsyncIterator[object], count: int) -> None:
    received = 0
    async for _ in events:
        received += 1
    _check(received, count)


def _check(received: int, count: int) -> None:
    if received != count:
        raise RuntimeError(f"{received} of {count} events were received")


def _cpu_row(title: str, steps: dict[str, Steps], rounds: int) -> Row:
    ratios = interleave([Contender(name, run, _BASE) for name, run in steps.items()], rounds=rounds)
    notes = [
        f"ours from round to round: {ratios['ours'].spread}",
        f"httpx-sse + json.loads: {ratios.pop('httpx-sse')}",
    ]
    return Row(title, CPU_TARGET, ratios, notes)


def _memory_row(which: str, count: int, measured: Memory) -> Row:
    title = f"event.subscribe {which}memory of {count} events, MB"
    return Row(title, MEMORY_TARGET_MB, {"ours": exact(measured.most_mb)}, [measured.note])


def _sync_memory(url: str, count: int) -> Memory:
    with (
        OpencodeClient(f"{url}/0/{_WARM + count}/0") as client,
        client.event.subscribe(reconnect=False) as events,
    ):
        for _ in range(_WARM):
            next(events)
        measured = Memory()
        _drain(events, count)
        return measured.stop()


async def _async_memory(url: str, count: int) -> Memory:
    async with (
        AsyncOpencodeClient(f"{url}/0/{_WARM + count}/0") as client,
        client.event.subscribe(reconnect=False) as events,
    ):
        for _ in range(_WARM):
            await anext(events)
        measured = Memory()
        await _drain_awaited(aiter(events), count)
        return measured.stop()
