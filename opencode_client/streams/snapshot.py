"""After a gap: what a session is now, read over REST, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
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


def messages_since(messages: list[MessageWithParts], message_id: str | None) -> list[MessageWithParts]:
    """Those from the named message on, which may have changed; all, if it is not among them."""
    for index, message in enumerate(messages):
        if message_id is not None and getattr(message.info, "id", None) == message_id:
            return messages[index:]
    return messages
