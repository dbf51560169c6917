"""The current state of a session, read over REST after a gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from ..models import MessageWithParts, PermissionRequest, QuestionRequest, Session, SessionStatus


@frozen
class SessionSnapshot:
    """The state of a session: `status` (None: idle), `messages` in order, and the requests that wait for a reply."""

    session: Session
    status: SessionStatus | None
    messages: Sequence[MessageWithParts]
    permissions: Sequence[PermissionRequest]
    questions: Sequence[QuestionRequest]


def messages_since(messages: list[MessageWithParts], message_id: str | None) -> list[MessageWithParts]:
    """Return the messages from this one on, which itself may have changed; all if it is not among them."""
    for index, message in enumerate(messages):
        if message_id is not None and getattr(message.info, "id", None) == message_id:
            return messages[index:]
    return messages
