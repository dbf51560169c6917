"""Calls of the v2 core's operations. Servers without it return no ids; then any id is used."""

from __future__ import annotations

from pathlib import Path

from opencode_client import OpencodeClient
from opencode_client.errors import UnsupportedOperationError
from opencode_client.models import SessionMessageAssistant
from tests.live.client_pairs import until
from tests.live.recorded_calls import Record

_MODEL = {"id": "scripted-1", "providerID": "scripted"}


def walk_v2(record: Record, client: OpencodeClient, copies: Path) -> None:
    """Call them. `copies` is an empty folder for copies of the project."""
    _walk_existing(record, client)
    _walk_integrations(record, client)
    _walk_ptys(record, client)
    _walk_copies(record, client, copies)
    _walk_sessions(record, client)


def _walk_existing(record: Record, client: OpencodeClient) -> None:
    call, v2 = record.call, client.v2
    call("v2.health.get", v2.health.get)
    call("v2.location.get", v2.location.get)
    call("v2.agent.list", v2.agent.list)
    call("v2.command.list", v2.command.list)
    call("v2.skill.list", v2.skill.list)
    call("v2.reference.list", v2.reference.list)
    call("v2.model.list", v2.model.list)
    call("v2.provider.list", v2.provider.list)
    call("v2.provider.get", v2.provider.get, "scripted")
    call("v2.provider.get [unknown]", v2.provider.get, "nope")
    call("v2.fs.read", v2.fs.read, "a.txt")
    call("v2.fs.read [image]", v2.fs.read, "img.png")
    call("v2.fs.read [missing]", v2.fs.read, "nosuch.txt")
    call("v2.fs.list", v2.fs.list, path="src")
    call("v2.fs.list [missing]", v2.fs.list, path="nosuch")
    call("v2.fs.find", v2.fs.find, query="a", limit=3)


def _walk_integrations(record: Record, client: OpencodeClient) -> None:
    call, integration = record.call, client.v2.integration
    call("v2.integration.list", integration.list)
    call("v2.integration.connect.key", integration.connect.key, "302ai", key="k", label="l")
    call("v2.integration.connect.key [unknown]", integration.connect.key, "nope", key="k")
    call("v2.integration.connect.oauth", integration.connect.oauth, "302ai", method_id="nope", inputs={})
    connected = call("v2.integration.get", integration.get, "302ai")
    call("v2.integration.get [unknown]", integration.get, "nope")
    call("v2.integration.attempt.status", integration.attempt.status, "att_nope")
    call("v2.integration.attempt.complete", integration.attempt.complete, "att_nope", code="x")
    call("v2.integration.attempt.cancel", integration.attempt.cancel, "att_nope")
    credential = connected.to_dict()["data"]["connections"][0]["id"] if connected else "cred_nope"
    call("v2.credential.update", client.v2.credential.update, credential, label="l2")
    call("v2.credential.remove", client.v2.credential.remove, credential)


def _walk_ptys(record: Record, client: OpencodeClient) -> None:
    call, pty = record.call, client.v2.pty
    made = call("v2.pty.create", pty.create, command="sh")
    pty_id = made.data.id if made else "pty_x"
    call("v2.pty.create [no such program]", pty.create, command="/no/such")
    call("v2.pty.list", pty.list)
    call("v2.pty.get", pty.get, pty_id)
    call("v2.pty.get [unknown]", pty.get, "pty_nope")
    call("v2.pty.update", pty.update, pty_id, title="q")
    call("v2.pty.connectToken", pty.connect_token, pty_id)
    call("v2.pty.remove", pty.remove, pty_id)
    call("v2.pty.remove [unknown]", pty.remove, "pty_nope")


def _walk_copies(record: Record, client: OpencodeClient, copies: Path) -> None:
    call, copy = record.call, client.v2.project_copy
    project = client.project.current()
    place = str(copies)
    made = call(
        "v2.projectCopy.create",
        copy.create,
        project.id,
        strategy="git_worktree",
        name="cp",
        body_directory=place,
    )
    call("v2.projectCopy.create [unknown]", copy.create, project.id, strategy="bogus", body_directory=place)
    call("v2.projectCopy.refresh", copy.refresh, project.id)
    there = made.directory if made else place
    call("v2.projectCopy.remove", copy.remove, project.id, body_directory=there, force=True)
    call("v2.projectCopy.remove [missing]", copy.remove, project.id, body_directory="/no/such", force=True)


def _walk_sessions(record: Record, client: OpencodeClient) -> None:
    call, session = record.call, client.v2.session
    made = call("v2.session.create", session.create, model=_MODEL)
    session_id = made.data.id if made else "ses_x"
    call("v2.session.list", session.list, limit=3)
    call("v2.session.get", session.get, session_id)
    call("v2.session.get [unknown]", session.get, "ses_nope")
    call("v2.session.get [malformed]", session.get, "bogus")
    call("v2.session.switchAgent", session.switch_agent, session_id, agent="build")
    call("v2.session.switchModel", session.switch_model, session_id, model=_MODEL)
    call("v2.session.switchModel [unknown]", session.switch_model, "ses_nope", model=_MODEL)
    asked = _walk_a_turn(record, client, session_id)
    _walk_permissions(record, client, session_id)
    _walk_questions(record, client, session_id)
    call("v2.session.active", session.active)
    call("v2.session.compact", session.compact, session_id)
    call("v2.session.wait", session.wait, session_id)
    call("v2.session.interrupt", session.interrupt, session_id)
    call("v2.session.interrupt [unknown]", session.interrupt, "ses_nope")
    if made:
        until(lambda: session_id not in session.active().data)
    call("v2.session.revert.stage", session.revert.stage, session_id, message_id=asked)
    call("v2.session.revert.stage [unknown]", session.revert.stage, session_id, message_id="msg_nope")
    call("v2.session.revert.clear", session.revert.clear, session_id)
    call("v2.session.revert.commit", session.revert.commit, session_id)


def _walk_a_turn(record: Record, client: OpencodeClient, session_id: str) -> str:
    """Return the id of the user's message."""
    call, session = record.call, client.v2.session
    prompted = call("v2.session.prompt", session.prompt, session_id, prompt={"text": "hello"})
    call("v2.session.prompt [unknown]", session.prompt, "ses_nope", prompt={"text": "hello"})
    answer = until(lambda: _answers(client, session_id))[0] if prompted else "msg_x"
    call("v2.session.messages", session.messages, session_id)
    call("v2.session.messages [bad cursor]", session.messages, session_id, cursor="bogus")
    call("v2.session.message", session.message, session_id, answer)
    call("v2.session.message [unknown]", session.message, session_id, "msg_nope")
    call("v2.session.context", session.context, session_id)
    call("v2.session.history", session.history, session_id, limit=2, after=1)
    return prompted.data.id if prompted else "msg_x"


def _answers(client: OpencodeClient, session_id: str) -> list[str]:
    messages = client.v2.session.messages(session_id).data or []
    return [found.id for found in messages if isinstance(found, SessionMessageAssistant) and found.finish]


def _walk_permissions(record: Record, client: OpencodeClient, session_id: str) -> None:
    call, v2, permission = record.call, client.v2, client.v2.session.permission
    made = call(
        "v2.session.permission.create",
        permission.create,
        session_id,
        action="bash",
        resources=["ls"],
        save=["ls *"],
    )
    request_id = made.data.id if made else "per_x"
    call("v2.session.permission.list", permission.list, session_id)
    call("v2.session.permission.get", permission.get, session_id, request_id)
    call("v2.session.permission.get [unknown]", permission.get, session_id, "per_nope")
    call("v2.permission.request.list", v2.permission.request.list)
    call("v2.session.permission.reply", permission.reply, session_id, request_id, reply="always")
    call("v2.session.permission.reply [unknown]", permission.reply, session_id, "per_nope", reply="once")
    saved = call("v2.permission.saved.list", v2.permission.saved.list)
    call("v2.permission.saved.remove", v2.permission.saved.remove, saved.data[0].id if saved else "psv_x")


def _walk_questions(record: Record, client: OpencodeClient, session_id: str) -> None:
    call, v2, question = record.call, client.v2, client.v2.session.question
    request_id = _question(client, session_id)
    call("v2.session.question.list", question.list, session_id)
    call("v2.question.request.list", v2.question.request.list)
    call("v2.session.question.reply", question.reply, session_id, request_id, answers=[["A"]])
    call("v2.session.question.reply [unknown]", question.reply, session_id, "que_nope", answers=[["A"]])
    request_id = _question(client, session_id)
    call("v2.session.question.reject", question.reject, session_id, request_id)
    call("v2.session.question.reject [unknown]", question.reject, session_id, "que_nope")


def _question(client: OpencodeClient, session_id: str) -> str:
    """Return a question that the model asks. Without the v2 core there is none."""
    try:
        client.v2.session.prompt(session_id, prompt={"text": "#question"})
    except UnsupportedOperationError:
        return "que_x"
    (asked,) = until(lambda: client.v2.session.question.list(session_id).data)
    return asked.id
