"""Streams through a proxy that cuts, resets, stalls and delays them: no event is lost without a gap.

The slowest test is the synchronous stream that resumes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import accumulate
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from opencode_client import AsyncOpencodeClient, StreamGap
from opencode_client.models import EventSessionIdle, SessionNextTextEnded
from tests.support.both_clients import ClientKind
from tests.support.chaos_proxy import ChaosProxy, Fate
from tests.support.faulty_server import FaultyServer, Peer, Step, http
from tests.support.sizes import small_and_full
from tests.support.stream_cases import HEAD, chunk, event_of
from tests.support.stream_cases import hurry as hurry  # a fixture

_WATCHDOG_S = 0.2
_HEALTH = http(b'{"healthy": true, "version": "1.18.33"}')


def _event_chunk(value: object) -> bytes:
    return chunk(event_of(value))


def _durable(sequence: int) -> bytes:
    return _event_chunk(
        {
            "id": f"evt_{sequence}",
            "type": "session.next.text.ended",
            "durable": {"aggregateID": "ses_1", "seq": sequence, "version": 1},
            "data": {
                "timestamp": sequence,
                "sessionID": "ses_1",
                "assistantMessageID": "msg_1",
                "textID": "text-0",
                "text": "x" * (sequence % 97),
            },
        }
    )


def _replays(events: list[bytes]) -> Step:
    """Respond as 1.18.33 does for the stream of a session with these events, numbered from 1."""
    starts = [0, *accumulate(map(len, events))]
    all_of_them = memoryview(b"".join(events))

    def step(peer: Peer) -> None:
        request = peer.receive()
        if not request.path.endswith("/event"):
            peer.send(_HEALTH)
            return
        [after] = parse_qs(urlsplit(request.target).query).get("after", ["0"])
        peer.send(HEAD)
        peer.send(all_of_them[starts[int(after)] :])
        peer.wait()

    return step


def _idle(number: int) -> bytes:
    value = {"id": f"evt_{number}", "type": "session.idle", "properties": {"sessionID": f"ses_{number}"}}
    return _event_chunk(value)


class _Instance:
    """An instance on a server, disposed now and then. Its numbered events also happen while no stream is open."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 # not for secrets: the same numbers in every run
        self._happened = 0

    def step(self, peer: Peer) -> None:
        """Send the events that happen from now on, until the instance is disposed."""
        peer.receive()
        first = self._happened + self._random.choice((1, 4))  # perhaps three happen while no stream is open
        self._happened = first + self._random.randint(50, 400)
        peer.send(HEAD + b"".join(map(_idle, range(first, self._happened + 1))) + b"0\r\n\r\n")
        peer.end()


def _until(client_kind: ClientKind, stream: Any, is_enough: Callable[[list[Any]], bool]) -> list[Any]:
    """Read a stream until `is_enough` is true, and return its items."""
    found: list[Any] = []

    async def take() -> None:
        async with stream as items:
            async for item in items:
                found.append(item)
                if is_enough(found):
                    return

    if client_kind.is_async:
        client_kind.call(take)
        return found
    with stream as items:
        for item in items:
            found.append(item)
            if is_enough(found):
                break
    return found


@small_and_full("count", 1_000, 10_000)
def test_a_session_stream_yields_each_event_once(client_kind: ClientKind, count: int) -> None:
    events = [_durable(sequence) for sequence in range(1, count + 1)]
    with (
        FaultyServer([_replays(events)]) as server,
        ChaosProxy(server.url, seed=4, most_bytes=15 * count) as proxy,
    ):
        stream = client_kind.client(proxy.url).v2.session.events("ses_1", watchdog_s=_WATCHDOG_S)
        found = _until(client_kind, stream, lambda items: _sequence(items[-1]) == count)
    assert {type(item) for item in found} == {SessionNextTextEnded}
    assert [item.durable.seq for item in found] == list(range(1, count + 1))
    assert proxy.met.keys() == set(Fate)


def _sequence(item: Any) -> int | None:
    return item.durable.seq if isinstance(item, SessionNextTextEnded) and item.durable else None


@small_and_full("count", 800, 5_000)
def test_a_live_stream_has_a_gap_where_it_lost_events(client_kind: ClientKind, count: int) -> None:
    instance = _Instance(seed=4)
    with (
        FaultyServer([instance.step]) as server,
        ChaosProxy(server.url, seed=4, most_bytes=8 * count) as proxy,
    ):
        stream = client_kind.client(proxy.url).event.subscribe(watchdog_s=_WATCHDOG_S)
        found = _until(client_kind, stream, lambda items: len(items) == count)
    assert {type(item) for item in found} == {EventSessionIdle, StreamGap}
    assert proxy.met.keys() == set(Fate)
    with_gap, without_gap = _steps(found)
    assert set(without_gap) == {1}
    assert min(with_gap) == 1
    assert max(with_gap) > 1


def _number(item: Any) -> int | None:
    return None if isinstance(item, StreamGap) else int(item.properties.session_id.removeprefix("ses_"))


def _steps(items: list[Any]) -> tuple[list[int], list[int]]:
    """Return the differences between the numbers of successive events: with a gap between them, and without."""
    steps: tuple[list[int], list[int]] = ([], [])
    last, after_gap = 0, True
    for item in items:
        number = _number(item)
        if number is None:
            after_gap = True
        else:
            steps[0 if after_gap else 1].append(number - last)
            last, after_gap = number, False
    return steps


@small_and_full("count", 40, 200)
def test_calls_return_while_many_streams_are_open(count: int) -> None:
    release = threading.Event()

    def step(peer: Peer) -> None:
        while True:
            if peer.receive().path != "/event":
                peer.send(http(b"[]"))
                continue
            peer.send(HEAD)
            release.wait(30)
            peer.send(_idle(1))

    async def run(url: str) -> tuple[list[Any], list[Any]]:
        async with AsyncOpencodeClient(url) as client, AsyncExitStack() as opened:
            streams = [
                await opened.enter_async_context(client.event.subscribe(reconnect=False))
                for _ in range(count)
            ]
            first = asyncio.gather(*(anext(stream) for stream in streams))
            calls = await asyncio.gather(*(client.session.list() for _ in range(count)))
            assert not first.done()
            release.set()
            return calls, await first

    with FaultyServer([step]) as server:
        calls, events = asyncio.run(run(server.url))
        server.await_ended(count)
    assert calls == [[]] * count
    assert [type(event) for event in events] == [EventSessionIdle] * count
