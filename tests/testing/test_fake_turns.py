"""Whole turns of both clients on a fake server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from opencode_client import (
    PermissionAsk,
    QuestionAsk,
    Reject,
    Retrying,
    SlashCommand,
    SubagentChanged,
    TodoChanged,
    TurnAbortedError,
    TurnAuthenticationError,
    TurnOutputError,
)
from opencode_client.model import JsonObject
from opencode_client.testing import FakeServer, Reply, ToolCall
from tests.support.both_clients import ClientKind
from tests.support.paged import all_items

BASH = ToolCall(name="bash", arguments={"command": "echo hi", "description": "d"})
_OPTION = {"label": "A", "description": "a"}
QUESTION = ToolCall(
    name="question", arguments={"questions": [{"question": "Q?", "header": "H", "options": [_OPTION]}]}
)
CONFIG = {"permission": {"bash": "ask"}, "command": {"hi": {"template": "say $ARGUMENTS"}}}


@pytest.fixture(params=["1.3.2", "1.18.33"])
def fake(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[FakeServer]:
    with FakeServer(version=request.param, config=CONFIG, directory=tmp_path) as server:
        yield server


def _run(kind: ClientKind, fake: FakeServer, prompt: Any, **options: Any) -> Any:
    return kind.run(fake.url, lambda client: client.run(prompt, **options))


def test_a_prompt_is_answered_by_the_next_reply(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.say(Reply(reasoning="hm", text="Hello.", chunks=3))
    result = _run(client_kind, fake, "Hi.")
    assert (result.text, result.reasoning, result.finish) == ("Hello.", "hm", "stop")
    assert (result.tokens.input, result.cost) == (11, 25e-6)
    fake.assert_prompted_once("Hi.")


def test_the_model_gets_the_whole_conversation(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.say(Reply(text="Let me look.", tools=[BASH]), "done")
    first = _run(client_kind, fake, "Look.", permissions="once")
    _run(client_kind, fake, "More.", session_id=first.session_id)
    roles = [one["role"] for one in fake.requests[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert fake.requests[-1]["messages"][3]["content"] == "hi\n"


@pytest.mark.parametrize(
    ("decision", "status", "text"),
    [("once", "completed", "done"), (Reject("No."), "error", "done"), ("reject", "error", "")],
    ids=["once", "reject with a reason", "reject"],
)
def test_a_tool_waits_for_its_permission(
    fake: FakeServer, client_kind: ClientKind, decision: Any, status: str, text: str
) -> None:
    fake.say(Reply(tools=[BASH]), "done")
    result = _run(client_kind, fake, "Look.", permissions=decision)
    assert [call.state.status for call in result.tool_calls] == [status]
    assert result.text == text
    assert [type(reply.ask) for reply in result.replies] == [PermissionAsk]


def test_always_permits_later_commands(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.say(Reply(tools=[BASH]), "one", Reply(tools=[BASH]), "two")
    first = _run(client_kind, fake, "Look.", permissions="always")
    second = _run(client_kind, fake, "Again.", session_id=first.session_id, permissions="reject")
    assert (len(first.replies), second.replies, second.text) == (1, (), "two")


def test_a_question_gets_its_answer(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.say(Reply(tools=[QUESTION]), "done")

    def answer(ask: QuestionAsk) -> list[str]:
        return [ask.questions[0].options[0].label]

    result = _run(client_kind, fake, "Ask.", questions=answer)
    assert result.text == "done"
    assert '"Q?"="A"' in result.tool_calls[0].state.output


def test_a_rejected_question_ends_the_turn(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.say(Reply(tools=[QUESTION]), "never")
    assert _run(client_kind, fake, "Ask.").text == ""
    assert len(fake.requests) == 1


def test_a_turn_yields_its_updates(fake: FakeServer) -> None:
    todo = ToolCall(
        name="todowrite", arguments={"todos": [{"content": "c", "status": "pending", "priority": "high"}]}
    )
    task = ToolCall(name="task", arguments={"description": "d", "prompt": "look", "subagent_type": "general"})
    fake.say(Reply(tools=[todo]), Reply(tools=[task]), "found", "done")
    with fake.client() as client, client.turn("Go.") as turn:
        updates = list(turn)
        assert turn.result().text == "done"
        assert client.session.todo(turn.session_id)[0].content == "c"
        children = client.session.children(turn.session_id)
    assert [one.todos[0].content for one in updates if isinstance(one, TodoChanged)] == ["c"]
    assert [one.status for one in updates if isinstance(one, SubagentChanged)] == ["started", "busy", "idle"]
    assert [one.title for one in children] == ["d (@general subagent)"]


def test_an_abort_ends_subagents_of_subagents(fake: FakeServer) -> None:
    task = ToolCall(name="task", arguments={"description": "d", "prompt": "look", "subagent_type": "general"})
    fake.say(Reply(tools=[task]), Reply(tools=[task]), Reply(hang=True))
    with fake.client() as client, client.turn("Go.", timeout=20) as turn:
        changes = (one for one in turn if isinstance(one, SubagentChanged) and one.status == "busy")
        busy = {next(changes).session_id, next(changes).session_id}
        assert len(busy) == 2
        client.session.abort(turn.session_id)
        with pytest.raises(TurnAbortedError):
            turn.result()
        assert not busy & {*client.session.status()}


def test_a_provider_that_fails_is_called_again(fake: FakeServer) -> None:
    fake.say(Reply(status=429, error="too fast", headers={"retry-after-ms": "20"}), "at last")
    with fake.client() as client, client.turn("Go.") as turn:
        [retry] = [one for one in turn if isinstance(one, Retrying)]
        assert (retry.attempt, retry.message) == (1, "too fast")
        assert turn.result().text == "at last"
    assert len(fake.requests) == 2


def test_an_error_that_is_final_ends_the_turn(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.say(Reply(status=401, error="bad key"))
    error: Any = client_kind.error(fake.url, lambda client: client.run("Go."))
    assert isinstance(error, TurnAuthenticationError)
    assert (error.status, error.retryable) == (401, False)


def test_a_turn_that_hangs_is_aborted(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.say(Reply(text="a part", hang=True))
    error: Any = client_kind.error(fake.url, lambda client: client.run("Go.", timeout=0.3))
    assert error.partial.text == "a part"
    assert fake.calls("session.abort")


def test_a_pause_delays_the_first_text(fake: FakeServer, client_kind: ClientKind) -> None:
    """As with a `ScriptedModel` on the real servers."""
    fake.say(Reply(text="late", delay_s=30))
    error: Any = client_kind.error(fake.url, lambda client: client.run("Go.", timeout=0.3))
    assert error.partial.text == ""


def test_a_session_is_idle_when_its_prompt_has_returned(fake: FakeServer, client_kind: ClientKind) -> None:
    """On real servers, too, the next call is not refused."""
    client = client_kind.client(fake.url)
    for _ in range(20):
        session = client_kind.call(client.session.create)
        client_kind.call(client.session.prompt, session.id, parts=[{"type": "text", "text": "Go."}])
        shell = client_kind.call(client.session.shell, session.id, agent="build", command="echo hi")
        assert [call.state.output for call in shell.tool_calls] == ["hi\n"]


def test_a_schema_returns_structured_output(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.say(Reply(tools=[ToolCall(name="StructuredOutput", arguments={"a": 1})]), "never")
    assert _run(client_kind, fake, "Go.", output={"type": "object"}).structured == {"a": 1}


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_session_with_a_schema_is_read_without_its_first_message(
    fake: FakeServer, client_kind: ClientKind, limit: int
) -> None:
    """Real servers do the same: see tests/live/test_paging.py."""
    fake.say(Reply(tools=[ToolCall(name="StructuredOutput", arguments={"a": 1})]), "more")
    client = client_kind.client(fake.url)
    first = client_kind.call(client.run, "Go.", output={"type": "object"})
    client_kind.call(client.run, "More.", session_id=first.session_id)
    pages = client.paginate(client.session.messages, first.session_id, limit=limit)
    found = [message.info.id for message in all_items(client_kind, pages)]
    prompt_id = first.messages[0].info.id
    assert pages.missing == (() if fake.version == "1.3.2" else (prompt_id,))
    assert sorted([*found, *pages.missing])[0] == prompt_id
    assert len(found) + len(pages.missing) == 4
    snapshot = client_kind.call(client.resync, first.session_id)
    assert ([one.info.id for one in snapshot.messages], snapshot.missing) == (found[::-1], pages.missing)


def test_a_text_in_place_of_structured_output_is_an_error(fake: FakeServer, client_kind: ClientKind) -> None:
    fake.say("no")
    error = client_kind.error(fake.url, lambda client: client.run("Go.", output={"type": "object"}))
    assert isinstance(error, TurnOutputError)


def test_the_prompt_of_a_command_is_its_template(fake: FakeServer, client_kind: ClientKind) -> None:
    assert _run(client_kind, fake, SlashCommand("hi", "x")).text == "echo: say x"
    fake.assert_prompted_once("/hi x")


def test_two_prompts_of_a_session_run_one_after_the_other(fake: FakeServer) -> None:
    fake.say(Reply(text="one", delay_s=0.1), "two")
    with fake.client() as client, client.turn("1") as first:
        first.get(timeout=5)  # the first one runs
        second = client.run("2", session_id=first.session_id)
        assert (first.result().text, second.text) == ("one", "two")


def test_a_turn_continues_in_a_fork(fake: FakeServer, client_kind: ClientKind) -> None:
    first = _run(client_kind, fake, "One.")
    second = _run(client_kind, fake, "Two.", session_id=first.session_id, fork=True)
    assert second.session_id != first.session_id
    assert [one["content"] for one in fake.requests[-1]["messages"][1:]] == ["One.", "echo: One.", "Two."]


def test_a_replaced_tool_returns_the_result_of_its_function(client_kind: ClientKind) -> None:
    def weather(arguments: JsonObject) -> str:
        return f"rain in {arguments['city']}"

    call = ToolCall(name="weather", arguments={"city": "Bern"})
    with FakeServer(Reply(tools=[call]), "done", tools={"weather": weather}) as fake:
        result = _run(client_kind, fake, "Go.")
    assert result.tool_calls[0].state.output == "rain in Bern"


def test_a_script_gets_the_request(client_kind: ClientKind) -> None:
    def script(request: JsonObject) -> Reply:
        return Reply(text=json.dumps(request["messages"][-1]["content"]))

    with FakeServer(script=script) as fake:
        assert _run(client_kind, fake, "Hi.").text == '"Hi."'


def test_closing_ends_a_turn_that_runs() -> None:
    with (
        FakeServer(Reply(text="a part", hang=True)) as fake,
        fake.client() as client,
        client.turn("Go.") as turn,
    ):
        turn.get(timeout=5)
        fake.close()
        turn.detach()


def test_async_with_opens_and_closes_a_fake_server() -> None:
    async def use() -> str:
        async with FakeServer("Hello.") as fake, fake.async_client() as client:
            return (await client.run("Hi.")).text

    assert asyncio.run(use()) == "Hello."
