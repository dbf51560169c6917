"""`run_many` of both clients against a small server: concurrency, leaving early, errors, reading of specs."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from contextvars import ContextVar
from itertools import repeat
from typing import Any

import pytest

from opencode_client import (
    ArgumentError,
    BadRequestError,
    ClientClosedError,
    ModelNotFoundError,
    StreamTimeoutError,
    TurnAbortedError,
    TurnOutcome,
    TurnSpec,
    TurnTimeoutError,
)
from opencode_client.model import JsonObject
from tests.support.both_clients import ClientKind
from tests.support.many_server import (
    FOREVER_S,
    ManyServer,
    enter,
    many_server,
    open_many,
    outcomes_of,
    texts_of,
)
from tests.support.resources import needs_ctrl_c, pause, press_ctrl_c, until


@pytest.fixture
def server() -> Generator[ManyServer]:
    with many_server() as made:
        yield made


def test_each_turn_has_an_outcome(client_kind: ClientKind, server: ManyServer) -> None:
    many = open_many(client_kind, server, [TurnSpec(f"turn {number}", key=number) for number in range(5)])
    outcomes = outcomes_of(client_kind, many)
    client_kind.call(many.close)
    assert {one.spec.key: one.result.text for one in outcomes if one.result} == {
        number: f"answer to turn {number}" for number in range(5)
    }
    assert [one.error for one in outcomes] == [None] * 5
    assert sum(one.cost for one in outcomes) == 2.5


def test_iteration_yields_all_outcomes(client_kind: ClientKind, server: ManyServer) -> None:
    async def read() -> list[TurnOutcome]:
        async with client.run_many(specs) as many:
            return [one async for one in many]

    client, specs = client_kind.client(server.url), (TurnSpec(text) for text in ("a", "b"))
    if client_kind.is_async:
        outcomes = client_kind.call(read)
    else:
        with client.run_many(specs) as many:
            outcomes = list(many)
    assert texts_of(outcomes) == ["answer to a", "answer to b"]


def test_outcomes_arrive_when_turns_end_and_concurrency_limits_running_turns(
    client_kind: ClientKind, server: ManyServer
) -> None:
    specs = [TurnSpec("wait"), *(TurnSpec(f"turn {number}") for number in range(6))]
    many = open_many(client_kind, server, specs, concurrency=2)
    first = [client_kind.call(many.get, timeout=FOREVER_S) for _ in range(6)]
    assert "wait" not in [one.spec.prompt for one in first]
    server.let_end(1)
    assert [one.spec.prompt for one in outcomes_of(client_kind, many)] == ["wait"]
    assert server.most_running == 2


def test_a_generator_is_read_only_when_a_turn_can_start(client_kind: ClientKind, server: ManyServer) -> None:
    read: list[int] = []
    text = ContextVar("text", default="")
    text.set("wait")

    def specs() -> Iterator[TurnSpec]:
        try:
            for number in range(100):
                read.append(number)
                yield TurnSpec(text.get())
        finally:
            read.append(-1)

    many = open_many(client_kind, server, specs(), concurrency=2)
    until(client_kind, lambda: len(server.running) == 2)
    pause(client_kind, 0.2)  # nothing more happens
    assert read == [0, 1]
    server.let_end(1)
    until(client_kind, lambda: len(server.prompts) == 3)
    assert read == [0, 1, 2]
    client_kind.call(many.close)
    assert read == [0, 1, 2, -1]  # the generator is closed


def test_an_async_iterable_of_specs_is_read_while_turns_run(server: ManyServer) -> None:
    async def specs() -> AsyncIterator[TurnSpec]:
        yield TurnSpec("first")
        await has_read.wait()
        yield TurnSpec("second")

    async def read() -> list[object]:
        async with kind.client(server.url).run_many(specs()) as many:
            outcomes = [await many.get(timeout=FOREVER_S)]
            has_read.set()
            return [one.spec.prompt for one in [*outcomes, *[one async for one in many]]]

    kind, has_read = ClientKind(True), asyncio.Event()
    assert kind.call(read) == ["first", "second"]
    kind.close()


def test_a_slow_reader_delays_new_turns_and_loses_no_outcome(
    client_kind: ClientKind, server: ManyServer
) -> None:
    many = open_many(client_kind, server, [TurnSpec(f"{number}") for number in range(20)], concurrency=2)
    until(client_kind, lambda: len(server.prompts) >= 2)
    pause(client_kind, 1.0)  # the turns end, and no more begin
    assert len(server.prompts) <= 3
    assert len(outcomes_of(client_kind, many)) == 20


def test_a_failure_stops_no_other_turn(client_kind: ClientKind, server: ManyServer) -> None:
    specs = [
        TurnSpec("refuse", key="refused"),
        TurnSpec("hi", model="p/m", key="no model"),
        TurnSpec("hi", files=["/does/not/exist"], key="no file"),
        TurnSpec("", key="no prompt"),
        TurnSpec("wait", timeout=0.3, key="late"),
        TurnSpec("hi", key="good"),
    ]
    many = open_many(client_kind, server, iter(specs), concurrency=1)
    outcomes = {one.spec.key: one for one in outcomes_of(client_kind, many)}
    errors = {key: type(one.error) for key, one in outcomes.items()}
    assert errors == {
        "refused": BadRequestError,
        "no model": ModelNotFoundError,
        "no file": ArgumentError,
        "no prompt": ArgumentError,
        "late": TurnTimeoutError,
        "good": type(None),
    }
    assert [one.result is None for one in outcomes.values()] == [True] * 5 + [False]
    assert str(outcomes["no prompt"].error).startswith("specs[3] with the key 'no prompt': prompt takes")
    assert pickle.loads(pickle.dumps(outcomes["late"])).spec == specs[4]  # noqa: S301 # ours
    assert outcomes["late"].cost == 0.5
    assert outcomes["late"].partial is not None
    assert [outcomes[key].partial for key in ("refused", "good")] == [None, None]


@pytest.mark.parametrize(
    ("specs", "options", "message"),
    [
        ([TurnSpec("a"), TurnSpec("b", key=7, permissions="ask")], {}, r"specs\[1\] with the key 7: \"ask\""),
        (["hi"], {}, r"specs\[0\]: run_many takes TurnSpecs, not 'hi'"),
        ("hi", {}, "TurnSpecs"),
        (TurnSpec("hi"), {}, "iterable of TurnSpecs"),
        ([], {"concurrency": 0}, "concurrency"),
        ([], {"concurrency": True}, "concurrency"),
        ([], {"progress": 1}, "progress"),
    ],
)
def test_wrong_arguments_raise_before_a_request_is_sent(
    client_kind: ClientKind, specs: Any, options: JsonObject, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        client_kind.client().run_many(specs, **options)


def test_an_empty_list_of_specs_has_no_outcomes(client_kind: ClientKind) -> None:
    many = enter(client_kind, client_kind.client().run_many([]))
    assert outcomes_of(client_kind, many) == []


def test_leaving_early_aborts_running_turns_and_starts_no_more(
    client_kind: ClientKind, server: ManyServer
) -> None:
    specs = (TurnSpec("wait" if number else "hi") for number in range(100))
    client = client_kind.client(server.url)
    many = enter(client_kind, client.run_many(specs, concurrency=3))
    until(client_kind, lambda: len(server.running) == 3)
    running = set(server.running)
    client_kind.call(many.close)
    assert server.aborted == running
    outcomes = outcomes_of(client_kind, many)
    assert texts_of(outcomes) == ["answer to hi"]
    assert [type(one.error) for one in outcomes if one.error] == [TurnAbortedError] * 3
    assert len(server.prompts) == 4
    client_kind.call(client.close)
    until(client_kind, lambda: _left(client_kind) == [])
    assert _left(client_kind) == []


def _left(client_kind: ClientKind) -> list[str]:
    """The threads and tasks that are left."""

    async def tasks() -> list[str]:
        return [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    threads = [one.name for one in threading.enumerate() if one.name.startswith("opencode")]
    return threads + (client_kind.call(tasks) if client_kind.is_async else [])


def test_leaving_at_once_sends_nothing(client_kind: ClientKind) -> None:
    many = enter(client_kind, client_kind.client(max_retries=0).run_many(repeat(TurnSpec("hi"))))
    client_kind.call(many.close)
    assert len(outcomes_of(client_kind, many)) < 16  # of an endless iterable


def test_an_error_of_the_iterable_is_raised_after_the_outcomes(
    client_kind: ClientKind, server: ManyServer
) -> None:
    def specs() -> Iterator[TurnSpec]:
        yield TurnSpec("meet and wait")
        yield TurnSpec("meet")
        raise ZeroDivisionError  # when the second one is over

    many = open_many(client_kind, server, specs(), concurrency=2)
    outcomes = [client_kind.call(many.get, timeout=FOREVER_S) for _ in range(2)]
    assert texts_of(outcomes) == ["answer to meet"]
    assert isinstance(outcomes[1].error, TurnAbortedError)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            client_kind.call(many.get, timeout=FOREVER_S)
    assert (len(server.aborted), server.running) == (1, set())


def test_an_item_that_is_not_a_spec_raises_an_argument_error(
    client_kind: ClientKind, server: ManyServer
) -> None:
    many = open_many(client_kind, server, iter([TurnSpec("hi"), None]))
    client_kind.call(many.get, timeout=FOREVER_S)
    with pytest.raises(ArgumentError, match=r"specs\[1\]: run_many takes TurnSpecs, not None"):
        client_kind.call(many.get, timeout=FOREVER_S)


def test_a_timeout_of_get_does_not_stop_the_turns(client_kind: ClientKind, server: ManyServer) -> None:
    many = open_many(client_kind, server, [TurnSpec("wait")])
    with pytest.raises(StreamTimeoutError):
        client_kind.call(many.get, timeout=0.01)
    until(client_kind, lambda: len(server.running) == 1)
    server.let_end(1)
    assert texts_of(outcomes_of(client_kind, many)) == ["answer to wait"]


def test_closing_the_client_ends_the_turns(client_kind: ClientKind, server: ManyServer) -> None:
    client = client_kind.client(server.url)
    many = enter(client_kind, client.run_many((TurnSpec("wait") for _ in range(100)), concurrency=2))
    until(client_kind, lambda: len(server.running) == 2)
    client_kind.call(client.close)
    outcomes = [client_kind.call(many.get, timeout=FOREVER_S) for _ in range(2)]
    assert [type(one.error) for one in outcomes] == [ClientClosedError] * 2
    with pytest.raises(ClientClosedError):
        client_kind.call(many.get, timeout=FOREVER_S)


def test_run_many_must_be_opened_once_before_it_is_read(client_kind: ClientKind, server: ManyServer) -> None:
    many = client_kind.client(server.url).run_many([TurnSpec("hi")])
    with pytest.raises(ArgumentError, match="with"):
        client_kind.call(many.get)
    client_kind.call(many.close)
    enter(client_kind, many)
    with pytest.raises(ArgumentError, match="again"):
        enter(client_kind, many)
    assert len(outcomes_of(client_kind, many)) == 1


@needs_ctrl_c
def test_ctrl_c_aborts_running_turns(server: ManyServer) -> None:
    def run() -> None:
        with kind.client(server.url).run_many([TurnSpec("wait")] * 50, concurrency=2) as many:
            next(many)

    kind = ClientKind(False)
    thread = press_ctrl_c(lambda: until(kind, lambda: len(server.running) == 2), bool)
    with pytest.raises(KeyboardInterrupt):
        run()
    thread.join()
    assert server.aborted == {"ses_0", "ses_1"}
    kind.close()


def test_cancelling_aborts_running_turns(server: ManyServer) -> None:
    async def run() -> None:
        async with client.run_many([TurnSpec("wait")] * 50, concurrency=2) as many:
            await anext(many)

    async def cancel() -> None:
        task = asyncio.create_task(run())
        while len(server.running) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    kind = ClientKind(True)
    client = kind.client(server.url)
    kind.call(cancel)
    assert server.aborted == {"ses_0", "ses_1"}
    kind.close()
