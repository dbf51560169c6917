"""Many calls at once, cancelled calls, closed clients: no call hangs, no connection stays open."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from attrs import frozen

from opencode_client import (
    AsyncOpencodeClient,
    ConnectError,
    OpencodeClient,
    OpencodeError,
)
from tests.support.busy_server import BusyServer
from tests.support.concurrency import EMPTY_LIST, HALF, NO_WAITING, PROMPTS, Threads, Turns, run_turns
from tests.support.concurrency import busy as busy  # a fixture
from tests.support.concurrency import one_connection as one_connection  # a fixture
from tests.support.faulty_server import FaultyServer, Peer, answer, stall
from tests.support.sizes import small_and_full

T = TypeVar("T")


@frozen
class Crowd:
    """The wrong responses to many calls on one client, and the files, threads and tasks left after its end."""

    wrong: list[object]
    files: list[str]
    threads: set[threading.Thread]
    tasks: int


def _ask_from_threads(url: str, calls: int) -> tuple[list[object], int]:
    def work(number: int) -> list[str]:
        return [client.session.get(f"ses_{number}x{i}").id for i in range(5)]

    with OpencodeClient(url) as client:
        outcomes = Threads(calls // 5, work).join()
    right = [[f"ses_{number}x{i}" for i in range(5)] for number in range(calls // 5)]
    return [outcome for outcome in outcomes if outcome not in right], 0


def _ask_from_tasks(url: str, calls: int) -> tuple[list[object], int]:
    async def ask() -> tuple[list[object], int]:
        async with AsyncOpencodeClient(url) as client:
            waiting = [client.session.get(f"ses_{i}") for i in range(calls)]
            sessions = await asyncio.gather(*waiting, return_exceptions=True)
        wrong = [s for i, s in enumerate(sessions) if isinstance(s, BaseException) or s.id != f"ses_{i}"]
        return list(wrong), len(asyncio.all_tasks()) - 1

    return asyncio.run(ask())


def _files() -> Counter[str]:
    """Return the open descriptors. Each is read alone, because other threads may close some meanwhile."""
    gc.collect()
    found: Counter[str] = Counter()
    descriptors = Path("/proc/self/fd")
    for file in descriptors.iterdir() if descriptors.exists() else ():
        with suppress(OSError):  # the folder /proc/self/fd itself was open while it was read
            found[str(file.readlink())] += 1
    return found


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((_ask_from_threads, 80), id="16 threads"),
        pytest.param((_ask_from_tasks, 150), id="150 tasks"),  # more than there are connections
        pytest.param((_ask_from_threads, 320), id="64 threads", marks=pytest.mark.stress),
        pytest.param((_ask_from_tasks, 1000), id="1000 tasks", marks=pytest.mark.stress),
    ],
)
def crowd(request: pytest.FixtureRequest) -> Crowd:
    """The result of many calls, made once for all tests that use it."""
    with BusyServer() as server:
        files, threads = _files(), set(threading.enumerate())
        ask, calls = request.param
        wrong, tasks = ask(server.url, calls)
        server.await_connections(0)
        left = sorted((_files() - files).elements())
        return Crowd(wrong, left, set(threading.enumerate()) - threads, tasks)


def test_each_of_many_calls_gets_its_own_response(crowd: Crowd) -> None:
    assert crowd.wrong == []


def test_a_closed_client_leaves_no_file_thread_or_task_after_many_calls(crowd: Crowd) -> None:
    assert (crowd.files, crowd.threads, crowd.tasks) == ([], set(), 0)


def _prompt_from_threads(server: BusyServer) -> tuple[list[object], list[object]]:
    with OpencodeClient(server.url, timeout=5) as client:
        prompts = Threads(PROMPTS, lambda number: client.session.prompt(f"ses_{number}", parts=[]).parts)
        server.await_prompts(PROMPTS)
        meanwhile = [
            client.permission.reply("per_1", reply="once"),
            client.session.abort("ses_1"),
            client.session.list(),
        ]
        server.answer_prompts()
        return list(meanwhile), prompts.join()


def _prompt_from_tasks(server: BusyServer) -> tuple[list[object], list[object]]:
    async def prompt() -> tuple[list[object], list[object]]:
        async with AsyncOpencodeClient(server.url, timeout=5) as client:
            calls = [client.session.prompt(f"ses_{number}", parts=[]) for number in range(PROMPTS)]
            prompts = asyncio.gather(*calls)
            await asyncio.to_thread(server.await_prompts, PROMPTS)
            meanwhile = [
                await client.permission.reply("per_1", reply="once"),
                await client.session.abort("ses_1"),
                await client.session.list(),
            ]
            server.answer_prompts()
            return list(meanwhile), [reply.parts for reply in await prompts]

    return asyncio.run(prompt())


@pytest.mark.parametrize("prompt", [_prompt_from_threads, _prompt_from_tasks], ids=["sync", "async"])
def test_waiting_prompts_do_not_block_replies_aborts_and_reads(
    busy: BusyServer, prompt: Callable[[BusyServer], tuple[list[object], list[object]]]
) -> None:
    meanwhile, replies = prompt(busy)
    assert meanwhile == [True, True, []]
    assert replies == [[]] * PROMPTS


def _answer_in_pieces(peer: Peer) -> None:
    while True:
        peer.receive()
        for piece in (EMPTY_LIST[:20], EMPTY_LIST[20:-1], EMPTY_LIST[-1:]):
            peer.send(piece)
            threading.Event().wait(0.002)  # so that the client waits for each piece


def _outcome_after_cancelling(url: str, turn: int, calls_before: int) -> str:
    """Cancel a call at a turn of the event loop after its start, and return the result of another call."""
    turns = Turns()

    async def body() -> str:
        async with AsyncOpencodeClient(url, max_retries=0) as client:
            for _ in range(calls_before):
                await client.session.list()
            call = asyncio.create_task(client.session.list())
            turns.left, turns.then = turn, call.cancel
            await asyncio.wait([call])
            if not call.cancelled():
                return "not cancelled"
            try:
                await client.session.list(timeout=NO_WAITING)
            except OpencodeError as error:
                return str(error)
            return "fine"

    return run_turns(turns, body())


@pytest.mark.parametrize("calls_before", [0, 1], ids=["new connection", "kept connection"])
def test_a_call_cancelled_at_any_step_of_the_event_loop_leaves_no_connection(
    one_connection: None, calls_before: int
) -> None:
    with FaultyServer([_answer_in_pieces]) as server:
        outcomes = [_outcome_after_cancelling(server.url, turn, calls_before) for turn in range(1, 25)]
    assert outcomes.count("fine") > 4
    assert set(outcomes) == {"fine", "not cancelled"}


def _anyio_leaves_sockets_open() -> bool:
    return tuple(map(int, version("anyio").split(".")[:2])) < (4, 16)


@small_and_full("calls", 60, 1500)
@pytest.mark.parametrize("cancels", [1, 2])
@pytest.mark.parametrize(
    "is_given",
    [
        pytest.param(False, id="own connections"),
        pytest.param(
            True,
            id="http_client",
            marks=pytest.mark.skipif(
                _anyio_leaves_sockets_open(),
                reason="anyio before 4.16 leaves sockets of cancelled calls open",
            ),
        ),
    ],
)
def test_cancelled_calls_leave_no_connection(
    busy: BusyServer, one_connection: None, is_given: bool, cancels: int, calls: int
) -> None:
    """The second cancellation arrives while the call cleans up after the first one.

    60 calls cover all steps of a call and of its cleaning up.
    """

    async def body() -> None:
        given = httpx.AsyncClient(trust_env=False) if is_given else None
        async with AsyncOpencodeClient(busy.url, http_client=given) as client:
            for number in range(min(calls, 600) if is_given else calls):
                call = asyncio.create_task(client.session.get(f"ses_{number}"))
                for turns in (number % 15, number % 4)[:cancels]:
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    call.cancel()
                await asyncio.gather(call, return_exceptions=True)
            others = [client.session.get(f"ses_{number}", timeout=5) for number in range(100)]
            assert [session.id for session in await asyncio.gather(*others)] == [
                f"ses_{number}" for number in range(100)
            ]
        if given is not None:
            await given.aclose()
        await asyncio.to_thread(busy.await_connections, 0)

    asyncio.run(body())


def test_a_prompt_cancelled_while_it_waits_closes_its_connection(busy: BusyServer) -> None:
    async def body() -> None:
        async with AsyncOpencodeClient(busy.url) as client:
            prompt = asyncio.create_task(client.session.prompt("ses_1", parts=[]))
            await asyncio.to_thread(busy.await_prompts, 1)
            prompt.cancel()
            with pytest.raises(asyncio.CancelledError):
                await prompt
            await asyncio.to_thread(busy.await_connections, 0)
            assert await client.session.list() == []

    asyncio.run(body())


def test_a_call_cancelled_while_its_body_arrives_closes_its_connection(one_connection: None) -> None:
    async def body() -> None:
        async with AsyncOpencodeClient(server.url) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.session.list(), 0.05)
            await asyncio.to_thread(server.await_ended, 1)
            assert await client.session.list() == []

    with FaultyServer([stall(HALF)], [answer(EMPTY_LIST)]) as server:
        asyncio.run(body())


@pytest.fixture
def interrupts() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also where pytest runs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="no signal ends a wait for a socket there")
@pytest.mark.parametrize("start", [b"", HALF], ids=["waiting for headers", "reading the body"])
def test_an_interrupted_call_closes_its_connection(
    interrupts: None, one_connection: None, start: bytes
) -> None:
    def interrupt(peer: Peer) -> None:
        peer.receive()
        peer.send(start)
        if sys.platform != "win32":
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        peer.wait()

    with FaultyServer([interrupt], [answer(EMPTY_LIST)]) as server, OpencodeClient(server.url) as client:
        with pytest.raises(KeyboardInterrupt):
            client.session.list()
        server.await_ended(1)
        assert client.session.list() == []


def _wait_with_threads(server: FaultyServer) -> object:
    with OpencodeClient(server.url, max_retries=0) as client:
        first = Threads(1, lambda _: client.session.list())
        server.await_requests(1)
        try:
            return client.session.list(timeout=NO_WAITING)
        finally:
            server.close()
            first.join()


def _wait_with_tasks(server: FaultyServer) -> object:
    async def wait() -> object:
        async with AsyncOpencodeClient(server.url, max_retries=0) as client:
            first = asyncio.gather(client.session.list(), return_exceptions=True)
            await asyncio.to_thread(server.await_requests, 1)
            try:
                return await client.session.list(timeout=NO_WAITING)
            finally:
                await asyncio.to_thread(server.close)
                await first

    return asyncio.run(wait())


@pytest.mark.parametrize("wait", [_wait_with_threads, _wait_with_tasks], ids=["sync", "async"])
def test_a_call_without_a_free_connection_raises_connect_error(
    one_connection: None, wait: Callable[[FaultyServer], object]
) -> None:
    with FaultyServer([stall()]) as server, pytest.raises(ConnectError, match="all connections are busy"):
        wait(server)
    assert len(server.requests) == 1
