"""`run_many` on real servers."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from opencode_client import (
    AsyncOpencodeClient,
    OpencodeClient,
    PermissionAsk,
    RequestError,
    TurnAbortedError,
    TurnLostError,
    TurnOutcome,
    TurnSpec,
)
from opencode_client.turns.policies import Decision
from tests.live.client_pairs import SyncOrAsync, assert_no_tasks, until
from tests.live.turns.players import Site, Sites, busy, open_site, run

pytestmark = pytest.mark.live


@pytest.fixture
def server(sites: Sites, version: str) -> Site:
    """A server that has run a turn: before the first one ends, an abort of 1.18.33 may end other turns, too."""
    site = sites(version)
    run("sync", site, "hello")
    return site


def _run_many(
    kind: SyncOrAsync,
    server: Site,
    specs: Iterable[TurnSpec],
    on_outcome: Callable[[TurnOutcome], object] = bool,
    until_left: Callable[[], object] | None = None,
    **options: Any,
) -> list[TurnOutcome]:
    """Return the outcomes. With `until_left`, leave when that returns, and then read the remaining outcomes."""

    def sync() -> list[TurnOutcome]:
        found: list[TurnOutcome] = []
        with OpencodeClient(server.url, directory=server.directory) as client:
            with client.run_many(specs, **options) as outcomes:
                if until_left is not None:
                    until_left()
                for outcome in () if until_left else outcomes:
                    found.append(outcome)
                    on_outcome(outcome)
            return found + list(outcomes)

    async def asynchronous() -> list[TurnOutcome]:
        found: list[TurnOutcome] = []
        async with AsyncOpencodeClient(server.url, directory=server.directory) as client:
            async with client.run_many(specs, **options) as outcomes:
                if until_left is not None:
                    await asyncio.to_thread(until_left)
                else:
                    async for outcome in outcomes:
                        found.append(outcome)
                        on_outcome(outcome)
            found += [outcome async for outcome in outcomes]
        await assert_no_tasks()
        return found

    return sync() if kind == "sync" else asyncio.run(asynchronous())


def _fails(_: PermissionAsk) -> Decision:
    raise ZeroDivisionError


def test_a_failure_stops_no_other_turn(kind: SyncOrAsync, server: Site) -> None:
    specs = [
        TurnSpec("#401", key="TurnAuthenticationError"),
        TurnSpec("hi", model="scripted/scripted-2", key="ModelNotFoundError"),
        TurnSpec("#bash", permissions=_fails, key="ZeroDivisionError"),
        TurnSpec("#hang", timeout=3, key="TurnTimeoutError"),
        TurnSpec("#todo", max_steps=1, key="TurnBudgetError"),
        TurnSpec("#bash", permissions="once", key="NoneType"),
        TurnSpec("hello", key="NoneType"),
    ]
    outcomes = _run_many(kind, server, specs, concurrency=4)
    assert [one.spec.key for one in outcomes] == [type(one.error).__name__ for one in outcomes]
    assert {one.result.text for one in outcomes if one.result} == {"done", "echo: hello"}
    assert len(outcomes) == len(specs)
    assert busy(server) == []


@pytest.mark.matrix
def test_turns_run_in_many_directories(kind: SyncOrAsync, server: Site) -> None:
    places = [server.directory / f"place{number}" for number in range(5)]
    for place in places:
        place.mkdir(exist_ok=True)
    specs = (TurnSpec("#bash", directory=one, permissions="once") for one in places * 4)
    outcomes = _run_many(kind, server, specs)
    assert [one.result.text for one in outcomes if one.result] == ["done"] * 20
    with OpencodeClient(server.url) as client:
        for outcome in outcomes:
            assert outcome.result is not None
            session = client.session.get(outcome.result.session_id, directory=outcome.spec.directory)
            assert session.directory == str(outcome.spec.directory)
    assert pickle.loads(pickle.dumps(outcomes)) == outcomes  # noqa: S301 # ours


@pytest.mark.matrix
def test_a_hundred_turns_in_one_directory_each_have_their_own_answer(kind: SyncOrAsync, server: Site) -> None:
    before = len(server.model.requests)
    outcomes = _run_many(
        kind, server, (TurnSpec(f"turn {one}", key=one) for one in range(100)), concurrency=20
    )
    assert sorted(str(one.result.text) for one in outcomes if one.result) == sorted(
        f"echo: turn {number}" for number in range(100)
    )
    assert all(one.result and one.result.text == f"echo: turn {one.spec.key}" for one in outcomes)
    assert len(server.model.requests) - before >= 100
    assert busy(server) == []


@pytest.mark.matrix
def test_turns_in_one_session_each_have_their_own_answer(kind: SyncOrAsync, server: Site) -> None:
    with OpencodeClient(server.url, directory=server.directory) as client:
        session_id = client.session.create().id
    specs = [TurnSpec(f"turn {one}", session_id=session_id, key=one) for one in range(3)]
    outcomes = _run_many(kind, server, specs, concurrency=1)
    assert [one.result and one.result.text for one in outcomes] == [f"echo: turn {one}" for one in range(3)]


@pytest.mark.matrix
def test_leaving_early_aborts_running_turns(kind: SyncOrAsync, server: Site) -> None:
    read: list[int] = []

    def specs() -> Iterator[TurnSpec]:
        for number in range(100):
            read.append(number)
            yield TurnSpec("#hang")

    outcomes = _run_many(
        kind, server, specs(), until_left=lambda: until(lambda: len(busy(server)) == 3), concurrency=3
    )
    assert [type(one.error) for one in outcomes] == [TurnAbortedError] * 3
    assert read == [0, 1, 2]
    assert busy(server) == []


@pytest.mark.matrix
def test_an_error_in_the_loop_aborts_running_turns(kind: SyncOrAsync, server: Site) -> None:
    def stop(_: TurnOutcome) -> None:
        raise ZeroDivisionError

    specs = [TurnSpec("hello"), *[TurnSpec("#hang")] * 20]
    with pytest.raises(ZeroDivisionError):
        _run_many(kind, server, specs, stop, concurrency=4)
    assert busy(server) == []


@pytest.mark.matrix
def test_an_error_of_the_generator_aborts_running_turns(kind: SyncOrAsync, server: Site) -> None:
    def specs() -> Iterator[TurnSpec]:
        yield TurnSpec("#hang")
        yield TurnSpec("hello")
        raise ZeroDivisionError

    found: list[TurnOutcome] = []
    with pytest.raises(ZeroDivisionError):
        _run_many(kind, server, specs(), found.append, concurrency=2)
    assert [type(one.error) for one in found] == [type(None), TurnAbortedError]
    assert busy(server) == []


@pytest.mark.matrix
def test_a_killed_server_fails_all_turns(kind: SyncOrAsync, version: str) -> None:
    with open_site(version) as server:

        def kill(_: TurnOutcome) -> None:
            server.kill()

        specs = [TurnSpec("hello"), *[TurnSpec("#hang")] * 4]
        outcomes = _run_many(kind, server, specs, kill, concurrency=2)
    assert all(isinstance(one.error, TurnLostError | RequestError) for one in outcomes[1:])
    assert len(outcomes) == 5
