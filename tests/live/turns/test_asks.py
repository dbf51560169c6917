"""Permissions and questions of turns, on real servers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opencode_client import AskClosed, OpencodeClient, PermissionAsk, QuestionAsk, Reject, ToolUpdate
from opencode_client.turns.policies import Decision
from tests.live.client_pairs import SyncOrAsync
from tests.live.turns.players import Site, busy, failure, open_site, play, run

pytestmark = pytest.mark.live


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
def test_a_policy_answers_permissions(kind: SyncOrAsync, server: Site, permissions: Any, texts: str) -> None:
    result = run(kind, server, "#bash", permissions=permissions, timeout=60)
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
def test_rules_apply_to_each_part_of_a_command(server: Site, command: str, runs: bool) -> None:
    (server.directory / "made").unlink(missing_ok=True)
    run("sync", server, f"#run {json.dumps(command)}", permissions={"bash": {"*": "reject", "git *": "once"}})
    assert (server.directory / "made").exists() is runs


@pytest.mark.matrix
def test_after_always_the_same_command_needs_no_permission(kind: SyncOrAsync, version: str) -> None:
    with open_site(version, permission={"bash": "ask"}) as server:
        first = run(kind, server, "#bash", permissions="always")
        second = run(kind, server, "#bash", session_id=first.session_id)
    assert (len(first.replies), len(second.replies), second.text) == (1, 0, "done")


@pytest.mark.matrix
def test_a_coroutine_answers_permissions(server: Site) -> None:
    async def policy(ask: PermissionAsk) -> Any:
        return "once"

    assert run("async", server, "#bash", permissions=policy).text == "done"


@pytest.mark.matrix
def test_an_exception_of_a_policy_function_is_raised(kind: SyncOrAsync, server: Site) -> None:
    failure(kind, server, ZeroDivisionError, "#bash", permissions=_fails)
    assert busy(server) == []


@pytest.mark.matrix
def test_a_permission_can_be_answered_with_reply(kind: SyncOrAsync, server: Site) -> None:
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
def test_another_client_answers_permissions(kind: SyncOrAsync, server: Site) -> None:
    def answer(_turn: object, one: object) -> None:
        if isinstance(one, PermissionAsk):
            with OpencodeClient(server.url) as other:
                other.permission.reply(one.id, reply="once", directory=one.directory)

    played = play(kind, server, "#bash", answer)
    assert (played.result.text, len(played.of(AskClosed)), played.result.replies) == ("done", 1, ())


@pytest.mark.parametrize(("prompt", "headers"), [("#question", ["H"]), ("#questions", ["H", "I"])])
def test_questions_are_answered(kind: SyncOrAsync, server: Site, prompt: str, headers: list[str]) -> None:
    by_mapping = run(kind, server, prompt, questions=dict.fromkeys(headers, "A"))
    assert by_mapping.replies[0].decision == [["A"]] * len(headers)
    played = play(
        kind,
        server,
        prompt,
        lambda turn, one: turn.answer(one, ["A"] * len(headers)) if isinstance(one, QuestionAsk) else None,
    )
    assert [by_mapping.text, played.result.text] == ["done", "done"]


@pytest.mark.matrix
def test_questions_without_a_policy_are_rejected(kind: SyncOrAsync, server: Site) -> None:
    assert run(kind, server, "#question", timeout=60).replies[0].decision == "reject"
