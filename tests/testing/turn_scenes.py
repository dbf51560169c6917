"""Scenes of turns: texts, tools, subagents, errors, prompts that wait."""

from __future__ import annotations

import threading
from time import time
from typing import Any

from opencode_client import OpencodeClient, OpencodeError, TextDelta
from tests.live.client_pairs import until
from tests.testing.stage import (
    has_part,
    parts,
    scene,
    turn,
    wait_for_error,
    wait_until_completed,
    wait_until_idle,
)
from tests.testing.witness import Witness


@scene
def text(witness: Witness, client: OpencodeClient) -> None:
    session = turn(witness, client, "#think")
    witness.call(client.session.get, session.id)
    witness.call(client.session.messages, session.id, limit=1)


@scene
def title(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create()
    witness.call(client.session.prompt, session.id, parts=parts("hello"))
    until(lambda: client.session.get(session.id).title == "Scripted title")
    wait_until_idle(client, session.id)
    witness.call(client.session.get, session.id)
    witness.call(client.session.update, session.id, title="New session - 2026-01-01T00:00:00.000Z")
    witness.call(client.session.prompt, session.id, parts=parts("hello again"))
    wait_until_idle(client, session.id)
    witness.call(client.session.get, session.id)


@scene
def no_reply(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    witness.call(client.session.prompt, session.id, parts=parts("note"), no_reply=True, system="be brief")
    witness.call(client.session.prompt, session.id, parts=parts("hello"))
    witness.call(client.session.messages, session.id)


@scene
def remembered(witness: Witness, client: OpencodeClient) -> None:
    """Name an agent and a model in one prompt, and none in the next ones."""
    session, model = client.session.create(title="t"), {"providerID": "scripted", "modelID": "scripted-2"}
    for more in ({}, {"agent": "plan", "model": model}, {}):
        options: Any = {**more, "no_reply": True}
        witness.call(client.session.prompt, session.id, parts=parts("note"), **options)
    witness.call(client.session.get, session.id)


@scene
def prompt_async(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    sent = client.raw(client.session.prompt_async, session.id, parts=parts("hello"))
    witness.note([sent.status, sent.value])
    until(lambda: len(client.session.messages(session.id)) == 2)


@scene
def tools(witness: Witness, client: OpencodeClient) -> None:
    for name in ("#read", "#unread", "#fails", "#two", "#todo", "#nosuch", "#badjson", "#workdir"):
        session = turn(witness, client, name, permissions="once")
        witness.call(client.session.todo, session.id)


@scene
def write(witness: Witness, client: OpencodeClient) -> None:
    """Write a new file, and write it again."""
    for _ in range(2):
        result = client.run("#write")
        witness.note([[call.tool, call.state] for call in result.tool_calls])
        witness.call(client.file.read, path="new.txt")


@scene
def subagent(witness: Witness, client: OpencodeClient) -> None:
    session = turn(witness, client, "#task", permissions="once")
    [child] = witness.call(client.session.children, session.id)
    witness.call(client.session.messages, child.id)


@scene
def failed_subagents(witness: Witness, client: OpencodeClient) -> None:
    turn(witness, client, "#failtask")
    turn(witness, client, "#asktask", permissions="reject")


@scene
def options(witness: Witness, client: OpencodeClient) -> None:
    session = turn(witness, client, "#bash", tools={"bash": False})
    witness.note(client.run("#allowed", session_id=session.id).tool_calls)
    witness.note(client.session.get(session.id).permission)
    turn(witness, client, "hello", variant="high")


@scene
def aborted(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    with client.turn("#hang", session_id=session.id) as turn:
        while not isinstance(turn.get(timeout=20), TextDelta):
            pass
        witness.call(client.session.status)
        witness.call(client.session.messages, session.id)
        witness.call(client.session.abort, session.id)
        try:
            turn.result()
        except OpencodeError as error:
            witness.note(error)
    wait_for_error(client, session.id)
    witness.call(client.session.messages, session.id)


@scene
def aborted_subagent(witness: Witness, client: OpencodeClient) -> None:
    """Abort a session whose subagent works."""
    session = client.session.create(title="t")
    client.session.prompt_async(session.id, parts=parts("#subtask"))
    [child] = until(lambda: client.session.children(session.id))
    until(lambda: has_part(client, child.id, "text"))
    witness.call(client.session.abort, session.id)
    for one in (session, child):
        wait_for_error(client, one.id)
        wait_until_idle(client, one.id)
        witness.call(client.session.messages, one.id)


@scene
def provider_errors(witness: Witness, client: OpencodeClient) -> None:
    turn(witness, client, "#401")
    turn(witness, client, "#400")


def _begin_retry(witness: Witness, client: OpencodeClient, prompt: str) -> str:
    """Begin a turn whose first request fails, and note when there is the next one. Return its session's id."""
    session = client.session.create(title="t")
    client.session.prompt_async(session.id, parts=parts(prompt))
    until(lambda: getattr(client.session.status().get(session.id), "type", "") == "retry")
    [status] = client.session.status().values()
    witness.note(status)
    seconds = getattr(status, "next", 0) / 1000 - time()
    witness.note("soon" if seconds < 1 else "after 2 s" if seconds < 3 else "late")
    return session.id


@scene
def retried(witness: Witness, client: OpencodeClient) -> None:
    for prompt in ("#429", "#409", "#503"):
        session_id = _begin_retry(witness, client, prompt)
        wait_until_idle(client, session_id)
        witness.call(client.session.messages, session_id)


@scene
def aborted_before_a_retry(witness: Witness, client: OpencodeClient) -> None:
    session_id = _begin_retry(witness, client, "#later")
    witness.call(client.session.abort, session_id)
    wait_until_idle(client, session_id)
    wait_until_completed(client, session_id)
    witness.call(client.session.messages, session_id)


@scene
def structured(witness: Witness, client: OpencodeClient) -> None:
    for prompt in ("#structured", "no structure"):
        try:
            result = client.run(prompt, output={"type": "object"})
            witness.note([result.structured, result.finish, result.text])
            witness.call(client.session.messages, result.session_id)
            witness.call(client.session.fork, result.session_id)
        except OpencodeError as error:
            witness.note(error)


@scene
def unknown_model(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    model = {"providerID": "scripted", "modelID": "nope"}
    witness.call(client.session.prompt, session.id, parts=parts("x"), model=model)


@scene
def commands(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    witness.call(client.session.command, session.id, command="hi", arguments="x y")
    wait_until_idle(client, session.id)
    witness.call(client.session.command, session.id, command="nosuch", arguments="")
    witness.call(client.session.command, session.id, command="hi", arguments="", agent="nope")
    witness.call(client.session.command, session.id, command="hi", arguments="")
    wait_until_idle(client, session.id)
    witness.call(client.session.shell, session.id, agent="nope", command="echo sh")
    witness.call(client.session.shell, session.id, agent="build", command="echo sh")
    witness.call(client.session.messages, session.id)


@scene
def two_prompts(witness: Witness, client: OpencodeClient) -> None:
    """Both prompts get the answer to the second one."""
    session, answers = client.session.create(title="t"), list[Any]()

    def send(text: str) -> None:
        answers.append(client.session.prompt(session.id, parts=parts(text)))

    first = threading.Thread(target=send, args=("#slow one",))
    first.start()
    until(lambda: has_part(client, session.id, "text"))
    send("#second")
    first.join()
    witness.note(answers)
    until(
        lambda: all(
            one.info.role != "user" or one.info.summary for one in client.session.messages(session.id)
        )
    )
    witness.call(client.session.messages, session.id)
