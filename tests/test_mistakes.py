"""Mistakes of users: each message names the mistake, its place and the remedy."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial as partial_call
from pathlib import Path
from typing import Any

import httpx
import pytest

from opencode_client import (
    AsyncOpencodeClient,
    OpencodeClient,
    OpencodeError,
    OpencodeServer,
    Reject,
)
from opencode_client.models import TextPart
from opencode_client.testing import FakeServer, partial
from tests.support.fake_opencode import Fake
from tests.support.fake_opencode import fake as fake  # a fixture
from tests.support.faulty_server import FaultyServer, Peer

_TEXT = [{"type": "text", "text": "hi"}]
_PASSWORD = "OPENCODE_SERVER_PASSWORD"  # the variable's name

Mistake = Callable[[Any], object]  # Any: a client, whose arguments are wrong


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeServer]:
    with FakeServer(directory=tmp_path_factory.mktemp("mistakes"), password="right") as started:
        yield started


@pytest.fixture(scope="module")
def client(server: FakeServer) -> Iterator[OpencodeClient]:
    with server.client(directory=server.directory) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy") or name == _PASSWORD]:
        monkeypatch.delenv(name)


def _message(call: Callable[[], object]) -> str:
    """Return the message of the error that a call raises."""
    with pytest.raises((OpencodeError, TimeoutError)) as caught:
        call()
    return str(caught.value)


OF_ARGUMENTS: dict[str, tuple[Mistake, str]] = {
    "a URL that is a number": (lambda _: OpencodeClient(4096), "base_url takes a text, not int"),  # type: ignore[arg-type] # the mistake
    "a port above 65535": (
        lambda _: OpencodeClient("http://127.0.0.1:99999"),
        "base_url: port out of range 0-65535",
    ),
    "a password of bytes": (lambda _: OpencodeClient(password=b"right"), "password takes a text, not bytes"),  # type: ignore[arg-type] # the mistake
    "~ as directory": (
        lambda _: OpencodeClient(directory="~/project"),
        "directory '~/project': only a shell replaces ~; pass os.path.expanduser(...), or an absolute path",
    ),
    "an option by half its name": (
        lambda _: OpencodeClient(url="http://127.0.0.1:4096"),  # type: ignore[call-arg] # the mistake
        "there is no argument 'url'. Did you mean 'base_url'?",
    ),
    "a session as an id": (
        lambda client: client.run("hi", session_id=client.session.create()),
        "session_id takes a text, not an object of class Session; pass its id",
    ),
    "an agent as a name": (
        lambda client: client.run("hi", agent=client.app.agents()[0]),
        "agent takes a text, not an object of class Agent; pass its name",
    ),
    "a model with other names": (
        lambda client: client.run("hi", model={"provider": "a", "model": "b"}),
        'model takes "provider/model", such as "anthropic/claude-sonnet-4-5", or {"providerID": ..., '
        "\"modelID\": ...}, not {'provider': 'a', 'model': 'b'}",
    ),
    "a model like no other": (
        lambda client: client.run("hi", model="x/y"),
        "the server does not have this model; client.config.providers() lists them",
    ),
    "an agent like no other": (
        lambda client: client.run("hi", agent="zzz"),
        "the server does not have this agent; client.app.agents() lists them",
    ),
    "tools as a list": (
        lambda client: client.run("hi", tools=["bash"]),
        "tools takes a mapping such as {\"bash\": False}, not ['bash']",
    ),
    "a timeout with a unit": (
        lambda client: client.run("hi", timeout="5m"),
        "timeout takes a positive number of seconds, not '5m'",
    ),
    "a cost below zero": (
        lambda client: client.run("hi", max_cost=-1),
        "max_cost takes a positive number of USD, not -1",
    ),
    "the class Reject": (
        lambda client: client.run("hi", permissions=Reject),
        'a decision is "once", "always", "reject" or Reject("why"), not <class',
    ),
    "a word as questions": (
        lambda client: client.run("hi", questions="yes"),
        "questions takes \"reject\", a mapping from questions to answers, or a function, not 'yes'",
    ),
    "a session as a filter": (
        lambda client: client.event.subscribe().filter(session_id=client.session.create()),
        "event.subscribe: session_id takes an id, such as session.id, not Session",
    ),
    "replies by name": (
        lambda _: FakeServer(replies=["hi"]),  # type: ignore[call-arg] # the mistake
        "there is no argument 'replies'. Did you mean '*replies'?",
    ),
    "no reply": (
        lambda _: FakeServer(None),  # type: ignore[arg-type] # the mistake
        "say takes Replies and texts, not None",
    ),
    "a part without its class": (
        lambda _: partial("TextPart", {}),  # type: ignore[call-overload] # the mistake
        "partial takes the class of a model, or the reader of a union, not 'TextPart'",
    ),
    "names of Python in a part": (
        lambda _: partial(TextPart, {"session_id": "ses_1"}),
        "partial: TextPart takes the server's name 'sessionID', not 'session_id'",
    ),
    "a misspelt member of a part": (
        lambda _: partial(TextPart, {"sessionId": "ses_1"}),
        "partial: TextPart has no member 'sessionId'. Did you mean 'sessionID'?",
    ),
    "a port as a text": (
        lambda _: OpencodeServer(port="http"),  # type: ignore[arg-type] # the mistake
        "port takes a number from 0 (any free port) to 65535, not 'http'",
    ),
    "a URL as hostname": (
        lambda _: OpencodeServer(hostname="http://127.0.0.1"),
        "hostname takes a name or an address, such as \"127.0.0.1\", not 'http://127.0.0.1'",
    ),
    "a variable that is a number": (
        lambda _: OpencodeServer(env={"X": 5}),  # type: ignore[dict-item] # the mistake
        "with this int: values are texts, or None",
    ),
}


@pytest.mark.parametrize("name", OF_ARGUMENTS)
def test_the_error_for_a_wrong_argument_names_the_accepted_values(client: OpencodeClient, name: str) -> None:
    call, text = OF_ARGUMENTS[name]
    assert text in _message(lambda: call(client))


OF_RESPONSES: dict[str, tuple[Mistake, str]] = {
    "a session": (
        lambda client: client.session.get("ses_1"),
        "Session not found: ses_1 (client.session.list() lists those of one directory)",
    ),
    "a message": (
        lambda client: client.session.message(client.session.create().id, "msg_1"),
        "Message not found: msg_1 (client.session.messages(session_id) lists them)",
    ),
    "a permission": (
        lambda client: client.permission.reply("per_1", reply="once"),
        "(client.permission.list() and client.question.list() list those that wait)",
    ),
    "a part without a type": (
        lambda client: client.session.prompt(client.session.create().id, parts=[{"text": "hi"}]),
        'session.prompt: 400 Bad Request: Expected objects with a type, got an array at ["parts"]',
    ),
}


@pytest.mark.parametrize("name", OF_RESPONSES)
def test_the_error_for_a_refused_request_names_the_remedy(client: OpencodeClient, name: str) -> None:
    call, text = OF_RESPONSES[name]
    assert text in _message(lambda: call(client))


def test_the_error_for_a_refusal_without_a_reason_names_the_arguments(
    server: FakeServer, client: OpencodeClient
) -> None:
    server.fail("session.create", 400, body={"_tag": "BadRequest"})
    assert _message(lambda: client.session.create(title=5)) == (  # type: ignore[arg-type] # the mistake
        "session.create: 400 Bad Request: BadRequest (check what was sent: title (int))"
    )
    server.fail("session.fork", 400, body={"_tag": "BadRequest"})
    assert "'xyz' is no messageID, which begins with 'msg'" in _message(
        lambda: client.session.fork(client.session.create().id, message_id="xyz")
    )
    server.fail("session.messages", 400, body={"_tag": "BadRequest"})
    assert "(check what was sent: limit='3'; before='page2')" in _message(
        lambda: client.session.messages("ses_1", limit=3, before="page2")
    )


def test_the_error_for_a_success_without_a_body_names_the_session() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    client = OpencodeClient("http://127.0.0.1:1", http_client=httpx.Client(transport=transport))
    text = _message(lambda: client.session.prompt("ses_1", parts=_TEXT))
    assert (
        "(check what was sent: session 'ses_1', client.session.list() lists those of one directory; " in text
    )


def test_the_error_for_a_404_names_a_path_in_the_url(server: FakeServer) -> None:
    with OpencodeClient(f"{server.url}/session", password="right") as client:
        assert _message(client.session.list).endswith(
            "(the client's URL ends with '/session': leave that out, unless a proxy needs it)"
        )


def test_the_error_for_a_wrong_password_names_the_variables_of_the_server(server: FakeServer) -> None:
    with OpencodeClient(server.url, password="wrong") as client:
        text = f"(user or password is wrong: the server has OPENCODE_SERVER_USERNAME and {_PASSWORD})"
        assert _message(client.session.list).endswith(text)


def test_the_error_for_an_unsent_password_of_the_environment_names_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(_PASSWORD, "right")
    transport = httpx.MockTransport(lambda _: httpx.Response(401))
    client = OpencodeClient("http://10.0.0.9:4096", http_client=httpx.Client(transport=transport))
    assert _message(client.session.list).endswith(
        f"(no password was sent: {_PASSWORD} is only for this machine and the server in OPENCODE_BASE_URL;"
        " pass password=)"
    )


@pytest.fixture(scope="module")
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_the_error_for_a_missing_server_names_the_command_to_start_it(closed_port: int) -> None:
    with OpencodeClient(f"http://127.0.0.1:{closed_port}", max_retries=0) as client:
        text = _message(client.session.list)
    assert text.startswith(f"session.list: GET http://127.0.0.1:{closed_port}/session: no connection: ")
    assert text.endswith("; start `opencode serve` there, or correct the URL")


def test_the_error_for_https_to_an_http_server_names_the_scheme() -> None:
    def refuse(peer: Peer) -> None:
        peer.await_data()
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with (
        FaultyServer([refuse]) as server,
        OpencodeClient(server.url.replace("http:", "https:"), max_retries=0) as client,
    ):
        text = _message(client.session.list)
    assert text.endswith("opencode itself speaks http, not https: check the URL")


def test_the_error_for_an_unreachable_proxy_names_no_proxy(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    with OpencodeClient("http://10.0.0.9:4096", max_retries=0) as client:
        assert _message(client.session.list).endswith(
            "the environment names a proxy for this host: check it, or add the host to NO_PROXY"
        )


def test_the_error_for_a_timeout_names_the_argument(tmp_path: Path) -> None:
    with FakeServer(directory=tmp_path) as started, started.client(timeout=0.01) as client:
        started.delay("session.list", 60.0)
        text = _message(client.session.list)
    assert text.endswith("; if the server needs more time, pass a longer timeout")


ASYNC_WITH: dict[str, Callable[[AsyncOpencodeClient], Any]] = {
    "AsyncOpencodeClient": lambda client: client,
    "AsyncEventStream": lambda client: client.event.subscribe(),
    "AsyncTurn": lambda client: client.turn("hi"),
    "AsyncAsks": lambda client: client.asks(),
    "AsyncManyTurns": lambda client: client.run_many([]),
}


@pytest.mark.parametrize("name", ASYNC_WITH)
def test_the_error_for_with_in_place_of_async_with_names_async_with(name: str) -> None:
    text = _message(ASYNC_WITH[name](AsyncOpencodeClient()).__enter__)
    assert text.startswith(f"{name}: use `async with` and `async for`")


def test_the_error_for_async_with_in_place_of_with_names_with() -> None:
    wrong: Any = OpencodeClient()  # Any: without what it lacks
    assert _message(wrong.__aenter__) == "OpencodeClient: use `with` and `for`"


def test_the_error_for_a_reply_to_an_id_shows_the_id(client: OpencodeClient) -> None:
    with client.turn("hi") as turn:
        text = _message(lambda: turn.reply("per_1", "once"))  # type: ignore[arg-type] # the mistake
    assert (
        text == "reply takes the PermissionAsk that you got, not 'per_1'; answer a QuestionAsk with answer()"
    )


def test_the_error_for_a_misspelt_operation_suggests_the_right_one(server: FakeServer) -> None:
    for call in (server.fail, server.cut, server.wait_for_call):
        text = _message(partial_call(call, "session.promt"))
        assert text.startswith(
            "FakeServer: 'session.promt' is not the id of an operation; did you mean session.prompt or"
        )


def test_the_error_for_a_missing_call_names_the_received_calls(tmp_path: Path) -> None:
    with FakeServer(directory=tmp_path) as started, started.client() as client:
        client.session.list()
        text = _message(lambda: started.wait_for_call("session.create", timeout=0.01))
    assert text == "session.create was not called 1 times in 0.01 s; called: session.list"


STARTS = {
    "import sys; print('ServeError'); sys.exit(1)": r"cannot listen at hostname='127.0.0.1', port=5: the port is taken",
    "print('hello')": r"ended with exit code 0; is this opencode 1\.x\?",
    "import time; time.sleep(60)": r"startup_timeout_s may be too short",
}


@pytest.mark.skipif(sys.platform == "win32", reason="the programs are scripts")
@pytest.mark.parametrize("program", STARTS)
def test_the_error_for_a_server_that_does_not_start_names_the_remedy(fake: Fake, program: str) -> None:
    server = OpencodeServer(fake(program), port=5, startup_timeout_s=1.0 if "sleep" in program else 30.0)
    text = _message(server.start)
    assert re.search(STARTS[program], text)
