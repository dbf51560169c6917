"""A fake server: recorded calls, faults, password, transport, files and terminals."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from opencode_client import (
    ArgumentError,
    AsyncOpencodeClient,
    AuthenticationError,
    ConnectError,
    NotFoundError,
    OpencodeClient,
    OpencodeError,
    ServerError,
    StreamGap,
)
from opencode_client.models import TextPartInput
from opencode_client.testing import FakeServer, FakeTerminal, Reply, ToolCall
from tests.support.both_clients import ClientKind

_TEXT = [TextPartInput(text="Hi.")]


@pytest.fixture
def fake() -> Generator[FakeServer]:
    with FakeServer() as server:
        yield server


def test_start_returns_the_server_like_opencode_server_start() -> None:
    fake = FakeServer().start()
    try:
        with fake.client() as client:
            assert client.global_.health().healthy
    finally:
        fake.close()


def test_calls_are_recorded_with_their_arguments(fake: FakeServer, client_kind: ClientKind) -> None:
    client_kind.run(fake.url, lambda client: client.session.create(title="t"), directory="/a b")
    [call] = fake.calls("session.create")
    assert (call.method, call.path, call.json) == ("POST", "/session", {"title": "t"})
    assert call.headers["content-type"] == "application/json"
    assert fake.calls()[-1] == call


def test_assert_prompted_once_raises_unless_there_is_one_prompt(fake: FakeServer) -> None:
    with pytest.raises(AssertionError, match="expected one prompt; the server got 0"):
        fake.assert_prompted_once()
    with fake.client() as client:
        session_id = client.run("Hi.").session_id
        fake.assert_prompted_once("Hi.")
        with pytest.raises(AssertionError, match=r"expected one prompt, 'No.'; the server got 1: \['Hi.'\]"):
            fake.assert_prompted_once("No.")
        client.session.prompt(session_id, parts=_TEXT)
    with pytest.raises(AssertionError, match="the server got 2"):
        fake.assert_prompted_once()


def test_wait_for_call_returns_after_the_call(fake: FakeServer) -> None:
    with fake.client() as client:
        calling = threading.Thread(target=client.session.list)
        calling.start()
        assert fake.wait_for_call("session.list").path == "/session"
        calling.join()
    with pytest.raises(TimeoutError, match=r"session\.list was not called 2 times"):
        fake.wait_for_call("session.list", times=2, timeout=0.01)


def test_the_error_for_a_missing_operation_names_the_fake_server(
    fake: FakeServer, client_kind: ClientKind
) -> None:
    error = client_kind.error(fake.url, lambda client: client.lsp.status())
    assert isinstance(error, NotFoundError)
    assert "FakeServer does not have lsp.status (GET /lsp)" in str(error)
    assert fake.calls("lsp.status")


@pytest.mark.parametrize("version", ["1.1.31", "2.0.0", "newest"])
def test_an_unsupported_version_is_an_error(version: str) -> None:
    with pytest.raises(ArgumentError, match=r"version takes a release from 1\.2\.12 on and before 2"):
        FakeServer(version=version)


def test_the_document_names_the_operations_of_its_version(client_kind: ClientKind) -> None:
    for version, is_there in (("1.3.2", False), ("1.18.33", True)):
        with FakeServer(version=version) as fake:
            info = client_kind.run(fake.url, lambda client: client.check_server())
        assert (info.version, info.from_document) == (version, True)
        assert info.supports("pty.connectToken") is is_there


def test_fail_makes_a_call_fail_the_given_number_of_times(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.fail("session.list", 503, times=2, headers={"retry-after": "0"})
    error = client_kind.error(fake.url, lambda client: client.session.list(), max_retries=0)
    assert isinstance(error, ServerError)
    assert error.status == 503
    assert client_kind.run(fake.url, lambda client: client.session.list()) == []
    assert len(fake.calls("session.list")) == 3


def test_a_failure_has_the_given_body(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.fail("session.get", 404, body={"name": "NotFoundError", "data": {"message": "Session not found: x"}})
    assert "Session not found: x" in str(
        client_kind.error(fake.url, lambda client: client.session.get("ses_1"))
    )


def test_a_connection_is_cut(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.cut("session.create")
    error = client_kind.error(fake.url, lambda client: client.session.create())
    assert isinstance(error, ConnectError | OpencodeError)
    assert not fake.calls("session.list")


def test_a_call_is_delayed(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.delay("session.list", 5)
    error = client_kind.error(fake.url, lambda client: client.session.list(), timeout=0.1, max_retries=0)
    assert isinstance(error, TimeoutError)


def test_a_cut_stream_reconnects_with_a_gap(fake: FakeServer) -> None:
    with fake.client() as client, client.event.subscribe() as stream:
        fake.cut_streams()
        assert isinstance(stream.get(timeout=5), StreamGap)


def test_a_turn_ends_although_events_are_lost(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.lose_events("session.idle")
    fake.lose_events(times=40)
    fake.say("at last")
    assert client_kind.run(fake.url, lambda client: client.run("Hi.")).text == "at last"


def test_events_of_any_type_are_sent(fake: FakeServer) -> None:
    with fake.client() as client, client.event.subscribe() as stream:
        fake.send_event("session.idle", sessionID="ses_1")
        event: Any = stream.get(timeout=5)
        assert event.properties.session_id == "ses_1"


def test_a_heartbeat_is_sent_when_nothing_happens(fake: FakeServer) -> None:
    fake.heartbeat_s = 0.05
    with httpx.stream("GET", f"{fake.url}/event", trust_env=False) as response:
        lines = (line for line in response.iter_lines() if line)
        assert "server.connected" in next(lines)
        assert "server.heartbeat" in next(lines)


def test_a_killed_server_refuses_connections() -> None:
    fake = FakeServer(Reply(text="a part", hang=True))
    with fake, fake.client(max_retries=0) as client:
        with client.turn("Hi.") as turn:
            turn.get(timeout=5)
            fake.die()
            turn.detach()
        with pytest.raises(ConnectError):
            client.session.list()


@pytest.mark.parametrize("version", ["1.3.2", "1.18.33"])
def test_a_call_without_the_password_is_refused(client_kind: ClientKind, version: str) -> None:
    with FakeServer(version=version, password="secret") as fake:
        assert isinstance(
            client_kind.error(fake.url, lambda client: client.session.list()), AuthenticationError
        )
        assert client_kind.run(fake.url, lambda client: client.session.list(), password="secret") == []
        with fake.client() as client:
            assert client.run("Hi.").text == "echo: Hi."


def test_the_transport_needs_no_network() -> None:
    fake = FakeServer("Hello.")
    with OpencodeClient(fake.url, http_client=httpx.Client(transport=fake.transport)) as client:
        session = client.session.create(title="t")
        answer: Any = client.session.prompt(session.id, parts=_TEXT)
        assert answer.parts[1].text == "Hello."
    fake.close()


def test_the_transport_works_with_async_clients() -> None:
    async def use() -> str:
        fake = FakeServer("Hello.")
        given = httpx.AsyncClient(transport=fake.transport)
        async with AsyncOpencodeClient(fake.url, http_client=given) as client:
            session = await client.session.create()
        fake.close()
        return session.title

    assert asyncio.run(use()).startswith("New session - ")


def test_the_transport_refuses_streams_with_a_message() -> None:
    fake = FakeServer()
    response = httpx.Client(transport=fake.transport).get(f"{fake.url}/event")
    assert (response.status_code, "need its URL" in response.text) == (501, True)
    fake.close()


def test_files_are_listed_from_the_directory(tmp_path: Path, client_kind: ClientKind) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("one\ntwo one\n", encoding="utf-8")
    with FakeServer(directory=tmp_path) as fake:
        run = client_kind.run
        assert [one.path for one in run(fake.url, lambda client: client.file.list(path="notes"))] == [
            "notes/a.txt"
        ]
        assert run(fake.url, lambda client: client.file.read(path="notes/a.txt")).content == "one\ntwo one"
        found = run(fake.url, lambda client: client.find.text(pattern="one"))
        assert [(one.line_number, one.absolute_offset, one.submatches[0].start) for one in found] == [
            (1, 0, 0),
            (2, 4, 4),
        ]
        assert run(fake.url, lambda client: client.find.files(query="a.t")) == ["notes/a.txt"]


def _program(terminal: FakeTerminal) -> int:
    terminal.write(f"{terminal.info['command']} \N{GRINNING FACE}\r\n")
    terminal.write(f"{terminal.read().strip()} {terminal.size}\r\n")
    return 3


@pytest.mark.parametrize("version", ["1.3.2", "1.18.33"])
def test_a_function_plays_the_program_of_a_terminal(version: str) -> None:
    with (
        FakeServer(version=version, terminal=_program) as fake,
        fake.client() as client,
        client.terminal("top") as terminal,
    ):
        terminal.resize(30, 90)
        terminal.send("hello\n")
        assert "".join(terminal) == "top \N{GRINNING FACE}\r\nhello (30, 90)\r\n"
        assert terminal.wait(5) == 3


def test_a_terminal_echoes_its_input_by_default(fake: FakeServer) -> None:
    with fake.client() as client, client.terminal() as terminal:
        terminal.send("hello\n")
        assert terminal.read_until("hello\r\n", timeout=5).endswith("hello\r\n")


def test_output_is_sent_again_from_a_position(fake: FakeServer) -> None:
    with fake.client() as client:
        pty = client.pty.create()
        with client.pty.connect(pty.id) as first:
            first.send("one\n")
            first.read_until("one\r\n", timeout=5)
        with client.pty.connect(pty.id, cursor=2) as second:
            second.send("two\n")
            assert second.read_until("two\r\n", timeout=5) == "e\r\ntwo\r\n"


def test_removing_a_terminal_ends_its_program() -> None:
    ended = threading.Event()

    def program(terminal: FakeTerminal) -> None:
        try:
            terminal.read()
        except EOFError:
            ended.set()
            raise

    with FakeServer(terminal=program) as fake, fake.client() as client:
        client.pty.remove(client.pty.create().id)
        assert ended.wait(5)


_ASK = "functions of tests have bugs"


def _raises(_: object) -> Any:  # Any: in place of each kind of function
    raise KeyError(_ASK)


def _shown(caplog: pytest.LogCaptureFixture) -> bool:
    """Return True if the log has the error with its traceback."""
    return any(record.exc_info and _ASK in caplog.text for record in caplog.records)


def test_a_prompt_ends_although_its_reply_is_wrong(client_kind: ClientKind) -> None:
    wrong = Reply(tools=[ToolCall(name="bash")], delay_s="soon")  # type: ignore[arg-type] # this is wrong
    with FakeServer(wrong) as fake:
        session_id = client_kind.run(fake.url, lambda client: client.session.create()).id
        reply = client_kind.run(fake.url, lambda client: client.session.prompt(session_id, parts=_TEXT))
        assert "FakeServer failed" in reply.info.error.data.message


def test_a_terminal_ends_if_its_script_raises(caplog: pytest.LogCaptureFixture) -> None:
    def script(terminal: FakeTerminal) -> None:
        _raises(terminal.read())

    with FakeServer(terminal=script) as fake, fake.client() as client, client.terminal() as terminal:
        terminal.send("go")
        assert terminal.wait(5) == 1
    assert _shown(caplog)


@pytest.mark.parametrize("password", [None, "pw"])
def test_an_error_inside_the_fake_is_a_response(
    client_kind: ClientKind,
    caplog: pytest.LogCaptureFixture,
    password: str | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text("hello", encoding="utf-8")
    monkeypatch.setattr("opencode_client.testing.files._match", None)
    with FakeServer(password=password, directory=tmp_path) as fake:
        error = client_kind.error(
            fake.url, lambda client: client.find.text(pattern="hello"), password=password or "", max_retries=0
        )
        assert isinstance(error, ServerError)
        assert "FakeServer's find.text failed: TypeError" in str(error)
    assert "find.text failed" in caplog.text


def test_a_too_deeply_nested_body_is_a_server_error(fake: FakeServer) -> None:
    body = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    assert httpx.post(f"{fake.url}/session", content=body).status_code == 500
