"""Scenes with asks of the agent: permissions and questions."""

from __future__ import annotations

import warnings

from opencode_client import OpencodeClient, QuestionAsk, Reject
from tests.live.client_pairs import until
from tests.testing.stage import has_part, parts, scene, turn, wait_for_error, wait_until_idle
from tests.testing.witness import Witness


@scene
def permission_once(witness: Witness, client: OpencodeClient) -> None:
    turn(witness, client, "#bash", permissions="once")


@scene
def permission_rejected(witness: Witness, client: OpencodeClient) -> None:
    turn(witness, client, "#bash", permissions="reject")


@scene
def permission_rejected_with_a_reason(witness: Witness, client: OpencodeClient) -> None:
    turn(witness, client, "#bash", permissions=Reject("not now"))


@scene
def permission_rules(witness: Witness, client: OpencodeClient) -> None:
    """Run a command that the last rule allows, and some that a rule denies."""
    for prompt in ("#allowed", "#denied", "#alone", "#brackets"):
        turn(witness, client, prompt)


@scene
def permission_always(witness: Witness, client: OpencodeClient) -> None:
    """Approve a command for always: a similar one runs without a permission, and a third one waits."""
    session = client.session.create(title="t")
    client.session.prompt_async(session.id, parts=parts("#always"))
    until(lambda: len(client.permission.list()) == 3)
    [first] = [one for one in client.permission.list() if one.patterns == ["printf a"]]
    witness.call(client.permission.reply, first.id, reply="always")
    until(lambda: len(client.permission.list()) < 3)
    [last] = witness.call(client.permission.list)
    witness.call(client.permission.reply, last.id, reply="once")
    wait_until_idle(client, session.id)
    witness.call(client.session.messages, session.id)
    turn(witness, client, "#again")


@scene
def second_ask_first(witness: Witness, client: OpencodeClient) -> None:
    """Answer the second one of two permissions first, after wrong replies."""
    session = client.session.create(title="t")
    client.session.prompt_async(session.id, parts=parts("#both"))
    until(lambda: len(client.permission.list()) == 2)
    asked = {one.patterns[0]: one.id for one in client.permission.list()}
    place = f"/session/{session.id}/permissions/{asked['echo second']}"
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        for wrong in ({}, {"response": "bogus"}):
            witness.call(client.send, "POST", place, json=wrong)
    witness.call(client.permission.reply, asked["echo second"], reply="once")
    until(lambda: _tool_states(client, session.id) == ["completed", "running"])
    witness.call(client.permission.reply, asked["echo first"], reply="once")
    wait_until_idle(client, session.id)
    witness.call(client.session.messages, session.id)


@scene
def wrong_answers(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    client.session.prompt_async(session.id, parts=parts("#question"))
    [asked] = until(client.question.list)
    for answers in ("A", ["A"], [["A"], [1]]):
        witness.call(client.send, "POST", f"/question/{asked.id}/reply", json={"answers": answers})
    witness.call(client.question.reply, asked.id, answers=[["A"]])  # one is missing
    wait_until_idle(client, session.id)
    witness.call(client.session.messages, session.id)


@scene
def question(witness: Witness, client: OpencodeClient) -> None:
    def answer(_: QuestionAsk) -> list[str | list[str]]:
        return ["A", ["A", "other"]]

    turn(witness, client, "#question", questions=answer)


@scene
def question_rejected(witness: Witness, client: OpencodeClient) -> None:
    turn(witness, client, "#question", questions="reject")


@scene
def asks(witness: Witness, client: OpencodeClient) -> None:
    """Read a session while it waits, call operations that a busy session refuses, then reply."""
    session = client.session.create(title="t")
    client.session.prompt_async(session.id, parts=parts("#two"))
    [asked] = until(client.permission.list)
    witness.note([asked])

    until(lambda: _tool_states(client, session.id) == ["completed", "running"])
    witness.call(client.session.status)
    witness.call(client.session.revert, session.id, message_id="msg_x")
    witness.call(client.permission.reply, asked.id, reply="once")
    witness.call(client.permission.list)
    wait_until_idle(client, session.id)
    witness.call(client.session.messages, session.id)


@scene
def aborted_while_it_asks(witness: Witness, client: OpencodeClient) -> None:
    """Abort a waiting session. If the tool has begun, 1.3.2 still waits after that; the fake does not."""
    if client.global_.health().version == "1.3.2":
        return
    session = client.session.create(title="t")
    client.session.prompt_async(session.id, parts=parts("#bash"))
    until(lambda: has_part(client, session.id, "tool"))
    until(client.permission.list)
    witness.call(client.session.abort, session.id)
    wait_for_error(client, session.id)
    witness.call(client.session.messages, session.id)


def _tool_states(client: OpencodeClient, session_id: str) -> list[str]:
    """Return the states of the tools of a session's last message."""
    answer = client.session.messages(session_id)[-1]
    return sorted(part.state.status for part in answer.parts if part.type == "tool")
