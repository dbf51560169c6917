"""Closing clients, views and httpx clients of the caller: calls that end, connections that stay open, errors."""

from __future__ import annotations

import asyncio
import gc
import itertools
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx
import pytest

from opencode_client import (
    AsyncOpencodeClient,
    ClientClosedError,
    OpencodeClient,
    OpencodeError,
    UnsupportedOperationError,
)
from tests.support.both_clients import ClientKind
from tests.support.busy_server import PATIENCE_S, BusyServer
from tests.support.concurrency import CLOSING_S, EMPTY_LIST, Threads, Turns, run_turns
from tests.support.concurrency import busy as busy  # a fixture
from tests.support.concurrency import one_connection as one_connection  # a fixture
from tests.support.faulty_server import FaultyServer, Step, answer, answer_each, http, stall
from tests.support.stream_cases import HEALTH, begin, hang, idle_event, ids, take

T = TypeVar("T")


def _close_with_threads(server: BusyServer) -> list[object]:
    client = OpencodeClient(server.url)
    prompts = Threads(8, lambda number: client.session.prompt(f"ses_{number}", parts=[]))
    server.await_prompts(8)
    client.close()
    return prompts.join(CLOSING_S)


def _close_with_tasks(server: BusyServer) -> list[object]:
    async def close() -> list[object]:
        client = AsyncOpencodeClient(server.url)
        calls = [client.session.prompt(f"ses_{number}", parts=[]) for number in range(8)]
        prompts = asyncio.gather(*calls, return_exceptions=True)
        await asyncio.to_thread(server.await_prompts, 8)
        await client.close()
        return list(await asyncio.wait_for(prompts, CLOSING_S))

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
    calls = Threads(8, lambda _: client.session.list(timeout=0.3))
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
def test_closing_a_client_with_queued_calls_leaves_no_connection(
    one_connection: None, close: Callable[[FaultyServer], None]
) -> None:
    with FaultyServer([stall()], [answer(EMPTY_LIST)] * 8) as server:
        close(server)
        server.await_ended(server.connections)
    gc.collect()  # an unclosed connection warns now


def _list(client: AsyncOpencodeClient) -> Coroutine[Any, Any, object]:  # Any: as `async def` has it
    return client.session.list()


def _prompt(client: AsyncOpencodeClient) -> Coroutine[Any, Any, object]:  # Any: as above
    return client.session.prompt("ses_1", parts=[])


@pytest.mark.parametrize("call", [_list, _prompt])
def test_closing_a_client_at_any_step_of_a_call_ends_the_call_and_its_connection(
    call: Callable[[AsyncOpencodeClient], Coroutine[Any, Any, object]],  # Any: as above
) -> None:
    async def close_at(turn: int) -> None:
        client = AsyncOpencodeClient(server.url, max_retries=0)
        task = asyncio.create_task(call(client))
        now = asyncio.get_running_loop().create_future()
        turns.left, turns.then = turn, lambda: now.set_result(None)
        await now
        await client.close()
        ended, _ = await asyncio.wait([task], timeout=CLOSING_S)
        assert [isinstance(one.exception(), OpencodeError) for one in ended] == [True], turn
        await asyncio.to_thread(server.await_ended, server.connections)

    for turn in range(1, 15):
        turns = Turns()
        with FaultyServer([stall()]) as server:
            run_turns(turns, close_at(turn))


_LATE: dict[str, tuple[Callable[[OpencodeClient], object], list[Step]]] = {
    "list": (lambda client: client.session.list(), [answer(EMPTY_LIST), stall()]),
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
        calls = Threads(1, lambda _: call(client))
        assert is_asked.wait(PATIENCE_S)
        client.close()
        is_closed.set()
        calls.join(CLOSING_S)
        server.await_ended(server.connections)


def test_a_cancelled_close_leaves_no_idle_connection() -> None:
    async def close(server: FaultyServer) -> None:
        client = AsyncOpencodeClient(server.url)
        stream = await client.event.subscribe().__aenter__()  # closing it takes time, so it can be cancelled
        await client.session.list()
        closing = asyncio.ensure_future(client.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
        await asyncio.to_thread(server.await_ended, 2)
        await stream.close()

    with FaultyServer([begin(idle_event("a")), hang], [answer(EMPTY_LIST), hang]) as server:
        asyncio.run(close(server))


def test_a_client_closed_before_its_first_call_raises_client_closed_error(client_kind: ClientKind) -> None:
    client = client_kind.client()
    client_kind.call(client.close)
    with pytest.raises(ClientClosedError):
        client_kind.call(client.session.list)


def test_a_stream_of_a_closed_client_raises_client_closed_error(client_kind: ClientKind) -> None:
    client = client_kind.client()
    client_kind.call(client.close)
    with pytest.raises(ClientClosedError):
        take(client_kind, client.event.subscribe())


def test_closing_a_view_keeps_the_connection(client_kind: ClientKind) -> None:
    with FaultyServer([answer(EMPTY_LIST)] * 2) as server:
        client = client_kind.client(server.url)
        client_kind.call(client.session.list)
        client_kind.call(client.with_options(timeout=1).close)
        client_kind.call(client.session.list)
    assert (server.connections, len(server.requests)) == (1, 2)


def _own(client_kind: ClientKind, **options: Any) -> Any:  # Any: either of httpx's clients
    no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return (httpx.AsyncClient if client_kind.is_async else httpx.Client)(
        verify=no_tls, trust_env=False, **options
    )


def _close(client_kind: ClientKind, own: Any) -> None:  # Any: as above
    client_kind.call(own.aclose if client_kind.is_async else own.close)


def test_a_given_http_client_stays_open(client_kind: ClientKind) -> None:
    own = _own(client_kind)
    with FaultyServer([answer(EMPTY_LIST)]) as server:
        client = client_kind.client(server.url, http_client=own)
        client_kind.call(client.session.list)
        client_kind.call(client.close)
        assert not own.is_closed
        _close(client_kind, own)


def test_a_closed_client_with_a_given_http_client_raises_client_closed_error(client_kind: ClientKind) -> None:
    own = _own(client_kind)
    with FaultyServer(itertools.repeat(answer(EMPTY_LIST))) as server:
        client = client_kind.client(server.url, http_client=own)
        client_kind.call(client.close)
        with pytest.raises(ClientClosedError):
            client_kind.call(client.session.list)
        _close(client_kind, own)


def test_a_global_stream_works_with_a_given_http_client(client_kind: ClientKind) -> None:
    own = _own(client_kind)
    with FaultyServer([begin(idle_event("a")), hang], [answer(http(HEALTH))] * 2) as server:
        client = client_kind.client(server.url, http_client=own)
        assert len(take(client_kind, client.global_.event(), 1)) == 1
        assert [seen.path for seen in server.requests] == ["/global/event", *["/global/health"] * 2]
        client_kind.call(client.close)
        _close(client_kind, own)


def test_closing_the_client_ends_a_stream_but_not_the_given_http_client(client_kind: ClientKind) -> None:
    own = _own(client_kind)
    with FaultyServer([begin(idle_event("a")), hang], [answer(EMPTY_LIST)]) as server:
        client = client_kind.client(server.url, http_client=own)
        stream = client.event.subscribe()
        client_kind.call(stream.__aenter__ if client_kind.is_async else stream.__enter__)
        client_kind.call(client.close)
        server.await_ended(1)
        assert not own.is_closed
        _close(client_kind, own)


def test_a_stream_works_with_a_mock_transport(client_kind: ClientKind) -> None:
    def answer_events(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=idle_event("a"), headers={"content-type": "text/event-stream"})

    stream = client_kind.mocked(answer_events).event.subscribe(reconnect=False)
    assert ids(take(client_kind, stream)) == ["a"]


def test_a_closed_given_http_client_raises_client_closed_error(client_kind: ClientKind) -> None:
    own = _own(client_kind)
    _close(client_kind, own)
    with pytest.raises(ClientClosedError):
        client_kind.call(client_kind.client(http_client=own).session.list)


def _share_among_threads(url: str, own: Any) -> list[object]:  # Any: as above
    with OpencodeClient(url, http_client=own) as client:
        return Threads(8, lambda number: client.session.get(f"ses_{number}").id).join()


def _share_among_tasks(url: str, own: Any) -> list[object]:  # Any: as above
    async def share() -> list[object]:
        async with own, AsyncOpencodeClient(url, http_client=own) as client:
            sessions = await asyncio.gather(*(client.session.get(f"ses_{number}") for number in range(8)))
            return [session.id for session in sessions]

    return asyncio.run(share())


def test_many_calls_can_share_one_connection_of_a_given_http_client(
    client_kind: ClientKind, busy: BusyServer
) -> None:
    own = _own(client_kind, limits=httpx.Limits(max_connections=1))
    ids = (_share_among_tasks if client_kind.is_async else _share_among_threads)(busy.url, own)
    assert sorted(map(str, ids)) == [f"ses_{number}" for number in range(8)]
    if not client_kind.is_async:
        own.close()


def test_the_version_check_after_a_web_page_works_with_one_connection(client_kind: ClientKind) -> None:
    page = http(b"<!doctype html>", headers={"content-type": "text/html"})
    health = http(b'{"healthy": true, "version": "1.3.2"}')
    own = _own(client_kind, limits=httpx.Limits(max_connections=1))
    with FaultyServer(itertools.repeat(answer_each({"/global/health": health}, page))) as server:
        client = client_kind.client(server.url, http_client=own)
        with pytest.raises(UnsupportedOperationError, match=r"opencode 1\.3\.2"):
            client_kind.call(client.session.list, timeout=5)
        _close(client_kind, own)


def test_the_client_keeps_no_reference_to_a_response(client_kind: ClientKind) -> None:
    answers: list[weakref.ref[httpx.Response]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        response = httpx.Response(200, content=b"[]")
        answers.append(weakref.ref(response))
        return response

    client = client_kind.mocked(handler)
    client_kind.call(client.session.list)
    gc.collect()
    assert answers[0]() is None
