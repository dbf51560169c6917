"""Retries after a status: the calls that are sent again, the delays, and the arguments of `on_retry`."""

from __future__ import annotations

import itertools

import pytest

from opencode_client import (
    RateLimitError,
    RetryEvent,
    ServerError,
    StatusError,
)
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import (
    FaultyServer,
    Step,
    answer,
    cut,
    http,
    reset,
)
from tests.support.retry_cases import (
    CREATE,
    EMPTY_LIST,
    LIST,
    Call,
    attempts_of,
    busy,
    every_call,
    json_answer,
)
from tests.support.retry_cases import waits as waits  # a fixture for every test here


@every_call
def test_after_a_503_only_repeatable_requests_are_retried(client_kind: ClientKind, call: Call) -> None:
    with FaultyServer(itertools.repeat(answer(json_answer({"message": "busy"}, 503)))) as server:
        error = client_kind.error(server.url, call)
    assert len(server.requests) == attempts_of(call)
    assert isinstance(error, StatusError)
    assert (error.operation, error.method, error.url) == (call.operation, call.method, server.url + call.path)
    assert str(error) == f"{call.operation}: 503 Service Unavailable: busy"


@pytest.mark.parametrize(
    ("status", "attempts"), [(408, 3), (429, 3), (502, 3), (503, 3), (504, 3), (400, 1), (409, 1), (500, 1)]
)
def test_a_read_is_retried_only_after_a_temporary_status(
    client_kind: ClientKind, status: int, attempts: int
) -> None:
    with FaultyServer(itertools.repeat(answer(http(status=status)))) as server:
        client_kind.error(server.url, LIST)
    assert len(server.requests) == attempts


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimitError), (503, ServerError), (408, StatusError)])
def test_each_status_has_its_error_class(
    client_kind: ClientKind, status: int, kind: type[StatusError]
) -> None:
    with FaultyServer([answer(http(status=status))]) as server:
        assert type(client_kind.error(server.url, CREATE)) is kind


_AT_S = 1445412480  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(
    ("retry_after", "delay_s"),
    [
        ("3", 3.0),
        ("0.25", 0.25),
        ("0", 0.0),
        ("-5", 0.0),
        ("60", 60.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 10.0),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", 10.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
    ],
)
def test_the_delay_is_the_one_in_retry_after(
    client_kind: ClientKind,
    waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
    retry_after: str,
    delay_s: float,
) -> None:
    monkeypatch.setattr("opencode_client.calls.retry_policy.time", lambda: _AT_S - 10.0)
    with FaultyServer([busy(retry_after), answer(EMPTY_LIST)]) as server:
        assert client_kind.run(server.url, LIST) == []
    assert waits == [delay_s]


@pytest.mark.parametrize("retry_after", ["", "soon", "nan", "inf", "1, 2", "Wed, 99 Foo 2015"])
def test_an_invalid_retry_after_is_ignored(
    client_kind: ClientKind, waits: list[float], retry_after: str
) -> None:
    with FaultyServer([busy(retry_after), busy(retry_after), answer(EMPTY_LIST)]) as server:
        assert client_kind.run(server.url, LIST) == []
    first_s, second_s = waits
    assert 0.25 <= first_s <= 0.5 <= second_s <= 1.0


@pytest.mark.parametrize("retry_after", ["61", "86400", "1e300", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_retry_after_above_a_minute_raises_at_once(
    client_kind: ClientKind, waits: list[float], retry_after: str
) -> None:
    with FaultyServer([busy(retry_after), answer(EMPTY_LIST)]) as server:
        error = client_kind.error(server.url, LIST)
    assert isinstance(error, RateLimitError)
    assert error.headers["retry-after"] == retry_after
    assert waits == []


def test_on_retry_is_called_before_each_delay(client_kind: ClientKind, waits: list[float]) -> None:
    retries: list[tuple[str, int, float, int]] = []

    def on_retry(event: RetryEvent) -> None:
        assert isinstance(event.error, StatusError)
        assert len(waits) == len(retries)
        retries.append((event.operation, event.attempt, event.delay_s, event.error.status))

    with FaultyServer([busy("1"), answer(http(status=503)), answer(EMPTY_LIST)]) as server:
        client_kind.run(server.url, LIST, on_retry=on_retry)
    assert retries == [("session.list", 1, 1.0, 429), ("session.list", 2, waits[1], 503)]


@pytest.mark.parametrize("step", [answer(http(status=503)), reset, cut(b"")])
def test_with_no_retries_a_read_is_sent_once(client_kind: ClientKind, step: Step, waits: list[float]) -> None:
    with FaultyServer([step]) as server:
        client_kind.error(server.url, LIST, max_retries=0)
    assert (server.connections, waits) == (1, [])
