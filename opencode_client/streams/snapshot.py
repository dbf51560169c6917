"""After a gap: what a session is now, read over REST, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from ..client import AsyncOpencodeClient, OpencodeClient
    from ..models.message_with_parts import MessageWithParts
    from ..models.permission_request import PermissionRequest
    from ..models.question_request import QuestionRequest
    from ..models.session import Session
    from ..models.session_status import SessionStatus


@frozen
class SessionSnapshot:
    """A session as the server has it: `status` None is idle, `messages` are in order, the rest waits for a reply."""

    session: Session
    status: SessionStatus | None
    messages: Sequence[MessageWithParts]
    permissions: Sequence[PermissionRequest]
    questions: Sequence[QuestionRequest]


def _since(messages: list[MessageWithParts], message_id: str | None) -> list[MessageWithParts]:
    """Those from the named message on, which may have changed; all, if it is not among them."""
    for index, message in enumerate(messages):
        if message_id is not None and getattr(message.info, "id", None) == message_id:
            return messages[index:]
    return messages


def snapshot(client: OpencodeClient, session_id: str, since_message_id: str | None) -> SessionSnapshot:
    """What `OpencodeClient.resync` gives. The session's own directory is asked: status and requests are kept by it."""
    session = client.session.get(session_id)
    at = client.with_options(directory=session.directory)
    permissions = [one for one in at.permission.list() if one.session_id == session_id]
    questions = [one for one in at.question.list() if one.session_id == session_id]
    status = at.session.status().get(session_id)
    messages = _since(at.session.messages(session_id), since_message_id)
    return SessionSnapshot(session, status, messages, permissions, questions)


async def asnapshot(
    client: AsyncOpencodeClient, session_id: str, since_message_id: str | None
) -> SessionSnapshot:
    """What `AsyncOpencodeClient.resync` gives."""
    session = await client.session.get(session_id)
    at = client.with_options(directory=session.directory)
    permissions = [one for one in await at.permission.list() if one.session_id == session_id]
    questions = [one for one in await at.question.list() if one.session_id == session_id]
    status = (await at.session.status()).get(session_id)
    messages = _since(await at.session.messages(session_id), since_message_id)
    return SessionSnapshot(session, status, messages, permissions, questions)
