"""The time from sending an event to the program having it, typed, relative to a reader of a bare socket.

Two readers have a connection each. One thread or task reads an event from the first, then one from the second. The
server sends to them in the same order. So both run at the same time on the same machine, and neither waits for the
other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from functools import partial
from statistics import median, quantiles
from time import perf_counter_ns
from typing import Any

import httpx

from benchmarks.event_readers import of_async_response, of_async_socket, of_response, of_socket
from benchmarks.event_server import sent_ns, serving_events
from benchmarks.measure import Row, ratio
from benchmarks.streams import VERSION
from opencode_client import AsyncOpencodeClient, OpencodeClient

TARGETS = {50: 1.6, 99: 2.0}
"""By percentile."""
_RATE = 200
_CONNECT_US = 300_000
"""Time to connect both readers, before the events that count."""
_HALF_US = 500_000 // _RATE
"""The rival's events are sent halfway between two events of the bare socket."""
_FIRST = 25
"""Events that do not count: the first ones pay for caches and lazy imports."""

Ids = Generator[str]
AsyncIds = AsyncGenerator[str]
Turn = Callable[[str, str], tuple[list[int], list[int]]]
"""Reads the first URL with a bare socket, the second with its rival. Returns the nanoseconds of each event."""


def rows(*, rounds: int, seconds: int) -> list[Row]:
    """Return rows of p50 and p99, sync and async. In each round, each pair has a turn of `seconds`."""
    with serving_events(VERSION) as url, asyncio.Runner() as runner:

        def awaited(read: Callable[[str], AsyncIds], *urls: str) -> tuple[list[int], list[int]]:
            return runner.run(_async_turn(_async_bare(urls[0]), read(urls[1])))

        pairs: dict[str, Turn] = {"ours": partial(_turn, _ours), "httpx": partial(_turn, _httpx)}
        awaited_pairs: dict[str, Turn] = {
            "ours": partial(awaited, _async_ours),
            "httpx": partial(awaited, _async_httpx),
        }
        return [
            *_rows("event.subscribe", url, pairs, rounds=rounds, seconds=seconds),
            *_rows("event.subscribe awaited", url, awaited_pairs, rounds=rounds, seconds=seconds),
        ]


def _bare(url: str) -> Ids:
    for event in of_socket(f"{url}/event"):
        yield event["id"]


def _ours(url: str) -> Ids:
    with OpencodeClient(url) as client, client.event.subscribe(reconnect=False) as events:
        for event in events:
            yield _id(event)


def _httpx(url: str) -> Ids:
    with httpx.Client() as client, client.stream("GET", f"{url}/event") as response:
        for event in of_response(response):
            yield event["id"]


async def _async_bare(url: str) -> AsyncIds:
    async for event in of_async_socket(f"{url}/event"):
        yield event["id"]


async def _async_ours(url: str) -> AsyncIds:
    async with AsyncOpencodeClient(url) as client, client.event.subscribe(reconnect=False) as events:
        async for event in events:
            yield _id(event)


async def _async_httpx(url: str) -> AsyncIds:
    async with httpx.AsyncClient() as client, client.stream("GET", f"{url}/event") as response:
        async for event in of_async_response(response):
            yield event["id"]


def _id(event: Any) -> str:  # Any: a StreamGap has no id, but there are none here
    found: str = event.id
    return found


def _turn(read: Callable[[str], Ids], url: str, rival_url: str) -> tuple[list[int], list[int]]:
    bare, rival = _bare(url), read(rival_url)
    for reader in (bare, rival):
        next(reader)
    taken: tuple[list[int], list[int]] = ([], [])
    for bare_id in bare:
        taken[0].append(perf_counter_ns() - sent_ns(bare_id))
        rival_id = next(rival)
        taken[1].append(perf_counter_ns() - sent_ns(rival_id))
    rival.close()
    return taken


async def _async_turn(bare: AsyncIds, rival: AsyncIds) -> tuple[list[int], list[int]]:
    for reader in (bare, rival):
        await anext(reader)
    taken: tuple[list[int], list[int]] = ([], [])
    async for bare_id in bare:
        taken[0].append(perf_counter_ns() - sent_ns(bare_id))
        rival_id = await anext(rival)
        taken[1].append(perf_counter_ns() - sent_ns(rival_id))
    await rival.aclose()
    return taken


Percentiles = list[float]
Rounds = list[tuple[Percentiles, Percentiles]]
"""The percentiles of the bare socket and of its rival, in each round."""


def _rows(which: str, url: str, pairs: Mapping[str, Turn], *, rounds: int, seconds: int) -> list[Row]:
    found: dict[str, Rounds] = {name: [] for name in pairs}
    for _ in range(rounds):
        for name, turn in pairs.items():
            start_us = perf_counter_ns() // 1000 + _CONNECT_US
            what = f"{url}/{_RATE}/{_FIRST + seconds * _RATE}"
            bare, rival = turn(f"{what}/{start_us}", f"{what}/{start_us + _HALF_US}")
            found[name].append((quantiles(bare[_FIRST:], n=100), quantiles(rival[_FIRST:], n=100)))
    return [_row(which, percentile, found) for percentile in TARGETS]


def _row(which: str, percentile: int, found: Mapping[str, Rounds]) -> Row:
    at = percentile - 1
    bare, ours = ([side[at] for side in sides] for sides in zip(*found["ours"], strict=True))
    ratios = {
        name: ratio([rival[at] for _, rival in rounds], [bare[at] for bare, _ in rounds])
        for name, rounds in found.items()
    }
    notes = [
        f"{median(ours) / 1e3:.0f} of {median(bare) / 1e3:.0f} microseconds, medians of the rounds",
        f"ours from round to round: {ratios['ours'].spread}",
        f"httpx + json.loads: {ratios['httpx']}",
    ]
    title = f"{which}, p{percentile} of latency at {_RATE} events/s / socket + json.loads"
    return Row(title, TARGETS[percentile], {"ours": ratios["ours"]}, notes)
