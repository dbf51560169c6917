"""Wrong responses, frames and arguments: each raises an OpencodeError."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from opencode_client import ArgumentError, OpencodeError, PtyClosedError, PtyTimeoutError, RequestError
from opencode_client.errors import ConnectError, ForbiddenError, ResponseDecodeError
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import http
from tests.support.terminal_actions import connected, entered
from tests.support.terminal_list import TerminalList
from tests.support.terminal_server import PTY_ID, Gate, Line, PtyServer, Step, cursor, described

_PATH = f"/pty/{PTY_ID}"
_BODIES = [b"null", b"[]", b"{}", b'"x"', b'{"id":1,"status":2}', b"hello", 100_000 * b"["]
_HANDSHAKES = {
    "a body that is not compressed": http(b"no", 403, {"content-encoding": "gzip"}),
    "status 999": http(b"", 999),
    "status 20": b"HTTP/1.1 20 OK\r\n\r\n",
    "a wrong length": http(b"", 403, {"content-length": "x"}),
    "a long header": http(b"", 403, {"x": 100_000 * "y"}),
    "another key": b"HTTP/1.1 101 S\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: no\r\n\r\n",
    "an unknown charset": http(b"no", 403, {"content-type": "text/html; charset=nope"}),
}
_FRAMES = {
    "an unknown opcode": b"\x83\x01a",
    "a masked frame": b"\x81\x81abcde",
    "text that is not UTF-8": b"\x81\x02\xff\xfe",
    "a continuation of nothing": b"\x80\x01a",
    "a short close frame": b"\x88\x01a",
    "a close reason that is not UTF-8": b"\x88\x04\x03\xe8\xff\xff",
    "a long frame": b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
    "a long ping": b"\x89\x7e\x00\x80" + 128 * b"x",
}


def _raw(data: bytes) -> Step:
    def step(line: Line) -> None:
        line.send_raw(data)

    return step


@pytest.mark.parametrize("body", [*_BODIES[:2], *_BODIES[3:4], *_BODIES[5:]])
def test_a_wrong_response_of_pty_get_raises_an_opencode_error(client_kind: ClientKind, body: bytes) -> None:
    with (
        PtyServer([cursor(0)], answers={_PATH: http(body)}) as server,
        pytest.raises(OpencodeError, match=r"pty\.get"),
    ):
        connected(client_kind, server)


@pytest.mark.parametrize("body", _BODIES)
def test_a_wrong_response_to_a_ticket_request_raises_an_opencode_error(
    client_kind: ClientKind, body: bytes
) -> None:
    answers = {f"{_PATH}/connect-token": http(body)}
    with PtyServer([cursor(0)], answers=answers) as server:
        with pytest.raises(OpencodeError, match="pty"):
            connected(client_kind, server, auth="ticket")
        assert server.dials == []


@pytest.mark.parametrize("body", _BODIES)
def test_a_terminal_is_removed_if_the_response_of_its_creation_is_wrong(
    client_kind: ClientKind, body: bytes
) -> None:
    with TerminalList() as server:
        server.on_create = lambda: http(body)
        with pytest.raises(OpencodeError, match=r"pty\.create"):
            entered(client_kind, client_kind.client(server.url).terminal("bash"))
        server.until(server.is_clean)


@pytest.mark.parametrize("response", _HANDSHAKES.values(), ids=list(_HANDSHAKES))
def test_a_wrong_handshake_raises_an_opencode_error(client_kind: ClientKind, response: bytes) -> None:
    answers = {f"{_PATH}/connect": response}
    with PtyServer(answers=answers) as server, pytest.raises(OpencodeError, match=r"pty\.connect") as caught:
        connected(client_kind, server)
    assert isinstance(caught.value, ForbiddenError) or (
        isinstance(caught.value, RequestError) and caught.value.__cause__ is not None
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://[", "foo://x", "http://"])
def test_a_wrong_proxy_url_raises_an_opencode_error(
    client_kind: ClientKind, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    client = client_kind.client("http://opencode.invalid")
    terminal: Any = client.pty.connect(PTY_ID, exit_code=False)

    async def no_calls_async(*, again: bool) -> None:
        """Replace the calls, which use the same proxy."""

    def no_calls(*, again: bool) -> None:
        """As above."""

    monkeypatch.setattr(terminal, "_before_handshake", no_calls_async if client_kind.is_async else no_calls)
    monkeypatch.setenv("http_proxy", url)
    with pytest.raises((ArgumentError, ConnectError), match=r"no connection|http_proxy"):
        entered(client_kind, terminal)


@pytest.mark.parametrize("data", _FRAMES.values(), ids=list(_FRAMES))
def test_an_unexpected_frame_breaks_the_connection(client_kind: ClientKind, data: bytes) -> None:
    with PtyServer([cursor(0), _raw(data)]) as server:
        terminal = connected(client_kind, server)
        with pytest.raises(PtyClosedError, match="the connection broke") as caught:
            client_kind.call(terminal.recv, 5)
        assert caught.value.__cause__ is not None
        assert len(server.dials) == 1


@pytest.mark.parametrize("payload", [b"[[[[", b'{"cursor":-3}', b'{"cursor":"x"}', 10_000 * b"["])
def test_a_malformed_control_frame_is_ignored(client_kind: ClientKind, payload: bytes) -> None:
    with PtyServer([cursor(0), lambda line: line.send(b"\0" + payload)]) as server:
        terminal = connected(client_kind, server)
        with pytest.raises(PtyTimeoutError):
            client_kind.call(terminal.recv, 0.1)
        assert terminal.cursor == 0


_WRONG: dict[str, tuple[Callable[[Any], Any], str]] = {
    "send": (lambda terminal: terminal.send(3), r"send\(\) takes str or bytes, not int"),
    "send nothing": (lambda terminal: terminal.send(None), r"send\(\) takes str or bytes"),
    "recv": (lambda terminal: terminal.recv("x"), "timeout is a number of seconds or None, not 'x'"),
    "recv nan": (lambda terminal: terminal.recv(float("nan")), "timeout is a number"),
    "read_until bytes": (
        lambda terminal: terminal.read_until(b"x"),
        r"read_until\(\) takes a text or a regular",
    ),
    "read_until bytes pattern": (
        lambda terminal: terminal.read_until(re.compile(b"x")),
        r"read_until\(\) takes",
    ),
    "read_until timeout": (lambda terminal: terminal.read_until("x", [1]), "timeout is a number"),
    "wait": (lambda terminal: terminal.wait("1"), "timeout is a number"),
    "resize": (lambda terminal: terminal.resize("1", 2), "at least one row and one column, not '1' and 2"),
    "resize fraction": (lambda terminal: terminal.resize(1.5, 2), "at least one row and one column"),
}


@pytest.mark.parametrize(("use", "text"), _WRONG.values(), ids=list(_WRONG))
def test_a_value_of_a_wrong_type_is_refused(
    client_kind: ClientKind, use: Callable[[Any], Any], text: str
) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        with pytest.raises(ArgumentError, match=text):
            client_kind.call(use, terminal)


def test_an_infinite_timeout_means_no_timeout(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0), lambda line: line.send("a")]) as server:
        assert client_kind.call(connected(client_kind, server).recv, float("inf")) == "a"


@pytest.mark.parametrize("pty_id", [None, 3, b"x", {"id": "pty_1"}])
def test_a_terminal_id_must_be_a_string(client_kind: ClientKind, pty_id: Any) -> None:
    with pytest.raises(ArgumentError, match=r"pty_id takes the id of a terminal, such as pty\.id, not"):
        client_kind.client().pty.connect(pty_id)


def test_a_second_reader_is_refused(client_kind: ClientKind) -> None:
    gate = Gate(None)

    def await_first(_: Line) -> None:
        gate()

    with PtyServer([cursor(0), await_first, lambda line: line.send("a")]) as server:
        terminal = connected(client_kind, server)

        def second() -> Any:  # Any: sync or async
            return terminal.recv(0.2)

        def first_waits() -> None:
            import time

            gate.await_asked()
            time.sleep(0.1)  # until it waits; no event shows that

        with pytest.raises(ArgumentError, match="only one thread or task may read it"):
            client_kind.meanwhile(lambda: terminal.recv(1), first_waits, second)
        gate.open()


def test_a_terminal_of_another_event_loop_is_refused() -> None:
    client_kind = ClientKind(is_async=True)
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)
        for use in (terminal.recv, lambda: terminal.send("x"), terminal.wait):
            with pytest.raises(PtyClosedError, match="in another process or event loop"):
                asyncio.run(use())
        asyncio.run(terminal.close())  # does nothing here
        assert server.open == 1
    client_kind.close()


def test_exit_codes_arrive_in_a_second_event_loop() -> None:
    with PtyServer([cursor(0)]) as server:
        kept: list[Any] = []

        async def wait(client: Any) -> int | None:  # Any: an asynchronous client
            kept.append(client.pty.connect(PTY_ID))
            terminal = await kept[-1].__aenter__()
            await asyncio.to_thread(server.tell, "pty.exited", id=PTY_ID, exitCode=len(kept))
            code: int | None = await terminal.wait(5)
            return code

        for number in (1, 2):
            one = ClientKind(is_async=True)
            assert one.call(wait, one.client(server.url)) == number
            one.close()


def test_wait_continues_after_an_unknown_status(client_kind: ClientKind) -> None:
    with PtyServer([cursor(0)]) as server:
        terminal = connected(client_kind, server)

        def look() -> bytes:
            server.tell("pty.exited", id=PTY_ID, exitCode=7)
            return described(status="paused")

        server.answers[_PATH] = look
        server.drop_events()
        assert client_kind.call(terminal.wait, 5) == 7


def test_the_error_for_a_response_without_an_id_names_the_id(client_kind: ClientKind) -> None:
    with TerminalList() as server:
        server.on_create = lambda: http(b"{}")
        with pytest.raises(ResponseDecodeError, match=r"pty\.create: \$\.id"):
            entered(client_kind, client_kind.client(server.url).terminal("bash"))
