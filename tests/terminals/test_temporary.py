"""Terminals of `client.terminal()`: they are removed after every end of the block or of its start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from opencode_client import (
    ArgumentError,
    ConnectionLostError,
    OpencodeError,
    PtyConnection,
    PtyOptions,
    ServerError,
)
from opencode_client.errors import BadRequestError, ConnectError
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import http
from tests.support.resources import assert_no_thread_of_terminals, needs_ctrl_c, pause, press_ctrl_c
from tests.support.terminal_actions import entered
from tests.support.terminal_list import TerminalList
from tests.support.terminal_server import PTY_ID, Gate


def _left(client_kind: ClientKind, made: Any) -> None:  # Any: sync or async
    client_kind.call(made.__aexit__ if client_kind.is_async else made.__exit__, None, None, None)


def test_a_block_creates_and_removes_a_terminal(client_kind: ClientKind) -> None:
    with TerminalList() as server:
        made = client_kind.client(server.url).terminal("bash")
        entered(client_kind, made)
        assert PTY_ID in server.titles
        _left(client_kind, made)
        assert server.removals == 1
        server.until(server.is_clean)


def test_a_terminal_gets_the_title_of_the_caller(client_kind: ClientKind) -> None:
    with TerminalList() as server:
        made = client_kind.client(server.url).terminal("bash", title="mine")
        entered(client_kind, made)
        assert server.titles[PTY_ID] == "mine"
        _left(client_kind, made)


def test_terminals_without_a_title_have_different_ones(client_kind: ClientKind) -> None:
    with TerminalList() as server:
        titles: list[str] = []
        for _ in range(2):
            made = client_kind.client(server.url).terminal("bash")
            entered(client_kind, made)
            titles.append(server.titles[PTY_ID])
            _left(client_kind, made)
    assert titles[0] != titles[1]
    assert all(title.startswith("Terminal ") for title in titles)


_LOST = {
    "no response": (b"", ConnectionLostError),
    "an empty response": (http(), OpencodeError),
    "a response that is cut": (http(b"[", headers={"content-length": "9"}), ConnectionLostError),
    "a proxy's 502": (http(b"<p>Bad gateway", 502), ServerError),
}


@pytest.mark.parametrize(("response", "kind"), _LOST.values(), ids=list(_LOST))
def test_a_terminal_is_removed_if_the_response_of_its_creation_is_lost(
    client_kind: ClientKind, response: bytes, kind: type[OpencodeError]
) -> None:
    with TerminalList() as server:
        server.on_create = lambda: (
            _cut(server) if response in (b"", _LOST["a response that is cut"][0]) else response
        )
        with pytest.raises(kind):
            entered(client_kind, client_kind.client(server.url, max_retries=0).terminal("bash", title="mine"))
        assert server.removals == 1
        server.until(server.is_clean)


def _cut(server: TerminalList) -> bytes:
    raise ConnectionError("the connection ends without a response")


@pytest.mark.parametrize("status", [400, 401])
def test_a_terminal_that_was_not_created_is_not_searched_for(client_kind: ClientKind, status: int) -> None:
    with TerminalList() as server:
        server.answers["/pty"] = http(b"{}", status)
        with pytest.raises(OpencodeError):
            entered(client_kind, client_kind.client(server.url).terminal("bash"))
        assert [call.method for call in server.calls] == ["POST"]


def test_a_terminal_is_not_searched_for_if_the_server_is_unreachable(client_kind: ClientKind) -> None:
    with pytest.raises(ConnectError, match="POST"):
        entered(client_kind, client_kind.client(max_retries=0).terminal("bash"))


def test_a_terminal_is_removed_if_its_title_cannot_be_set(client_kind: ClientKind) -> None:
    with TerminalList() as server:
        use = server.answers[f"/pty/{PTY_ID}"]
        assert callable(use)
        server.answers[f"/pty/{PTY_ID}"] = lambda: (
            http(b"{}", 400) if server.calls[-1].method == "PUT" else use()
        )
        with pytest.raises(BadRequestError):
            entered(client_kind, client_kind.client(server.url).terminal("bash", title="mine"))
        server.until(server.is_clean)


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("title", [None, "mine"])
def test_a_task_that_is_cancelled_while_it_creates_leaves_no_terminal(times: int, title: str | None) -> None:
    client_kind, gate = ClientKind(is_async=True), Gate(None)
    with TerminalList() as server:
        server.on_create = gate
        client = client_kind.client(server.url)

        async def run() -> None:
            task = asyncio.ensure_future(client.terminal("bash", title=title).__aenter__())
            await asyncio.to_thread(gate.await_asked)
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
            gate.open()
            with pytest.raises(asyncio.CancelledError):
                await task

        client_kind.call(run)
        assert server.removals == 1
        server.until(server.is_clean)
    client_kind.close()


def test_a_terminal_is_removed_if_it_is_created_long_after_the_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("opencode_client.streams.async_background._PATIENCE_S", 0.05)
    client_kind, gate = ClientKind(is_async=True), Gate(None)
    with TerminalList() as server:
        server.on_create = gate
        client = client_kind.client(server.url)

        async def run() -> None:
            task = asyncio.ensure_future(client.terminal("bash").__aenter__())
            await asyncio.to_thread(gate.await_asked)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            gate.open()
            await asyncio.to_thread(server.until, lambda: server.removals == 1)

        client_kind.call(run)
        server.until(server.is_clean)
    client_kind.close()


@needs_ctrl_c
@pytest.mark.parametrize("moment", ["creates", "asks", "dials", "listens"])
def test_ctrl_c_at_the_start_leaves_no_terminal(moment: str) -> None:
    client_kind, gate = ClientKind(is_async=False), Gate(None)
    paths = {"asks": "/global/health", "dials": f"/pty/{PTY_ID}/connect", "listens": "/event"}
    with TerminalList() as server:
        if moment == "creates":
            server.on_create = gate
        else:
            usual = server.answers.get(paths[moment])
            server.answers[paths[moment]] = lambda: gate() or (usual if isinstance(usual, bytes) else None)
        client = client_kind.client(server.url, max_retries=0)
        pressing = press_ctrl_c(gate.await_asked, gate.open)
        with pytest.raises(KeyboardInterrupt):
            client.terminal("bash").__enter__()
        pressing.join()
        assert server.removals == 1
        server.until(server.is_clean)
        assert_no_thread_of_terminals(client_kind)
    client_kind.close()


@needs_ctrl_c
def test_ctrl_c_in_the_block_removes_the_terminal() -> None:
    client_kind = ClientKind(is_async=False)
    with TerminalList() as server:
        pressing = press_ctrl_c(lambda: server.until(lambda: server.open), bool)
        with pytest.raises(KeyboardInterrupt), client_kind.client(server.url).terminal("bash") as terminal:
            terminal.recv()
        pressing.join()
        server.until(server.is_clean)
        assert_no_thread_of_terminals(client_kind)
    client_kind.close()


@needs_ctrl_c
def test_ctrl_c_does_not_interrupt_the_removal() -> None:
    client_kind, gate = ClientKind(is_async=False), Gate(None)
    with TerminalList() as server:
        made = client_kind.client(server.url).terminal("bash")
        made.__enter__()
        use = server.answers[f"/pty/{PTY_ID}"]
        assert callable(use)
        server.answers[f"/pty/{PTY_ID}"] = lambda: gate() or use()
        pressing = press_ctrl_c(gate.await_asked, gate.open)
        with pytest.raises(KeyboardInterrupt):
            made.__exit__(None, None, None)
        pressing.join()
        server.until(server.is_clean)
    client_kind.close()


def test_cancelling_does_not_interrupt_the_removal() -> None:
    client_kind, gate = ClientKind(is_async=True), Gate(None)
    with TerminalList() as server:
        made = client_kind.client(server.url).terminal("bash")
        entered(client_kind, made)
        use = server.answers[f"/pty/{PTY_ID}"]
        assert callable(use)
        server.answers[f"/pty/{PTY_ID}"] = lambda: gate() or use()

        async def run() -> None:
            task = asyncio.ensure_future(made.__aexit__(None, None, None))
            await asyncio.to_thread(gate.await_asked)
            for _ in range(2):
                task.cancel()
                await asyncio.sleep(0)
            gate.open()
            with pytest.raises(asyncio.CancelledError):
                await task

        client_kind.call(run)
        server.until(server.is_clean)
    client_kind.close()


@pytest.mark.parametrize(
    "name", ["send", "recv", "read_until", "resize", "wait", "close", "pty_id", "cursor"]
)
def test_a_terminal_used_without_a_with_block_raises_an_error_that_names_it(
    client_kind: ClientKind, name: str
) -> None:
    made = client_kind.client().terminal("bash")
    assert not hasattr(made, name)
    block = "async with" if client_kind.is_async else "with"
    with pytest.raises(
        AttributeError, match=rf"use `{block} client\.terminal\(\) as terminal`.*terminal\.{name}"
    ):
        getattr(made, name)


def test_unknown_options_are_refused_before_a_terminal_is_created(client_kind: ClientKind) -> None:
    wrong: Any = {"cwdd": 1}  # Any: a wrong name
    with pytest.raises(
        ArgumentError,
        match=r"no argument 'cwdd'\. Did you mean 'cwd'.* There are: command, args, cwd,.* cursor",
    ):
        client_kind.client().terminal("bash", **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cursor": "1"},
        {"cursor": 1.5},
        {"max_attempts": -1},
        {"max_attempts": "3"},
        {"ssl": True},
        {"auth": 1},
    ],
)
def test_wrong_options_are_refused_before_a_terminal_is_created(
    client_kind: ClientKind, wrong: PtyOptions
) -> None:
    for connect in (client_kind.client().terminal, client_kind.client().pty.connect):
        with pytest.raises(ArgumentError, match=rf"{next(iter(wrong))} takes"):
            connect("pty_x", **wrong)


def test_a_terminal_can_be_entered_only_once(client_kind: ClientKind) -> None:
    with TerminalList() as server:
        made = client_kind.client(server.url).terminal("bash")
        entered(client_kind, made)
        with pytest.raises(ArgumentError, match=r"call client\.terminal\(\) again"):
            entered(client_kind, made)
        _left(client_kind, made)
        server.until(server.is_clean)


def test_with_and_async_with_of_the_other_client_are_refused(client_kind: ClientKind) -> None:
    client = client_kind.client()
    block = "async with" if client_kind.is_async else "with"
    for one in (client.terminal("bash"), client.pty.connect(PTY_ID)):
        uses: list[Callable[[], object]] = (
            [one.__enter__, one.__iter__] if client_kind.is_async else [one.__aenter__]
        )
        uses += [one.__await__] if client_kind.is_async else [one.__aiter__]
        for use in uses:
            with pytest.raises(ArgumentError, match=f"use .*{block.split()[0]}"):
                use()


def test_contextlib_closing_closes_a_terminal(client_kind: ClientKind) -> None:
    from contextlib import aclosing, closing

    async def use(terminal: Any) -> None:  # Any: sync or async
        async with aclosing(terminal) as same:
            await same.send("x")

    with TerminalList() as server:
        server.titles[PTY_ID] = "t"
        terminal = client_kind.client(server.url).pty.connect(PTY_ID)
        if client_kind.is_async:
            client_kind.call(use, terminal)
        else:
            with closing(terminal) as same:
                assert isinstance(same, PtyConnection)
                same.send("x")
        pause(client_kind)
        server.until(lambda: server.dials and server.open == 0)
