"""The event loops of an `AsyncOpencodeClient`: several in turn, two at once, and one that is not of asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading

import httpx
import pytest

from opencode_client import AsyncOpencodeClient, EventLoopError
from tests.support.busy_server import PATIENCE_S, BusyServer
from tests.support.concurrency import busy as busy  # a fixture


def test_a_client_may_be_used_in_several_event_loops_in_turn(busy: BusyServer) -> None:
    client = AsyncOpencodeClient(busy.url)
    for number in range(3):
        assert asyncio.run(client.session.get(f"ses_{number}")).id == f"ses_{number}"
        busy.await_connections(1)
    asyncio.run(client.close())
    busy.await_connections(0)
    gc.collect()  # an unclosed connection warns now


def test_a_client_may_wait_for_a_prompt_in_a_later_event_loop(busy: BusyServer) -> None:
    async def prompt() -> None:
        calls = asyncio.gather(client.session.prompt("ses_1", parts=[]), client.session.get("ses_1"))
        await asyncio.to_thread(busy.await_prompts, 1)
        busy.answer_prompts()
        await calls

    client = AsyncOpencodeClient(busy.url)
    asyncio.run(prompt())
    asyncio.run(prompt())
    asyncio.run(client.close())


def test_a_second_event_loop_at_the_same_time_is_an_error(busy: BusyServer) -> None:
    client = AsyncOpencodeClient(busy.url)
    is_used, is_over = threading.Event(), threading.Event()

    async def use() -> None:
        await client.session.get("ses_1")
        is_used.set()
        await asyncio.to_thread(is_over.wait, PATIENCE_S)
        await client.session.get("ses_2")
        await client.close()

    thread = threading.Thread(target=lambda: asyncio.run(use()))
    thread.start()
    assert is_used.wait(PATIENCE_S)
    with pytest.raises(EventLoopError, match="make a client for each event loop"):
        asyncio.run(client.session.get("ses_3"))
    with pytest.raises(RuntimeError):  # EventLoopError is one, too
        asyncio.run(client.close())
    is_over.set()
    thread.join(PATIENCE_S)
    busy.await_connections(0)


def test_a_client_without_asyncio_raises_event_loop_error(busy: BusyServer) -> None:
    client = AsyncOpencodeClient(busy.url)
    opening = client.event.subscribe().__aenter__(), client.terminal().__aenter__()
    for call in (client.session.get("ses_1"), client.check_server(), *opening):
        with pytest.raises(EventLoopError, match="needs asyncio"):
            call.send(None)  # as another library's event loop would
    assert busy.requests == []


def test_an_http_client_with_connections_of_a_closed_event_loop_is_an_error(busy: BusyServer) -> None:
    def use() -> None:  # garbage may be collected at any step
        own = httpx.AsyncClient(trust_env=False)
        client = AsyncOpencodeClient(busy.url, http_client=own)
        asyncio.run(client.session.get("ses_1"))
        with pytest.raises(EventLoopError, match=r"make a new httpx\.AsyncClient"):
            asyncio.run(client.session.get("ses_2"))

    def use_and_collect() -> None:
        use()
        gc.collect()

    with pytest.warns(ResourceWarning):  # the connection of the first event loop cannot be closed any more
        use_and_collect()


def test_aclosing_closes_a_client(busy: BusyServer) -> None:
    async def use() -> None:
        async with contextlib.aclosing(AsyncOpencodeClient(busy.url)) as client:
            await client.session.get("ses_1")
        await asyncio.to_thread(busy.await_connections, 0)

    asyncio.run(use())
