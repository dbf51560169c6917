"""Calls of the operations on busy sessions: permissions, questions and aborts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from opencode_client import OpencodeClient
from opencode_client.models import Session, TextPartInput
from tests.live.client_pairs import until
from tests.live.recorded_calls import Record

T = TypeVar("T")


def walk_asking(record: Record, client: OpencodeClient) -> None:
    """Call them on a new session."""
    session = client.session.create(title="asks")
    _walk_permissions(record, client, session)
    _walk_questions(record, client, session)
    _walk_to_a_stop(record, client, session)


def _walk_permissions(record: Record, client: OpencodeClient, session: Session) -> None:
    call = record.call
    asked = _ask(client, session, "#bash", client.permission.list)
    call("session.shell [busy]", client.session.shell, session.id, agent="build", command="echo sh")
    call("session.revert [busy]", client.session.revert, session.id, message_id="msg_x")
    call("permission.list", client.permission.list)
    call("permission.reply", client.permission.reply, asked.id, reply="once")
    call("permission.reply [unknown]", client.permission.reply, "per_nope", reply="once")
    _until_idle(client, session)
    asked = _ask(client, session, "#bash", client.permission.list)
    respond = client.permission.respond
    with pytest.deprecated_call():
        call("permission.respond [unknown]", respond, session.id, "per_nope", response="once")
    with pytest.deprecated_call():
        call("permission.respond", respond, session.id, asked.id, response="reject")
    _until_idle(client, session)


def _walk_questions(record: Record, client: OpencodeClient, session: Session) -> None:
    call = record.call
    asked = _ask(client, session, "#question", client.question.list)
    call("question.list", client.question.list)
    call("question.reply", client.question.reply, asked.id, answers=[["A"]])
    call("question.reply [unknown]", client.question.reply, "que_nope", answers=[["A"]])
    _until_idle(client, session)
    asked = _ask(client, session, "#question", client.question.list)
    call("question.reject", client.question.reject, asked.id)
    call("question.reject [unknown]", client.question.reject, "que_nope")
    _until_idle(client, session)


def _walk_to_a_stop(record: Record, client: OpencodeClient, session: Session) -> None:
    call, start = record.call, client.session.prompt_async
    call("session.prompt_async", start, session.id, parts=[TextPartInput(text="#endless")])
    call("session.prompt_async [unknown]", start, "ses_nope", parts=[TextPartInput(text="x")])
    until(lambda: session.id in client.session.status())
    call("session.status", client.session.status)
    call("session.abort", client.session.abort, session.id)
    call("session.abort [unknown]", client.session.abort, "ses_nope")
    _until_idle(client, session)
    call("session.status [idle]", client.session.status)


def _ask(client: OpencodeClient, session: Session, text: str, look: Callable[[], list[T]]) -> T:
    """Return the question or permission that a turn of the session waits for."""
    client.session.prompt_async(session.id, parts=[TextPartInput(text=text)])
    (asked,) = until(look)
    return asked


def _until_idle(client: OpencodeClient, session: Session) -> None:
    until(lambda: session.id not in client.session.status())
