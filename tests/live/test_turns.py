"""Turns on real servers. `make test-live` runs a sample on two versions, `make test-turns` all cases on five."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from opencode_client import (
    AgentNotFoundError,
    AskClosed,
    AsyncOpencodeClient,
    ModelNotFoundError,
    NotFoundError,
    OpencodeClient,
    PermissionAsk,
    QuestionAsk,
    ReasoningDelta,
    Reject,
    Retrying,
    SessionBusyError,
    SlashCommand,
    StepFinished,
    SubagentChanged,
    TextDelta,
    TodoChanged,
    ToolUpdate,
    TurnAbortedError,
    TurnAuthenticationError,
    TurnBudgetError,
    TurnContextError,
    TurnError,
    TurnFinished,
    TurnLostError,
    TurnProviderError,
    TurnTimeoutError,
)
from opencode_client.models import FilePartInput
from opencode_client.server import OpencodeServer
from opencode_client.testing import MODEL, ScriptedModel
from opencode_client.turns.policies import Decision
from tests.live.client_pairs import CLIENT_KINDS, SyncOrAsync, client_of, until
from tests.live.servers import VERSIONS, scripted_server
from tests.live.turn_players import play, script
from tests.support.chaos_proxy import ChaosProxy, Fate

pytestmark = pytest.mark.live

_VERSIONS = tuple(os.environ.get("TURN_VERSIONS", " ".join(VERSIONS)).split())
_Servers = Callable[[str], tuple[OpencodeServer, ScriptedModel]]


@pytest.fixture(scope="module")
def servers() -> Generator[_Servers]:
    """Servers that are started when a test first uses their version."""
    with ExitStack() as running:

        @cache
        def start(version: str) -> tuple[OpencodeServer, ScriptedModel]:
            settings: Any = {"permission": {"bash": "ask"}, "snapshot": False}
            return running.enter_context(scripted_server(version, script=script, **settings))

        yield start


@pytest.fixture(params=_VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(servers: _Servers, version: str) -> OpencodeServer:
    return servers(version)[0]


@pytest.fixture
def streaming(server: OpencodeServer, version: str) -> OpencodeServer:
    """A server whose event stream has events. That of 1.14.48 has none, so texts come when they are complete."""
    if version == "1.14.48":
        pytest.skip("1.14.48 sends no events")
    return server


@pytest.fixture(params=CLIENT_KINDS)
def kind(request: pytest.FixtureRequest) -> SyncOrAsync:
    chosen: SyncOrAsync = request.param
    return chosen


def _busy(server: OpencodeServer) -> list[str]:
    with OpencodeClient(server.url, directory=server.directory) as client:
        return list(client.session.status())


def _run(kind: SyncOrAsync, server: OpencodeServer, prompt: Any, **options: Any) -> Any:
    with client_of(kind, server.url, directory=server.directory) as client:
        return client.run(prompt, **options)


def _failure(kind: SyncOrAsync, server: OpencodeServer, error: type[Any], prompt: Any, **options: Any) -> Any:
    with pytest.raises(error) as caught:
        _run(kind, server, prompt, **options)
    return caught.value


def test_plain_text(kind: SyncOrAsync, server: OpencodeServer) -> None:
    result = _run(kind, server, "hello", model=MODEL, agent="build", title="t", timeout=60)
    assert (result.text, result.finish, result.tokens.input) == ("echo: hello", "stop", 11)
    assert result.cost > 0
    assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301 # ours
    assert _busy(server) == []


@pytest.mark.matrix
def test_the_next_turn_goes_on_in_the_session(kind: SyncOrAsync, server: OpencodeServer) -> None:
    with client_of(
        kind, server.url
    ) as client:  # the session's directory is looked up where the server can do that
        given = client.with_options(directory=server.directory) if kind == "sync" else client
        if kind == "async":
            first = _run(kind, server, "one")
            second = _run(kind, server, "two", session_id=first.session_id)
        else:
            first = given.run("one")
            second = given.run("two", session_id=first.session_id)
    assert (second.session_id, second.text, len(second.messages)) == (first.session_id, "echo: two", 2)


@pytest.mark.matrix
def test_a_fork_leaves_the_session_alone(kind: SyncOrAsync, server: OpencodeServer) -> None:
    first = _run(kind, server, "one")
    forked = _run(kind, server, "two", session_id=first.session_id, fork=True)
    assert forked.session_id != first.session_id
    with OpencodeClient(server.url, directory=server.directory) as client:
        assert len(client.session.messages(first.session_id)) == 2
        assert len(client.session.messages(forked.session_id)) == 4


def test_reasoning_and_text_are_streamed_apart(
    kind: SyncOrAsync, server: OpencodeServer, version: str
) -> None:
    played = play(kind, server, "#slow")
    assert played.result.text.strip() == ("a slow answer " * 8).strip()
    assert played.result.reasoning == "Let me think."
    assert list(played.texts()[played.of(StepFinished)[-1].message_id].values()) == [played.result.text]
    if version != "1.14.48":  # its stream has no events
        assert len(played.of(TextDelta)) > 1
    assert "".join(one.text for one in played.of(ReasoningDelta)) == "Let me think."
    assert isinstance(played.updates[-1], TurnFinished)


def _only_bash(ask: PermissionAsk) -> Decision:
    return "once" if ask.permission == "bash" else "reject"


def _fails(_: PermissionAsk) -> Decision:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("permissions", "texts"),
    [
        ("once", "done"),
        ({"bash": {"*": "reject", "echo *": "once"}}, "done"),
        (_only_bash, "done"),
        (Reject("not now"), "done"),
        ("reject", "Let me look."),
    ],
    ids=["once", "mapping", "function", "reject with a message", "reject"],
)
def test_a_policy_answers_permissions(
    kind: SyncOrAsync, server: OpencodeServer, permissions: Any, texts: str
) -> None:
    result = _run(kind, server, "#bash", permissions=permissions, timeout=60)
    assert result.text == texts
    assert [call.tool for call in result.tool_calls] == ["bash"]
    assert len(result.replies) == 1


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("command", "runs"),
    [
        ("git log; touch made", False),
        ("git log $(touch made)", False),
        ("git log | tee made", False),
        ("git log\ntouch made", False),
        ("git -c alias.x='!touch made' x", True),  # no sandbox: see `turns/policies.py`
        ("git log > made", True),
    ],
)
def test_rules_hold_for_each_part_of_a_command(server: OpencodeServer, command: str, runs: bool) -> None:
    (server.directory / "made").unlink(missing_ok=True)
    _run(
        "sync", server, f"#run {json.dumps(command)}", permissions={"bash": {"*": "reject", "git *": "once"}}
    )
    assert (server.directory / "made").exists() is runs


@pytest.mark.matrix
def test_always_is_not_asked_again(kind: SyncOrAsync, servers: _Servers, version: str) -> None:
    with scripted_server(version, script=script, permission={"bash": "ask"}, snapshot=False) as (server, _):
        first = _run(kind, server, "#bash", permissions="always")
        second = _run(kind, server, "#bash", session_id=first.session_id)
    assert (len(first.replies), len(second.replies), second.text) == (1, 0, "done")


@pytest.mark.matrix
def test_a_coroutine_answers_permissions(server: OpencodeServer) -> None:
    async def policy(ask: PermissionAsk) -> Any:
        return "once"

    assert _run("async", server, "#bash", permissions=policy).text == "done"


@pytest.mark.matrix
def test_a_function_that_fails_is_raised(kind: SyncOrAsync, server: OpencodeServer) -> None:
    _failure(kind, server, ZeroDivisionError, "#bash", permissions=_fails)
    assert _busy(server) == []


@pytest.mark.matrix
def test_a_person_answers_permissions(kind: SyncOrAsync, server: OpencodeServer) -> None:
    played = play(
        kind,
        server,
        "#two",
        lambda turn, one: turn.reply(one, "once") if isinstance(one, PermissionAsk) else None,
    )
    assert played.result.text == "done"
    assert len(played.of(PermissionAsk)) == len(played.of(AskClosed)) == 1
    assert [one.status for one in played.of(ToolUpdate) if one.tool == "bash"][-1] == "completed"
    assert {call.tool for call in played.result.tool_calls} == {"bash", "read"}


@pytest.mark.matrix
def test_another_client_answers_permissions(kind: SyncOrAsync, server: OpencodeServer) -> None:
    def answer(_turn: object, one: object) -> None:
        if isinstance(one, PermissionAsk):
            with OpencodeClient(server.url) as other:
                other.permission.reply(one.id, reply="once", directory=one.directory)

    played = play(kind, server, "#bash", answer)
    assert (played.result.text, len(played.of(AskClosed)), played.result.replies) == ("done", 1, ())


@pytest.mark.parametrize(("prompt", "headers"), [("#question", ["H"]), ("#questions", ["H", "I"])])
def test_questions_are_answered(
    kind: SyncOrAsync, server: OpencodeServer, prompt: str, headers: list[str]
) -> None:
    by_mapping = _run(kind, server, prompt, questions=dict.fromkeys(headers, "A"))
    assert by_mapping.replies[0].decision == [["A"]] * len(headers)
    played = play(
        kind,
        server,
        prompt,
        lambda turn, one: turn.answer(one, ["A"] * len(headers)) if isinstance(one, QuestionAsk) else None,
    )
    assert [by_mapping.text, played.result.text] == ["done", "done"]


@pytest.mark.matrix
def test_questions_are_rejected_when_nobody_answers(kind: SyncOrAsync, server: OpencodeServer) -> None:
    assert _run(kind, server, "#question", timeout=60).replies[0].decision == "reject"


@pytest.mark.matrix
def test_tasks_are_shown(kind: SyncOrAsync, server: OpencodeServer, version: str) -> None:
    played = play(kind, server, "#todo")
    if version != "1.14.48":
        assert [todo.content for todo in played.of(TodoChanged)[0].todos] == ["c"]
    assert played.result.text == "done"


@pytest.mark.parametrize("prompt", ["#task#bash", "#task#task#bash"])
def test_permissions_of_subagents_are_answered(
    kind: SyncOrAsync, server: OpencodeServer, prompt: str
) -> None:
    played = play(kind, server, prompt, permissions="once", timeout=90)
    assert played.result.text == "done"
    asked = {reply.ask.session_id for reply in played.result.replies}
    assert played.result.session_id not in asked or "#task#task" in prompt
    assert {one.session_id for one in played.of(SubagentChanged)} >= asked - {played.result.session_id}


@pytest.mark.matrix
def test_the_cost_of_subagents_is_beside_that_of_the_turn(kind: SyncOrAsync, server: OpencodeServer) -> None:
    result = _run(kind, server, "#task#bash", permissions="once", timeout=90)
    assert result.subagent_cost > 0
    assert result.subagent_tokens.input > 0


def test_a_wrong_key_of_the_provider(kind: SyncOrAsync, server: OpencodeServer) -> None:
    error = _failure(kind, server, TurnAuthenticationError, "#401")
    assert (error.status, error.retryable, error.error.name) == (401, False, "APIError")
    assert error.partial.session_id


@pytest.mark.matrix
def test_an_error_of_the_provider(kind: SyncOrAsync, server: OpencodeServer) -> None:
    error = _failure(kind, server, TurnProviderError, "#400")
    assert (error.status, "bad thing" in str(error)) == (400, True)


@pytest.mark.matrix
def test_a_conversation_that_is_too_long(kind: SyncOrAsync, version: str, server: OpencodeServer) -> None:
    if version in ("1.1.31", "1.2.27"):
        _failure(kind, server, TurnContextError, "#long", timeout=60)
        return
    result: Any
    try:
        result = _run(kind, server, "#long", timeout=60)
    except (TurnContextError, TurnProviderError) as error:
        result = error.partial
    assert result.session_id


@pytest.mark.matrix
def test_errors_for_ever_end_at_the_deadline(kind: SyncOrAsync, server: OpencodeServer) -> None:
    started = time.monotonic()
    played = play(kind, server, "#500", timeout=4)
    assert isinstance(played.error, TurnTimeoutError)
    assert time.monotonic() - started < 20
    assert played.of(Retrying)
    assert _busy(server) == []


def test_a_turn_that_hangs_is_aborted_at_the_deadline(kind: SyncOrAsync, server: OpencodeServer) -> None:
    error = _failure(kind, server, TurnTimeoutError, "#hang", timeout=3)
    assert error.partial.text in ("", "a part")
    assert _busy(server) == []


@pytest.mark.matrix
def test_leaving_early_aborts_the_turn(kind: SyncOrAsync, streaming: OpencodeServer) -> None:
    def leave(_turn: object, one: object) -> None:
        if isinstance(one, TextDelta):
            raise ZeroDivisionError

    played = play(kind, streaming, "#hang", leave)
    assert isinstance(played.error, ZeroDivisionError)
    assert _busy(streaming) == []


@pytest.mark.matrix
def test_aborting_ends_the_turn_with_an_error(kind: SyncOrAsync, streaming: OpencodeServer) -> None:
    played = play(
        kind, streaming, "#hang", lambda turn, one: turn.abort() if isinstance(one, TextDelta) else None
    )
    assert isinstance(played.error, TurnAbortedError)
    assert getattr(played.error.partial, "text", None) == "a part"


@pytest.mark.matrix
def test_an_abort_from_another_client_then_the_next_prompt(
    kind: SyncOrAsync, streaming: OpencodeServer
) -> None:
    def abort(turn: Any, one: object) -> None:
        if isinstance(one, TextDelta):
            with OpencodeClient(streaming.url, directory=streaming.directory) as other:
                assert other.abort(turn.session_id)

    played = play(kind, streaming, "#hang", abort)
    assert isinstance(played.error, TurnAbortedError)
    partial = played.error.partial
    assert partial is not None
    assert _run(kind, streaming, "next", session_id=partial.session_id).text.startswith("echo")


@pytest.mark.matrix
def test_nothing_is_aborted_in_a_session_at_rest(kind: SyncOrAsync, server: OpencodeServer) -> None:
    session_id = _run(kind, server, "hello").session_id
    with client_of(kind, server.url, directory=server.directory) as client:
        assert client.abort(session_id) is False


@pytest.mark.matrix
def test_a_step_too_many_aborts_the_turn(kind: SyncOrAsync, server: OpencodeServer) -> None:
    _failure(kind, server, TurnBudgetError, "#todo", max_steps=1)
    error = _failure(kind, server, TurnBudgetError, "#todo", max_cost=1e-6)
    assert error.partial.cost > 1e-6
    assert _busy(server) == []


def test_names_that_the_server_does_not_have(kind: SyncOrAsync, server: OpencodeServer) -> None:
    wrong = _failure(kind, server, ModelNotFoundError, "hi", model="scripted/scripted-2")
    assert wrong.nearest == (MODEL,)
    assert _failure(kind, server, AgentNotFoundError, "hi", agent="biuld").nearest[0] == "build"
    _failure(kind, server, NotFoundError, "hi", session_id="ses_0000000000000000000000")


@pytest.mark.matrix
def test_an_empty_answer(kind: SyncOrAsync, server: OpencodeServer) -> None:
    assert _run(kind, server, "#empty").text == ""


@pytest.mark.matrix
def test_a_prompt_of_a_file_only(kind: SyncOrAsync, servers: _Servers, version: str) -> None:
    server, model = servers(version)
    url = (server.directory / "a.txt").as_uri()
    result = _run(kind, server, [FilePartInput(mime="text/plain", url=url, filename="a.txt")])
    assert "hello" in result.text
    users = [one for one in model.requests[-1]["messages"] if one["role"] == "user"]
    assert "opencode_client" not in str(users)


@pytest.mark.matrix
def test_a_command(kind: SyncOrAsync, server: OpencodeServer) -> None:
    result = _run(kind, server, SlashCommand("init"))
    assert "AGENTS.md" in result.text
    assert result.message_id


def test_two_runs_at_once_in_one_session(kind: SyncOrAsync, server: OpencodeServer) -> None:
    with OpencodeClient(server.url, directory=server.directory) as client, ThreadPoolExecutor(2) as threads:
        session_id = client.session.create().id
        first = threads.submit(_run, kind, server, "#slower one", session_id=session_id)
        until(lambda: session_id in client.session.status())
        until(lambda: len(client.session.messages(session_id)) == 2)
        with pytest.raises(SessionBusyError):
            _run(kind, server, SlashCommand("init"), session_id=session_id)
        second = _run(kind, server, "two", session_id=session_id)
        assert "slow answer" in first.result().text
    assert "two" in second.text
    assert first.result().message_id != second.message_id


def test_a_turn_that_was_begun_elsewhere_is_followed(kind: SyncOrAsync, server: OpencodeServer) -> None:
    with OpencodeClient(server.url, directory=server.directory) as client, ThreadPoolExecutor(1) as threads:
        session_id = client.session.create().id
        first = threads.submit(client.run, "#slow", session_id=session_id)
        until(lambda: len(client.session.messages(session_id)) == 2)
        played = play(kind, server, None, follow=True, session_id=session_id)
        assert played.result.text == first.result().text
    assert list(played.texts()[played.last_message_id].values()) == [played.result.text]


@pytest.mark.matrix
def test_leaving_a_followed_turn_does_not_abort_it(kind: SyncOrAsync, server: OpencodeServer) -> None:
    def leave(_turn: object, one: object) -> None:
        raise ZeroDivisionError

    with OpencodeClient(server.url, directory=server.directory) as client, ThreadPoolExecutor(1) as threads:
        session_id = client.session.create().id
        first = threads.submit(client.run, "#slow", session_id=session_id)
        until(lambda: len(client.session.messages(session_id)) == 2)
        play(kind, server, None, leave, follow=True, session_id=session_id)
        assert "slow answer" in first.result().text


@pytest.mark.matrix
def test_a_detached_turn_goes_on(kind: SyncOrAsync, server: OpencodeServer) -> None:
    sessions: list[str] = []

    def detach(turn: Any, one: object) -> None:
        sessions.append(turn.session_id)
        turn.detach()

    play(kind, server, "#slow", detach)
    assert _busy(server) == sessions[:1]
    played = play(kind, server, None, follow=True, session_id=sessions[0])
    assert "slow answer" in played.result.text


@pytest.mark.matrix
def test_a_deleted_session_is_lost(kind: SyncOrAsync, streaming: OpencodeServer) -> None:
    def delete(turn: Any, one: object) -> None:
        if isinstance(one, TextDelta):
            with OpencodeClient(streaming.url, directory=streaming.directory) as other:
                other.session.delete(turn.session_id)

    played = play(kind, streaming, "#hang", delete, timeout=30)
    assert isinstance(played.error, TurnLostError)
    assert played.error.stored is False


@pytest.mark.matrix
def test_a_disposed_instance_is_lost(kind: SyncOrAsync, streaming: OpencodeServer) -> None:
    def dispose(_turn: object, one: object) -> None:
        if isinstance(one, TextDelta):
            with OpencodeClient(streaming.url, directory=streaming.directory) as other:
                other.instance.dispose()

    played = play(kind, streaming, "#hang", dispose, timeout=60)
    assert isinstance(played.error, TurnLostError)
    assert played.error.stored is True


@pytest.mark.matrix
def test_a_killed_server_is_lost(kind: SyncOrAsync, version: str, streaming: OpencodeServer) -> None:
    with scripted_server(version, script=script, snapshot=False) as (server, _):
        started: list[float] = []

        def kill(_turn: object, one: object) -> None:
            if isinstance(one, TextDelta):
                assert server.pid is not None
                os.kill(server.pid, 9)
                started.append(time.monotonic())

        played = play(kind, server, "#hang", kill, timeout=60)
    assert isinstance(played.error, TurnLostError)
    assert played.error.stored is None
    assert time.monotonic() - started[0] < 17


@pytest.mark.matrix
def test_a_stream_that_is_cut_again_and_again(kind: SyncOrAsync, streaming: OpencodeServer) -> None:
    with ChaosProxy(streaming.url, seed=1, most_bytes=6_000, fates=[Fate.CUT, Fate.RESET]) as proxy:
        played = play(kind, streaming, "#slow", url=proxy.url)
        assert proxy.met
    assert played.result.text.strip() == ("a slow answer " * 8).strip()
    assert list(played.texts()[played.last_message_id].values()) == [played.result.text]
    assert played.result.gaps > 0


@pytest.mark.matrix
@pytest.mark.parametrize(("sessions", "directories"), [(20, 5)])
def test_many_turns_at_once(
    kind: SyncOrAsync, server: OpencodeServer, sessions: int, directories: int
) -> None:
    places = [server.directory / f"place{number}" for number in range(directories)]
    for place in places:
        place.mkdir(exist_ok=True)

    def run(number: int) -> str:
        place = places[number % directories]
        text: str = client.run("#bash", directory=place, permissions="once").text
        return text

    async def run_all() -> list[str]:
        async with AsyncOpencodeClient(server.url) as client:
            runs = [
                client.run("#bash", directory=places[number % directories], permissions="once")
                for number in range(sessions)
            ]
            return [result.text for result in await asyncio.gather(*runs)]

    if kind == "async":
        texts = asyncio.run(run_all())
    else:
        with OpencodeClient(server.url) as client, ThreadPoolExecutor(sessions) as threads:
            texts = list(threads.map(run, range(sessions)))
    assert texts == ["done"] * sessions
    assert _busy(server) == []


def test_nothing_is_left_behind(server: OpencodeServer) -> None:
    before = {thread.ident for thread in threading.enumerate()}
    with OpencodeClient(server.url, directory=server.directory) as client:
        client.run("hello")
        with pytest.raises(TurnError):
            client.run("#hang", timeout=1)
    until(
        lambda: {one.ident for one in threading.enumerate() if one.name.startswith("opencode-turn")} <= before
    )
