"""Streams that are used in a wrong task, event loop or order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from opencode_client import (
    OpencodeError,
    StreamClosedError,
    StreamGap,
)
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer
from tests.support.stream_cases import begin, end, hang, idle_event, ids, take
from tests.support.stream_cases import hurry as hurry  # a fixture


def test_two_tasks_cannot_read_one_stream_at_once() -> None:
    client_kind = ClientKind(is_async=True)

    async def run(stream: Any) -> None:
        async with stream:
            waiting = asyncio.create_task(anext(stream))
            await asyncio.sleep(0)
            with pytest.raises(OpencodeError, match=r"share\(\)"):
                await anext(stream)
            await stream.close()
            with pytest.raises(StopAsyncIteration):
                await waiting

    with FaultyServer([begin(), hang]) as server:
        client_kind.call(run, client_kind.client(server.url).event.subscribe())
    client_kind.close()


def test_a_stream_of_another_event_loop_raises() -> None:
    async def first(client: Any) -> Any:
        stream = await client.event.subscribe().__aenter__()
        assert ids([await anext(stream)]) == ["a"]
        return stream

    async def second(stream: Any) -> None:
        with pytest.raises(StreamClosedError, match="another process or event loop"):
            await anext(stream)
        await stream.close()

    with FaultyServer([begin(idle_event("a")), hang]) as server:
        client = ClientKind(is_async=True).client(server.url)
        stream = asyncio.run(first(client))
        server.await_ended(1)
        asyncio.run(second(stream))


@pytest.mark.parametrize("subscribe", ["event.subscribe", "share"])
def test_a_stream_outside_asyncio_raises_an_opencode_error(subscribe: str) -> None:
    stream = ClientKind(is_async=True).client().event.subscribe()
    items = stream if subscribe == "event.subscribe" else stream.share().subscribe()
    with pytest.raises(OpencodeError, match="needs asyncio"):
        items.__aenter__().send(None)  # as another event loop library would run it


def test_a_subscription_after_the_last_one_was_closed_raises(client_kind: ClientKind) -> None:
    with FaultyServer([begin(idle_event("a")), hang]) as server:
        shared = client_kind.client(server.url).event.subscribe().share()
        first = shared.subscribe()
        take(client_kind, first, 1)
        for late in (first, shared.subscribe()):
            with pytest.raises(StreamClosedError):
                take(client_kind, late)


def test_an_on_gap_that_reads_its_stream_gets_an_error(client_kind: ClientKind) -> None:
    def read(_: StreamGap) -> None:
        if client_kind.is_async:
            anext(stream).send(None)
        else:
            next(stream)

    with FaultyServer([begin(idle_event("a")), end], [begin(idle_event("b")), hang]) as server:
        stream = client_kind.client(server.url).event.subscribe(on_gap=read, max_attempts=2)
        with pytest.raises(OpencodeError, match="read"):
            take(client_kind, stream, 3)
