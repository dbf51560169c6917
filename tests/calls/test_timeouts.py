"""The timeouts of a call, of a client, and of operations that wait for a turn."""

from __future__ import annotations

import pytest

from opencode_client import (
    RequestTimeoutError,
)
from tests.support.both_clients import Action, Client, ClientKind
from tests.support.faulty_server import (
    FaultyServer,
    answer_late,
    http,
    stall,
)
from tests.support.retry_cases import (
    EMPTY_LIST,
    HUNDRED_BYTES,
    LIST,
    PROMPT,
    SOON,
    Call,
    every_call,
)
from tests.support.retry_cases import waits as waits  # a fixture for every test here


@every_call
def test_no_answer_in_time_is_an_error_and_never_sent_again(client_kind: ClientKind, call: Call) -> None:
    with FaultyServer([stall()]) as server:
        error = client_kind.error(server.url, call.within(SOON))
    assert isinstance(error, RequestTimeoutError)
    assert str(error).startswith(f"{call.operation}: {call.method} {error.url}: no response in time: ")
    assert len(server.requests) == 1


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200", http(b"[", headers=HUNDRED_BYTES)])
def test_the_clients_timeout_is_for_silence_at_any_point_of_the_answer(
    client_kind: ClientKind, start: bytes
) -> None:
    with FaultyServer([stall(start)]) as server:
        error = client_kind.error(server.url, LIST, timeout=0.1)
    assert isinstance(error, RequestTimeoutError)


def test_a_calls_timeout_wins_over_the_clients(client_kind: ClientKind) -> None:
    with FaultyServer([answer_late(EMPTY_LIST, 5)]) as server:
        error = client_kind.error(server.url, LIST.within(0.1), timeout=60)
    assert isinstance(error, RequestTimeoutError)


def test_a_prompt_outlives_the_clients_timeout(client_kind: ClientKind) -> None:
    with FaultyServer([answer_late(http(PROMPT.value), 0.3)]) as server:
        assert client_kind.run(server.url, PROMPT, timeout=0.1).parts == []


def _shell(client: Client) -> object:
    return client.session.shell("ses_1", command="true", agent="build")


def _authenticate(client: Client) -> object:
    return client.mcp.auth.authenticate("own")


@pytest.mark.parametrize("call", [PROMPT, _shell, _authenticate])
def test_turn_timeout_ends_operations_that_wait_for_a_turn_or_a_person(
    client_kind: ClientKind, call: Action
) -> None:
    with FaultyServer([stall()]) as server:
        error = client_kind.error(server.url, call, timeout=60, turn_timeout=0.1)
    assert isinstance(error, RequestTimeoutError)
    assert len(server.requests) == 1


def test_a_calls_timeout_wins_over_turn_timeout(client_kind: ClientKind) -> None:
    with FaultyServer([answer_late(http(PROMPT.value), 0.3)]) as server:
        assert client_kind.run(server.url, PROMPT.within(None), turn_timeout=0.1).parts == []


def test_turn_timeout_is_not_for_other_operations(client_kind: ClientKind) -> None:
    with FaultyServer([answer_late(EMPTY_LIST, 0.3)]) as server:
        assert client_kind.run(server.url, LIST, turn_timeout=0.1) == []


def test_a_view_has_its_own_turn_timeout(client_kind: ClientKind) -> None:
    with FaultyServer([stall()]) as server:
        error = client_kind.error(server.url, lambda client: PROMPT(client.with_options(turn_timeout=0.1)))
    assert isinstance(error, RequestTimeoutError)
