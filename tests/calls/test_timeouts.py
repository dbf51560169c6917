"""The timeouts of a call, of a client, and of operations that wait for a turn."""

from __future__ import annotations

import socket
import threading

import pytest

from opencode_client import ConnectError, RequestTimeoutError
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
def test_a_timeout_is_an_error_and_is_not_retried(client_kind: ClientKind, call: Call) -> None:
    with FaultyServer([stall()]) as server:
        error = client_kind.error(server.url, call.within(SOON))
    assert isinstance(error, RequestTimeoutError)
    assert str(error).startswith(f"{call.operation}: {call.method} {error.url}: no response in time: ")
    assert len(server.requests) == 1


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200", http(b"[", headers=HUNDRED_BYTES)])
def test_the_clients_timeout_applies_to_every_part_of_the_response(
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
    end = "; the server goes on (session.abort stops a turn): pass a longer timeout or turn_timeout"
    assert str(error).endswith(end)
    assert len(server.requests) == 1


def test_a_calls_timeout_wins_over_turn_timeout(client_kind: ClientKind) -> None:
    with FaultyServer([answer_late(http(PROMPT.value), 0.3)]) as server:
        assert client_kind.run(server.url, PROMPT.within(None), turn_timeout=0.1).parts == []


def test_turn_timeout_does_not_apply_to_other_operations(client_kind: ClientKind) -> None:
    with FaultyServer([answer_late(EMPTY_LIST, 0.3)]) as server:
        assert client_kind.run(server.url, LIST, turn_timeout=0.1) == []


def test_a_view_has_its_own_turn_timeout(client_kind: ClientKind) -> None:
    with FaultyServer([stall()]) as server:
        error = client_kind.error(server.url, lambda client: PROMPT(client.with_options(turn_timeout=0.1)))
    assert isinstance(error, RequestTimeoutError)


def test_the_timeout_of_a_large_body_applies_to_each_pause(client_kind: ClientKind) -> None:
    steps, step_s, timeout_s = 16, 0.15, 1.0  # in all more than twice the timeout
    body = "x" * (steps << 20)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                for _ in range(steps):
                    connection.recv(1 << 20, socket.MSG_WAITALL)
                    threading.Event().wait(step_s)
                connection.recv(1 << 20)  # the bytes above included the head
                connection.sendall(http(b"true"))

        server = threading.Thread(target=serve)
        server.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        options = {"timeout": timeout_s, "max_retries": 0}
        assert client_kind.run(url, lambda client: client.send("PUT", "/x", json=body), **options) is True
        server.join(10)


def test_the_timeout_includes_the_dns_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()

    def search(*_: object, flags: int = 0, **__: object) -> object:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror  # a host name is not an address
        is_over.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", search)
    client_kind = ClientKind(is_async=True)  # Python has no timeout for a DNS lookup in a thread
    client = client_kind.client("http://opencode.invalid", timeout=0.1, max_retries=0)
    with pytest.raises(ConnectError, match="no connection: timed out"):
        client_kind.call(client.session.list)
    is_over.set()
    client_kind.close()
