"""`client.wait_until_ready`: polls the server until it responds."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import httpx
import pytest

from opencode_client import (
    ArgumentError,
    AuthenticationError,
    ClientClosedError,
    ConnectError,
    RequestTimeoutError,
    ServerError,
    UnsupportedServerError,
)
from opencode_client.calls import async_server_check, server_check
from tests.support.both_clients import Action, ClientKind
from tests.support.faulty_server import (
    FaultyServer,
    Step,
    answer,
    answer_late,
    cut,
    http,
    refused_connections,
    reset,
    stall,
)
from tests.support.retry_cases import json_answer

_READY = answer(json_answer({"healthy": True, "version": "1.18.33"}))


def _wait(timeout: float | None = 10.0) -> Action:
    return lambda client: client.wait_until_ready(timeout=timeout)


@pytest.mark.parametrize("step", [reset, cut(b""), answer(http(status=503)), answer(http(status=429))])
def test_wait_until_ready_tries_again_until_the_server_responds(client_kind: ClientKind, step: Step) -> None:
    with FaultyServer([step], [step], [_READY]) as server:
        assert client_kind.run(server.url, _wait()) is None
        assert server.connections == 3
    assert {request.path for request in server.requests} == {"/global/health"}


@pytest.fixture
def short_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (server_check, async_server_check):
        monkeypatch.setattr(module, "_FIRST_TRY_S", 0.05)


@pytest.mark.usefixtures("short_tries")
def test_a_connection_without_a_response_is_replaced_soon(client_kind: ClientKind) -> None:
    """1.14.48 to 1.18.33 never respond on a connection that was opened before they listen."""
    with FaultyServer([stall()], [stall()], [_READY]) as server:
        assert client_kind.run(server.url, _wait(2.0)) is None
        assert server.connections == 3


@pytest.mark.usefixtures("short_tries")
def test_a_server_that_responds_slowly_gets_more_time(client_kind: ClientKind) -> None:
    slow = answer_late(json_answer({"healthy": True, "version": "1.18.33"}), 0.12)
    with FaultyServer(itertools.repeat(slow)) as server:
        assert client_kind.run(server.url, _wait(10.0)) is None
        assert server.connections == 3


def test_wait_until_ready_waits_for_a_server_that_starts_later(client_kind: ClientKind) -> None:
    with refused_connections() as url:
        pass
    client, started = client_kind.client(url), list[FaultyServer]()

    def start() -> None:
        started.append(FaultyServer([_READY], port=httpx.URL(url).port or 0))

    outcome, _ = client_kind.meanwhile(client.wait_until_ready, lambda: None, start)
    started[0].close()
    assert outcome is None


@pytest.mark.parametrize("timeout", [0.05, 0.3])
def test_a_server_that_does_not_start_is_a_timeout_with_the_last_failure(
    client_kind: ClientKind, timeout: float
) -> None:
    with refused_connections() as url:
        error = client_kind.error(url, _wait(timeout))
    assert isinstance(error, RequestTimeoutError)
    assert isinstance(error, TimeoutError)
    assert isinstance(error.__cause__, ConnectError)
    assert str(error).startswith(f"wait_until_ready: no opencode server at {url} within {timeout} s; ")
    assert str(error.__cause__) in str(error)


def test_a_server_that_accepts_and_never_responds_is_a_timeout(client_kind: ClientKind) -> None:
    with FaultyServer([stall()]) as server:
        error = client_kind.error(server.url, _wait(0.2))
    assert isinstance(error, RequestTimeoutError)
    assert isinstance(error.__cause__, RequestTimeoutError)


def test_the_timeout_error_has_the_last_5xx_status_as_its_cause(client_kind: ClientKind) -> None:
    with FaultyServer(itertools.repeat(answer(http(status=502)))) as server:
        error = client_kind.error(server.url, _wait(0.2))
    assert isinstance(error.__cause__, ServerError)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (lambda: httpx.Response(401), AuthenticationError),
        (lambda: httpx.Response(200, text="<!doctype html>"), UnsupportedServerError),
        (lambda: httpx.Response(200, json={"version": "2.1.0"}), UnsupportedServerError),
        (lambda: httpx.Response(404), UnsupportedServerError),
    ],
)
def test_a_permanent_error_is_raised_at_once(
    client_kind: ClientKind, response: Callable[[], httpx.Response], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        client_kind.call(client_kind.mocked(lambda _: response()).wait_until_ready, timeout=None)


def test_closing_the_client_ends_the_wait(client_kind: ClientKind) -> None:
    with FaultyServer(itertools.repeat(answer(http(status=503)))) as server:
        client = client_kind.client(server.url)
        outcome, _ = client_kind.meanwhile(
            lambda: client.wait_until_ready(timeout=None),
            lambda: server.await_requests(2),
            client.close,
        )
    assert isinstance(outcome, ClientClosedError)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), True, "5", float("inf")])
def test_a_wrong_timeout_is_an_argument_error(client_kind: ClientKind, timeout: float) -> None:
    with pytest.raises(ArgumentError, match="timeout takes seconds above 0, or None for no limit"):
        client_kind.call(client_kind.client().wait_until_ready, timeout=timeout)
