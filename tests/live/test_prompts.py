"""Prompts on real servers: the reply's text, and other calls while many prompts wait."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import pytest
from attrs import frozen

from opencode_client import AsyncOpencodeClient, OpencodeClient
from opencode_client.model import JsonObject
from opencode_client.models import (
    AssistantMessage,
    MessageAbortedError,
    MessageWithParts,
    Session,
    TextPart,
    TextPartInput,
    UnknownMessage,
)
from opencode_client.server import OpencodeServer
from opencode_client.testing import Reply, ToolCall
from tests.live.client_pairs import CLIENT_KINDS, SyncOrAsync, client_of, until
from tests.live.servers import VERSIONS, scripted_server

pytestmark = pytest.mark.live

_MANY = 120
"""More than the 100 connections that httpx has by default."""

_ALLOWED = 10
"""The number of prompts whose tool may run. Refusing the others halves the server's work."""

_AT_ONCE_S = 10.0
_GIVE_UP_S = 240.0
_ASKS = ToolCall(name="bash", arguments={"command": "true", "description": "does nothing"})


def _script(request: JsonObject) -> Reply | None:
    """Call a tool that needs a permission if the user's text has `#bash`, then finish."""
    last = request["messages"][-1]
    if last["role"] == "tool":
        return Reply(text="done")
    return Reply(tools=[_ASKS]) if "#bash" in json.dumps(last) else None


@pytest.fixture(scope="module", params=VERSIONS)
def server(request: pytest.FixtureRequest) -> Generator[OpencodeServer, None, None]:
    """Snapshots are off: running git a hundred times would take a minute."""
    settings: JsonObject = {"permission": {"bash": "ask"}, "snapshot": False}
    with scripted_server(request.param, script=_script, **settings) as (running, _):
        yield running


@frozen
class Waited:
    """The results of calls while `_MANY` prompts waited for a permission each, and the results of the prompts.

    The first prompt was aborted. The next `_ALLOWED` got their permission. The others were refused.
    """

    read: Session
    aborted: bool
    replied: list[bool]
    ended: dict[str, MessageWithParts]
    first: str
    allowed: list[str]


@pytest.fixture(scope="module", params=CLIENT_KINDS)
def waited(request: pytest.FixtureRequest, server: OpencodeServer) -> Waited:
    return _waited(server) if request.param == "sync" else asyncio.run(_waited_async(server))


def _waited(server: OpencodeServer) -> Waited:
    with (
        OpencodeClient(server.url, directory=server.directory) as client,
        ThreadPoolExecutor(_MANY) as threads,
    ):
        sessions = [client.session.create(title="asks").id for _ in range(_MANY)]
        parts = [TextPartInput(text="#bash")]
        prompts = [
            threads.submit(client.session.prompt, session, parts=parts, timeout=_GIVE_UP_S)
            for session in sessions
        ]
        until(lambda: len(client.permission.list()) == _MANY, _GIVE_UP_S)
        asked = {request.session_id: request.id for request in client.permission.list()}
        quick = client.with_options(timeout=_AT_ONCE_S, max_retries=0)
        first = sessions[0]
        read = quick.session.get(first)
        aborted = quick.session.abort(first)
        replied = [
            quick.permission.reply(asked[session], reply=_reply(number))
            for number, session in enumerate(sessions)
        ]
        ended = {session: prompt.result() for session, prompt in zip(sessions, prompts, strict=True)}
        return Waited(read, aborted, replied, ended, first, sessions[1 : _ALLOWED + 1])


async def _waited_async(server: OpencodeServer) -> Waited:
    async with AsyncOpencodeClient(server.url, directory=server.directory) as client:
        sessions = [(await client.session.create(title="asks")).id for _ in range(_MANY)]
        parts = [TextPartInput(text="#bash")]
        prompts = [
            asyncio.create_task(client.session.prompt(session, parts=parts, timeout=_GIVE_UP_S))
            for session in sessions
        ]
        end = time.monotonic() + _GIVE_UP_S
        while len(requests := await client.permission.list()) < _MANY:
            assert time.monotonic() < end, f"{len(requests)} of {_MANY} wait"
            await asyncio.sleep(0.02)
        asked = {request.session_id: request.id for request in requests}
        quick = client.with_options(timeout=_AT_ONCE_S, max_retries=0)
        first = sessions[0]
        read = await quick.session.get(first)
        aborted = await quick.session.abort(first)
        replied = [
            await quick.permission.reply(asked[session], reply=_reply(number))
            for number, session in enumerate(sessions)
        ]
        ended = {session: await prompt for session, prompt in zip(sessions, prompts, strict=True)}
        return Waited(read, aborted, replied, ended, first, sessions[1 : _ALLOWED + 1])


def _reply(number: int) -> Literal["once", "reject"]:
    """Reply to the aborted prompt, too: 1.1.31 waits for that."""
    return "once" if 1 <= number <= _ALLOWED else "reject"


def _texts(reply: MessageWithParts) -> list[str]:
    return [part.text for part in reply.parts if isinstance(part, TextPart)]


def _session_of(reply: MessageWithParts) -> str:
    assert not isinstance(reply.info, UnknownMessage)
    return reply.info.session_id


@pytest.mark.parametrize("client_kind", CLIENT_KINDS)
def test_a_prompt_returns_the_text_of_the_model(server: OpencodeServer, client_kind: SyncOrAsync) -> None:
    with client_of(client_kind, server.url, directory=server.directory) as client:
        session = client.session.create()
        reply = client.session.prompt(session.id, parts=[TextPartInput(text="héllo 日本")])
    assert _texts(reply) == ["echo: héllo 日本"]


def test_a_read_works_while_many_prompts_wait(waited: Waited) -> None:
    assert waited.read.id == waited.first


def test_an_abort_works_while_many_prompts_wait(waited: Waited) -> None:
    assert waited.aborted is True


def test_every_permission_reply_works_while_many_prompts_wait(waited: Waited) -> None:
    assert waited.replied == [True] * _MANY


def test_every_waiting_prompt_returns_a_message_of_its_own_session(waited: Waited) -> None:
    assert len(waited.ended) == _MANY
    assert [_session_of(reply) for reply in waited.ended.values()] == list(waited.ended)


def test_the_aborted_prompts_message_has_the_abort_error(waited: Waited) -> None:
    info = waited.ended[waited.first].info
    assert isinstance(info, AssistantMessage)
    assert isinstance(info.error, MessageAbortedError)


def test_the_prompts_with_permission_ran_their_tool(waited: Waited) -> None:
    assert [_texts(waited.ended[session]) for session in waited.allowed] == [["done"]] * _ALLOWED
