"""Calls of the operations on sessions and their messages."""

from __future__ import annotations

from opencode_client import OpencodeClient
from opencode_client.models import MessageWithParts, Session, TextPart, TextPartInput, UnknownMessage
from tests.live.recorded_calls import Record
from tests.live.scripted_turns import MODEL

_SAID = [TextPartInput(text="hello")]


def walk_sessions(record: Record, client: OpencodeClient) -> None:
    """Call them. All sessions are created here, in the client's directory."""
    call = record.call
    session = record.need("session.create", client.session.create, title="made")
    child = record.need("session.create [child]", client.session.create, parent_id=session.id)
    _walk_one(record, client, session)
    _walk_unknown(record, client)
    messages = _walk_turns(record, client, session)
    _walk_models(record, client, session, child, messages)
    _walk_failures(record, client)
    _walk_messages(record, client, session, messages)
    _walk_experiments(record, client, session, child)
    call("session.delete", client.session.delete, child.id)


def _walk_one(record: Record, client: OpencodeClient, session: Session) -> None:
    call = record.call
    call("session.list", client.session.list, limit=5)
    call("session.get", client.session.get, session.id)
    call("session.get [malformed]", client.session.get, "bogus")
    call("session.children", client.session.children, session.id)
    call("session.update", client.session.update, session.id, title="renamed")
    call("session.share", client.session.share, session.id)
    call("session.unshare", client.session.unshare, session.id)
    call("session.messages [bad cursor]", client.session.messages, session.id, limit=2, before="bogus")
    call("tui.selectSession", client.tui.select_session, session_id=session.id)


def _walk_unknown(record: Record, client: OpencodeClient) -> None:
    call, session, unknown = record.call, client.session, "ses_nope"
    call("session.get [unknown]", session.get, unknown)
    call("session.update [unknown]", session.update, unknown, title="renamed")
    call("session.messages [unknown]", session.messages, unknown)
    call("session.children [unknown]", session.children, unknown)
    call("session.todo [unknown]", session.todo, unknown)
    call("session.diff [unknown]", session.diff, unknown)
    call("session.fork [unknown]", session.fork, unknown)
    call("session.prompt [unknown session]", session.prompt, unknown, parts=_SAID)
    call("session.shell [unknown]", session.shell, unknown, agent="build", command="echo sh")
    call("session.summarize [unknown]", session.summarize, unknown, provider_id="scripted", model_id="x")
    call("session.revert [unknown]", session.revert, unknown, message_id="msg_x")
    call("session.unrevert [unknown]", session.unrevert, unknown)
    call("session.delete [unknown]", session.delete, unknown)


def _walk_turns(record: Record, client: OpencodeClient, session: Session) -> list[MessageWithParts]:
    """Return the messages of the first turn."""
    call = record.call
    record.need("session.prompt", client.session.prompt, session.id, parts=_SAID)
    messages = record.need("session.messages", client.session.messages, session.id)
    call("session.prompt [no reply]", client.session.prompt, session.id, parts=_SAID, no_reply=True)
    call("session.command", client.session.command, session.id, command="hi", arguments="x")
    call("session.command [unknown]", client.session.command, session.id, command="nosuch", arguments="")
    call("session.shell", client.session.shell, session.id, agent="build", command="echo sh", model=MODEL)
    client.session.prompt(session.id, parts=[TextPartInput(text="#todo")])
    call("session.todo", client.session.todo, session.id)
    return messages


def _walk_models(
    record: Record,
    client: OpencodeClient,
    session: Session,
    child: Session,
    messages: list[MessageWithParts],
) -> None:
    provider, model = MODEL["providerID"], MODEL["modelID"]
    summarize, init = client.session.summarize, client.session.init
    record.call("session.summarize", summarize, session.id, provider_id=provider, model_id=model)
    # 1.1.31 calls the model forever if the id sorts after the ids that it makes next
    early = f"{_id(messages[0])[:-4]}zzzz"
    record.call("session.init", init, child.id, provider_id=provider, model_id=model, message_id=early)


def _walk_failures(record: Record, client: OpencodeClient) -> None:
    """Use another session: it keeps the model that does not exist, and 1.18.33 cannot read a structured turn."""
    call, prompt = record.call, client.session.prompt
    session = client.session.create(title="fails")
    nope = {**MODEL, "modelID": "nope"}
    call("session.prompt [unknown model]", prompt, session.id, parts=_SAID, model=nope)
    call("session.prompt [unknown agent]", prompt, session.id, parts=_SAID, model=MODEL, agent="nope")
    wanted = {"type": "json_schema", "schema": {"type": "object"}}
    text = [TextPartInput(text="#structured")]
    call("session.prompt [json_schema]", prompt, session.id, parts=text, model=MODEL, format=wanted)
    call("session.messages [after json_schema]", client.session.messages, session.id)


def _walk_messages(
    record: Record, client: OpencodeClient, session: Session, messages: list[MessageWithParts]
) -> None:
    call = record.call
    asked, answer = _id(messages[0]), _id(messages[-1])
    call("session.message", client.session.message, session.id, answer)
    call("session.message [unknown]", client.session.message, session.id, "msg_nope")
    call("session.diff", client.session.diff, session.id, message_id=asked)
    call("session.fork", client.session.fork, session.id)
    (text,) = [part for part in messages[-1].parts if isinstance(part, TextPart)]
    text.text = "edited"
    call("part.update", client.part.update, session.id, answer, text.id, body=text)
    call("part.update [another's]", client.part.update, session.id, answer, "prt_x", body=text)
    call("part.delete", client.part.delete, session.id, answer, text.id)
    call("part.delete [unknown]", client.part.delete, session.id, answer, "prt_nope")
    call("session.revert", client.session.revert, session.id, message_id=asked)
    call("session.unrevert", client.session.unrevert, session.id)
    call("session.deleteMessage", client.session.delete_message, session.id, answer)


def _id(message: MessageWithParts) -> str:
    assert not isinstance(message.info, UnknownMessage)
    return message.info.id


def _walk_experiments(record: Record, client: OpencodeClient, session: Session, child: Session) -> None:
    call, experimental = record.call, client.experimental
    call("experimental.session.list", experimental.session.list, limit=5)
    call("experimental.session.background", experimental.session.background, session.id)
    warp = experimental.workspace.warp
    call("experimental.workspace.warp", warp, id=None, session_id=session.id)
    call("experimental.workspace.warp [unknown]", warp, id="wrk_nope", session_id=session.id)
    move = experimental.control_plane.move_session
    there = {"directory": f"{session.directory}/src"}
    call("experimental.controlPlane.moveSession", move, session_id=child.id, destination=there)
    call("experimental.controlPlane.moveSession [unknown]", move, session_id="ses_nope", destination=there)
    call("sync.start", client.sync.start)
    call("sync.history.list", client.sync.history.list, body={})
    call("sync.replay", client.sync.replay, body_directory=session.directory, events=[])
    call("sync.steal", client.sync.steal, session_id=session.id)
