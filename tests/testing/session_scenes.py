"""Scenes of sessions and their messages."""

from __future__ import annotations

from time import time
from typing import Any

from opencode_client import OpencodeClient
from tests.testing.stage import parts, scene, turn, wait_until_idle
from tests.testing.witness import Witness


@scene
def sessions(witness: Witness, client: OpencodeClient) -> None:
    call, session = witness.call, client.session
    made = call(session.create, title="made")
    call(session.create)
    child = call(session.create, parent_id=made.id)
    start = made.time.created
    call(session.list, start=start)
    call(session.list, start=(time() + 3600) * 1000)
    call(session.list, limit=3)
    call(session.list, roots=True, start=start)
    call(session.list, limit=1)
    call(session.list, search="MADE")
    call(session.get, made.id)
    call(session.children, made.id)
    call(session.update, made.id, title="renamed")
    call(session.update, made.id, time={"archived": 123})
    call(session.todo, made.id)
    call(session.diff, made.id)
    call(session.messages, made.id)
    call(session.delete, child.id)
    call(session.children, made.id)
    call(session.get, child.id)
    child = call(session.create, parent_id=made.id)
    call(session.delete, made.id)
    call(session.get, child.id)


@scene
def unknown(witness: Witness, client: OpencodeClient) -> None:
    call, session, nope = witness.call, client.session, "ses_nope"
    for read in (session.get, session.messages, session.children, session.todo, session.diff, session.abort):
        call(read, nope)
    call(session.message, nope, "msg_nope")
    call(session.get, "bogus")
    call(session.update, nope, title="x")
    call(session.delete, nope)
    call(session.fork, nope)
    call(session.prompt, nope, parts=parts("x"))
    call(session.prompt_async, nope, parts=parts("x"))
    call(session.command, nope, command="hi", arguments="x")
    call(session.shell, nope, agent="build", command="echo sh")
    call(client.permission.reply, "per_nope", reply="once")
    call(client.question.reply, "que_nope", answers=[["A"]])
    call(client.question.reject, "que_nope")


@scene
def wrong(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    bad: Any = client.session
    witness.call(client.send, "POST", f"/session/{session.id}/message", json={})
    witness.call(client.send, "POST", "/session", json={"title": 5})
    witness.call(client.send, "POST", "/permission/per_nope/reply", json={"reply": "bogus"})
    witness.call(bad.message, session.id, "msg_nope")
    witness.call(bad.prompt, session.id, parts=parts("x"), agent="nope")


@scene
def pages(witness: Witness, client: OpencodeClient) -> None:
    session = client.session.create(title="t")
    for text in ("one", "two", "three"):
        client.session.prompt(session.id, parts=parts(text), no_reply=True)
    witness.note([one.info.id for one in client.session.messages(session.id)])
    for limit in (1, 2, 3):
        found = client.paginate(client.session.messages, session.id, limit=limit)
        witness.note([one.info.id for one in found])
        first = client.raw(client.session.messages, session.id, limit=limit)
        if cursor := first.headers.get("x-next-cursor"):  # `paginate` hides repeated messages
            second = client.session.messages(session.id, limit=limit, before=cursor)
            assert {one.info.id for one in second}.isdisjoint(one.info.id for one in first.value)


@scene
def fork_and_edit(witness: Witness, client: OpencodeClient) -> None:
    call, session = witness.call, turn(witness, client, "hello")
    [prompt, answer] = client.session.messages(session.id)
    made = call(client.session.fork, session.id)
    call(client.session.messages, made.id)
    call(client.session.fork, made.id, message_id=client.session.messages(made.id)[1].info.id)
    call(client.session.children, session.id)
    call(client.session.revert, session.id, message_id=prompt.info.id)
    call(client.session.unrevert, session.id)
    [part] = [one for one in answer.parts if one.type == "text"]
    part.text = "edited"
    call(client.part.update, session.id, answer.info.id, part.id, body=part)
    call(client.part.update, session.id, answer.info.id, "prt_x", body=part)
    call(client.part.delete, session.id, answer.info.id, part.id)
    call(client.part.delete, session.id, "msg_nope", part.id)
    call(client.part.update, session.id, answer.info.id, part.id, body=part)
    call(client.session.delete_message, session.id, answer.info.id)
    call(client.session.messages, session.id)


@scene
def reverted(witness: Witness, client: OpencodeClient) -> None:
    """Revert from an answer on, which begins at its prompt. The next prompt makes that final."""
    session = client.session.create(title="t")
    client.run("one", session_id=session.id)
    answer = client.run("two", session_id=session.id).messages[-1]
    witness.call(client.session.revert, session.id, message_id="msg_nope")
    reverted = witness.call(client.session.revert, session.id, message_id=answer.info.id)
    own_id = f"{reverted.revert.message_id[:-4]}zzzz"
    client.session.prompt(session.id, parts=parts("three"), message_id=own_id)
    witness.note(client.session.message(session.id, own_id).info.id == own_id)
    wait_until_idle(client, session.id)
    witness.note([[one.info.role, one.text] for one in client.session.messages(session.id)])
    witness.note(client.session.get(session.id).revert)
