"""A forked child opens its own connections, and does not use or close those of its parent."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from opencode_client import AsyncOpencodeClient, ClientClosedError, OpencodeClient
from tests.support.both_clients import ClientKind
from tests.support.busy_server import BusyServer
from tests.support.concurrency import busy as busy  # a fixture

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),  # Python 3.12: it has threads
]

_CALLS = 30


def _child(work: Callable[[], object]) -> int:
    """Fork, and return the child's process id. The child runs `work` and exits with 0, or with 1 after an error."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001 # the parent's test fails
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)


def _end(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _read_sessions(client: OpencodeClient, name: str) -> None:
    for number in range(_CALLS):
        assert client.session.get(f"ses_{name}{number}").id == f"ses_{name}{number}"


async def _read_sessions_in_tasks(client: AsyncOpencodeClient, name: str) -> None:
    for number in range(_CALLS):
        assert (await client.session.get(f"ses_{name}{number}")).id == f"ses_{name}{number}"


def test_parent_and_children_get_their_own_responses(busy: BusyServer) -> None:
    with OpencodeClient(busy.url) as client:
        _read_sessions(client, "a")
        children = [_child(lambda: _read_sessions(client, f"c{i}x")) for i in range(4)]  # noqa: B023 # at once
        _read_sessions(client, "b")
        assert [_end(child) for child in children] == [0] * 4
        _read_sessions(client, "d")
    busy.await_connections(0)


def test_parent_and_children_get_their_own_responses_in_tasks(busy: BusyServer) -> None:
    async def use() -> None:
        async with AsyncOpencodeClient(busy.url) as client:
            await _read_sessions_in_tasks(client, "a")
            children = [
                _child(lambda: asyncio.run(_read_sessions_in_tasks(client, f"c{i}x")))  # noqa: B023 # at once
                for i in range(4)
            ]
            await _read_sessions_in_tasks(client, "b")
            assert [await asyncio.to_thread(_end, child) for child in children] == [0] * 4
            await _read_sessions_in_tasks(client, "d")

    asyncio.run(use())
    busy.await_connections(0)


def test_a_child_that_closes_the_client_leaves_the_parents_connections_open(
    client_kind: ClientKind, busy: BusyServer
) -> None:
    client = client_kind.client(busy.url)
    client_kind.call(client.session.get, "ses_1")
    work = (lambda: asyncio.run(client.close())) if client_kind.is_async else client.close
    assert _end(_child(work)) == 0
    busy.await_connections(1)
    assert client_kind.call(client.session.get, "ses_2").id == "ses_2"
    busy.await_connections(1)


def _get_here(client_kind: ClientKind, client: Any) -> Any:  # Any: either client, a Session
    value = client.session.get("ses_2")
    return asyncio.run(value) if client_kind.is_async else value


@pytest.fixture
def given(client_kind: ClientKind) -> Iterator[Any]:  # Any: either of httpx's clients
    kind: Any = httpx.AsyncClient if client_kind.is_async else httpx.Client
    own = kind(trust_env=False)
    yield own
    client_kind.call(own.aclose if client_kind.is_async else own.close)


def test_a_child_does_not_use_an_http_client_that_its_parent_has_used(
    client_kind: ClientKind, busy: BusyServer, given: Any
) -> None:
    client = client_kind.client(busy.url, http_client=given)
    client_kind.call(client.session.get, "ses_1")

    def refuse() -> None:
        with pytest.raises(ClientClosedError, match="before the fork"):
            _get_here(client_kind, client)

    assert _end(_child(refuse)) == 0
    assert client_kind.call(client.session.get, "ses_3").id == "ses_3"


def test_a_child_may_use_an_http_client_that_its_parent_has_not_used(
    client_kind: ClientKind, busy: BusyServer, given: Any
) -> None:
    client = client_kind.client(busy.url, http_client=given)

    def use() -> None:
        assert _get_here(client_kind, client).id == "ses_2"

    assert _end(_child(use)) == 0
