"""Many calls at once, calls that are given up, closed clients: nobody waits in vain, nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import selectors
import signal
import socket
import ssl
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import httpx
import pytest
from attrs import frozen

from opencode_client import (
    AsyncOpencodeClient,
    ClientClosedError,
    ConnectError,
    OpencodeClient,
    OpencodeError,
    UnsupportedOperationError,
)
from tests.busy_server import PATIENCE_S, BusyServer
from tests.faulty_server import FaultyServer, Peer, Step, answer, answer_each, http, stall
from tests.worlds import World

T = TypeVar("T")
_PROMPTS = 150
_CLOSING_S = 2.0
_TURN_S = 0.01
_NO_WAITING = httpx.Timeout(5, pool=0.05)
_EMPTY_LIST = http(b"[]")
_HALF = http(b"[", headers={"content-type": "application/json", "content-length": "2"})


@pytest.fixture
def busy() -> Iterator[BusyServer]:
    """A server that answers prompts when it is told to."""
    with BusyServer() as server:
        yield server


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients have one connection for ordinary calls: if it stays behind, the next call finds none."""
    monkeypatch.setattr("opencode_client.pools.ORDINARY_CONNECTIONS", 1)


class _Threads:
    """Threads that all do the same, each with its number."""

    def __init__(self, count: int, work: Callable[[int], object]) -> None:
        self._outcomes: list[object] = []
        self._work = work
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(count)]
        for thread in self._threads:
            thread.start()

    def join(self, patience_s: float = PATIENCE_S) -> list[object]:
        """What they gave or raised. Raises AssertionError when one does not end."""
        for thread in self._threads:
            thread.join(patience_s)
            assert not thread.is_alive(), "a call does not end"
        return self._outcomes

    def _run(self, number: int) -> None:
        try:
            self._outcomes.append(self._work(number))
        except Exception as error:  # noqa: BLE001 # the test looks at it
            self._outcomes.append(error)


@frozen
class Crowd:
    """The wrong answers among those to many calls on one client, and what was left when it was closed."""

    wrong: list[object]
    files: int
    threads: int
    tasks: int


def _ask_from_threads(url: str) -> tuple[list[object], int]:
    def work(number: int) -> list[str]:
        return [client.session.get(f"ses_{number}x{i}").id for i in range(5)]

    with OpencodeClient(url) as client:
        outcomes = _Threads(64, work).join()
    right = [[f"ses_{number}x{i}" for i in range(5)] for number in range(64)]
    return [outcome for outcome in outcomes if outcome not in right], 0


def _ask_from_tasks(url: str) -> tuple[list[object], int]:
    async def ask() -> tuple[list[object], int]:
        async with AsyncOpencodeClient(url) as client:
            calls = [client.session.get(f"ses_{i}") for i in range(1000)]
            sessions = await asyncio.gather(*calls, return_exceptions=True)
        wrong = [s for i, s in enumerate(sessions) if isinstance(s, BaseException) or s.id != f"ses_{i}"]
        return list(wrong), len(asyncio.all_tasks()) - 1

    return asyncio.run(ask())


def _files() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


@pytest.fixture(scope="module", params=[_ask_from_threads, _ask_from_tasks], ids=["64 threads", "1000 tasks"])
def crowd(request: pytest.FixtureRequest) -> Crowd:
    """Asked once for all tests that look at what became of it."""
    with BusyServer() as server:
        files, threads = _files(), threading.active_count()
        wrong, tasks = request.param(server.url)
        server.await_connections(0)
        return Crowd(wrong, _files() - files, threading.active_count() - threads, tasks)


def test_everyone_in_a_crowd_gets_their_own_answer(crowd: Crowd) -> None:
    assert crowd.wrong == []


def test_a_crowd_leaves_nothing_behind_when_the_client_is_closed(crowd: Crowd) -> None:
    assert (crowd.files, crowd.threads, crowd.tasks) == (0, 0, 0)


def _prompt_from_threads(server: BusyServer) -> tuple[list[object], list[object]]:
    with OpencodeClient(server.url, timeout=5) as client:
        prompts = _Threads(_PROMPTS, lambda number: client.session.prompt(f"ses_{number}", parts=[]).parts)
        server.await_prompts(_PROMPTS)
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
            calls = [client.session.prompt(f"ses_{number}", parts=[]) for number in range(_PROMPTS)]
            prompts = asyncio.gather(*calls)
            await asyncio.to_thread(server.await_prompts, _PROMPTS)
            meanwhile = [
                await client.permission.reply("per_1", reply="once"),
                await client.session.abort("ses_1"),
                await client.session.list(),
            ]
            server.answer_prompts()
            return list(meanwhile), [reply.parts for reply in await prompts]

    return asyncio.run(prompt())


@pytest.mark.parametrize("prompt", [_prompt_from_threads, _prompt_from_tasks], ids=["sync", "async"])
def test_prompts_that_wait_keep_no_reply_no_abort_and_no_read_waiting(
    busy: BusyServer, prompt: Callable[[BusyServer], tuple[list[object], list[object]]]
) -> None:
    meanwhile, replies = prompt(busy)
    assert meanwhile == [True, True, []]
    assert replies == [[]] * _PROMPTS


class _Turns(selectors.DefaultSelector):
    """What an event loop asks at each turn; at the n-th it does something, even if nothing else happens."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0
        self.then: Callable[[], object] = bool

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.left > 0 and (timeout is None or timeout > _TURN_S):
            timeout = _TURN_S
        events = super().select(timeout)
        self.left -= 1
        if self.left == 0:
            self.then()
        return events


def _run(turns: _Turns, body: Coroutine[Any, Any, T]) -> T:  # Any: as `async def` has it
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(turns)) as runner:
        return runner.run(body)


def _answer_in_pieces(peer: Peer) -> None:
    while True:
        peer.receive()
        for piece in (_EMPTY_LIST[:20], _EMPTY_LIST[20:-1], _EMPTY_LIST[-1:]):
            peer.send(piece)
            threading.Event().wait(0.002)  # so that the client waits for each piece


def _outcome_after_cancelling(url: str, turn: int, calls_before: int) -> str:
    """What becomes of another call when one was cancelled at a turn of the loop after its start."""
    turns = _Turns()

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
                await client.session.list(timeout=_NO_WAITING)
            except OpencodeError as error:
                return str(error)
            return "fine"

    return _run(turns, body())


@pytest.mark.parametrize("calls_before", [0, 1], ids=["new connection", "kept connection"])
def test_a_call_cancelled_at_any_turn_of_the_loop_leaves_no_connection_behind(
    one_connection: None, calls_before: int
) -> None:
    with FaultyServer([_answer_in_pieces]) as server:
        outcomes = [_outcome_after_cancelling(server.url, turn, calls_before) for turn in range(1, 25)]
    assert outcomes.count("fine") > 4
    assert set(outcomes) == {"fine", "not cancelled"}


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


def test_a_call_given_up_while_its_body_comes_closes_its_connection(one_connection: None) -> None:
    async def body() -> None:
        async with AsyncOpencodeClient(server.url) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.session.list(), 0.05)
            await asyncio.to_thread(server.await_ended, 1)
            assert await client.session.list() == []

    with FaultyServer([stall(_HALF)], [answer(_EMPTY_LIST)]) as server:
        asyncio.run(body())


@pytest.fixture
def interrupts() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also where pytest runs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("start", [b"", _HALF], ids=["waiting for headers", "reading the body"])
def test_an_interrupted_call_closes_its_connection(
    interrupts: None, one_connection: None, start: bytes
) -> None:
    def interrupt(peer: Peer) -> None:
        peer.receive()
        peer.send(start)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        peer.wait()

    with FaultyServer([interrupt], [answer(_EMPTY_LIST)]) as server, OpencodeClient(server.url) as client:
        with pytest.raises(KeyboardInterrupt):
            client.session.list()
        server.await_ended(1)
        assert client.session.list() == []


def _wait_with_threads(server: FaultyServer) -> object:
    with OpencodeClient(server.url, max_retries=0) as client:
        first = _Threads(1, lambda _: client.session.list())
        server.await_requests(1)
        try:
            return client.session.list(timeout=_NO_WAITING)
        finally:
            server.close()
            first.join()


def _wait_with_tasks(server: FaultyServer) -> object:
    async def wait() -> object:
        async with AsyncOpencodeClient(server.url, max_retries=0) as client:
            first = asyncio.gather(client.session.list(), return_exceptions=True)
            await asyncio.to_thread(server.await_requests, 1)
            try:
                return await client.session.list(timeout=_NO_WAITING)
            finally:
                await asyncio.to_thread(server.close)
                await first

    return asyncio.run(wait())


@pytest.mark.parametrize("wait", [_wait_with_threads, _wait_with_tasks], ids=["sync", "async"])
def test_a_call_that_gets_no_connection_in_time_says_so(
    one_connection: None, wait: Callable[[FaultyServer], object]
) -> None:
    with FaultyServer([stall()]) as server, pytest.raises(ConnectError, match="all connections are busy"):
        wait(server)
    assert len(server.requests) == 1


def _close_with_threads(server: BusyServer) -> list[object]:
    client = OpencodeClient(server.url)
    prompts = _Threads(8, lambda number: client.session.prompt(f"ses_{number}", parts=[]))
    server.await_prompts(8)
    client.close()
    return prompts.join(_CLOSING_S)


def _close_with_tasks(server: BusyServer) -> list[object]:
    async def close() -> list[object]:
        client = AsyncOpencodeClient(server.url)
        calls = [client.session.prompt(f"ses_{number}", parts=[]) for number in range(8)]
        prompts = asyncio.gather(*calls, return_exceptions=True)
        await asyncio.to_thread(server.await_prompts, 8)
        await client.close()
        return list(await asyncio.wait_for(prompts, _CLOSING_S))

    return asyncio.run(close())


@pytest.mark.parametrize("close", [_close_with_threads, _close_with_tasks], ids=["sync", "async"])
def test_closing_a_client_ends_the_calls_under_way(
    busy: BusyServer, close: Callable[[BusyServer], list[object]]
) -> None:
    outcomes = close(busy)
    assert [type(outcome).__name__ for outcome in outcomes if not isinstance(outcome, OpencodeError)] == []
    busy.await_connections(0)


def _close_on_a_queue_of_threads(server: FaultyServer) -> None:
    client = OpencodeClient(server.url, max_retries=0)
    calls = _Threads(8, lambda _: client.session.list(timeout=0.3))
    server.await_requests(1)
    client.close()
    calls.join()


def _close_on_a_queue_of_tasks(server: FaultyServer) -> None:
    async def close() -> None:
        client = AsyncOpencodeClient(server.url, max_retries=0)
        calls = asyncio.gather(*(client.session.list() for _ in range(8)), return_exceptions=True)
        await asyncio.to_thread(server.await_requests, 1)
        await client.close()
        await calls
        await asyncio.to_thread(server.await_ended, server.connections)

    asyncio.run(close())


@pytest.mark.parametrize(
    "close", [_close_on_a_queue_of_threads, _close_on_a_queue_of_tasks], ids=["sync", "async"]
)
def test_a_call_in_the_queue_of_a_client_that_is_closed_leaves_no_connection(
    one_connection: None, close: Callable[[FaultyServer], None]
) -> None:
    with FaultyServer([stall()], [answer(_EMPTY_LIST)] * 8) as server:
        close(server)
        server.await_ended(server.connections)
    gc.collect()  # a connection that nobody closed warns now


def _list(client: AsyncOpencodeClient) -> Coroutine[Any, Any, object]:  # Any: as `async def` has it
    return client.session.list()


def _prompt(client: AsyncOpencodeClient) -> Coroutine[Any, Any, object]:  # Any: as above
    return client.session.prompt("ses_1", parts=[])


@pytest.mark.parametrize("call", [_list, _prompt])
def test_closing_a_client_at_any_turn_of_a_call_ends_it_and_its_connection(
    call: Callable[[AsyncOpencodeClient], Coroutine[Any, Any, object]],  # Any: as above
) -> None:
    async def close_at(turn: int) -> None:
        client = AsyncOpencodeClient(server.url, max_retries=0)
        task = asyncio.create_task(call(client))
        now = asyncio.get_running_loop().create_future()
        turns.left, turns.then = turn, lambda: now.set_result(None)
        await now
        await client.close()
        ended, _ = await asyncio.wait([task], timeout=_CLOSING_S)
        assert [isinstance(one.exception(), OpencodeError) for one in ended] == [True], turn
        await asyncio.to_thread(server.await_ended, server.connections)

    for turn in range(1, 15):
        turns = _Turns()
        with FaultyServer([stall()]) as server:
            _run(turns, close_at(turn))


_LATE: dict[str, tuple[Callable[[OpencodeClient], object], list[Step]]] = {
    "list": (lambda client: client.session.list(), [answer(_EMPTY_LIST), stall()]),
    "prompt": (lambda client: client.session.prompt("ses_1", parts=[]), [stall()]),
}


@pytest.mark.parametrize(("call", "script"), _LATE.values(), ids=list(_LATE))
def test_closing_a_client_while_a_thread_connects_ends_its_call_and_connection(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[OpencodeClient], object], script: list[Step]
) -> None:
    is_asked, is_closed, resolve = threading.Event(), threading.Event(), socket.getaddrinfo

    def resolve_late(*address: Any) -> Any:  # Any: as in `socket`
        is_asked.set()
        assert is_closed.wait(PATIENCE_S)
        return resolve(*address)

    with FaultyServer(script) as server:
        monkeypatch.setattr(socket, "getaddrinfo", resolve_late)
        client = OpencodeClient(server.url, max_retries=0)
        calls = _Threads(1, lambda _: call(client))
        assert is_asked.wait(PATIENCE_S)
        client.close()
        is_closed.set()
        calls.join(_CLOSING_S)
        server.await_ended(server.connections)


def test_a_client_closed_before_its_first_call_says_so(world: World) -> None:
    client = world.client()
    world.call(client.close)
    with pytest.raises(ClientClosedError):
        world.call(client.session.list)


def test_closing_a_view_keeps_the_connection(world: World) -> None:
    with FaultyServer([answer(_EMPTY_LIST)] * 2) as server:
        client = world.client(server.url)
        world.call(client.session.list)
        world.call(client.with_options(timeout=1).close)
        world.call(client.session.list)
    assert (server.connections, len(server.requests)) == (1, 2)


def _own(world: World, **options: Any) -> Any:  # Any: either of httpx's clients
    no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return (httpx.AsyncClient if world.is_async else httpx.Client)(verify=no_tls, trust_env=False, **options)


def _close(world: World, own: Any) -> None:  # Any: as above
    world.call(own.aclose if world.is_async else own.close)


def test_the_callers_http_client_stays_open(world: World) -> None:
    own = _own(world)
    with FaultyServer([answer(_EMPTY_LIST)]) as server:
        client = world.client(server.url, http_client=own)
        world.call(client.session.list)
        world.call(client.close)
        assert not own.is_closed
        _close(world, own)


def test_a_closed_client_says_so_with_the_callers_http_client_too(world: World) -> None:
    own = _own(world)
    with FaultyServer(itertools.repeat(answer(_EMPTY_LIST))) as server:
        client = world.client(server.url, http_client=own)
        world.call(client.close)
        with pytest.raises(ClientClosedError):
            world.call(client.session.list)
        _close(world, own)


def test_a_closed_http_client_of_the_callers_is_an_error_of_ours(world: World) -> None:
    own = _own(world)
    _close(world, own)
    with pytest.raises(ClientClosedError):
        world.call(world.client(http_client=own).session.list)


def _share_among_threads(url: str, own: Any) -> list[object]:  # Any: as above
    with OpencodeClient(url, http_client=own) as client:
        return _Threads(8, lambda number: client.session.get(f"ses_{number}").id).join()


def _share_among_tasks(url: str, own: Any) -> list[object]:  # Any: as above
    async def share() -> list[object]:
        async with own, AsyncOpencodeClient(url, http_client=own) as client:
            sessions = await asyncio.gather(*(client.session.get(f"ses_{number}") for number in range(8)))
            return [session.id for session in sessions]

    return asyncio.run(share())


def test_many_share_one_connection_of_the_callers_http_client(world: World, busy: BusyServer) -> None:
    own = _own(world, limits=httpx.Limits(max_connections=1))
    ids = (_share_among_tasks if world.is_async else _share_among_threads)(busy.url, own)
    assert sorted(map(str, ids)) == [f"ses_{number}" for number in range(8)]
    if not world.is_async:
        own.close()


def test_one_connection_is_enough_to_ask_which_server_has_no_such_operation(world: World) -> None:
    page = http(b"<!doctype html>", headers={"content-type": "text/html"})
    health = http(b'{"healthy": true, "version": "1.3.2"}')
    own = _own(world, limits=httpx.Limits(max_connections=1))
    with FaultyServer(itertools.repeat(answer_each({"/global/health": health}, page))) as server:
        client = world.client(server.url, http_client=own)
        with pytest.raises(UnsupportedOperationError, match=r"opencode 1\.3\.2"):
            world.call(client.session.list, timeout=5)
        _close(world, own)


def test_nothing_of_an_answer_stays_with_the_client(world: World) -> None:
    answers: list[weakref.ref[httpx.Response]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        response = httpx.Response(200, content=b"[]")
        answers.append(weakref.ref(response))
        return response

    client = world.mocked(handler)
    world.call(client.session.list)
    gc.collect()
    assert answers[0]() is None
