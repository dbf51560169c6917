"""The current state of a session, read over REST after a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import frozen

from ..models import (
    AssistantMessage,
    MessageWithParts,
    PermissionRequest,
    QuestionRequest,
    Session,
    SessionStatus,
    TextPart,
    UserMessage,
)
from ..signatures import explain_call

_GOES_ON = ("tool-calls", "unknown")
"""A message that finishes like this is followed by another one of the same turn, unless it has a structured answer."""


@frozen
class SessionSnapshot:
    """The state of a session: `status` (None: idle), `messages` in order, and the requests that wait for a reply.

    `children` are the sessions that it started, and those that they started. If they were read, `permissions` and
    `questions` have their requests, too. `missing` are the ids of messages that the server cannot return, "" for an
    unknown id: servers 1.14 to 1.18 cannot return a session's first message if it was sent with a JSON schema.
    """

    session: Session
    status: SessionStatus | None
    messages: Sequence[MessageWithParts]
    permissions: Sequence[PermissionRequest]
    questions: Sequence[QuestionRequest]
    children: Sequence[Session] = ()
    missing: Sequence[str] = ()

    @explain_call
    def turn(self, metadata: Mapping[str, object]) -> Literal["not begun", "running", "over"]:
        """Return the progress of the prompt that has a text part with this `metadata`.

        A session without a status has finished the prompt, or has not begun it. Its messages show which. A prompt that
        fails before the model is called (an unknown model) has no answer: it stays "not begun". If no message has the
        metadata, a missing message counts as the prompt.

        Source: servers 1.1.31 to 1.18.33 keep the metadata; `parentID` of an answer is the prompt's message.
        """
        prompts = [
            one.info.id for one in self.messages if isinstance(one.info, UserMessage) and _has(one, metadata)
        ]
        prompts = prompts or list(self.missing)
        infos = [one.info for one in self.messages if isinstance(one.info, AssistantMessage)]
        answers = [info for info in infos if info.parent_id in prompts]
        if answers:
            last = answers[-1]
            # not the attribute: packages of documents before 1.1.65 do not have it
            is_structured = (last.raw_ or {}).get("structured") is not None
            goes_on = last.finish in _GOES_ON and not is_structured
            ended = last.time.completed is not None and not goes_on
            return "over" if ended or last.error is not None else "running"
        return "running" if prompts and self.status is not None else "not begun"


def _has(message: MessageWithParts, metadata: Mapping[str, object]) -> bool:
    found = [part.metadata or {} for part in message.parts if isinstance(part, TextPart)]
    return any(one.items() >= metadata.items() for one in found)


def messages_since(messages: list[MessageWithParts], message_id: str | None) -> list[MessageWithParts]:
    """Return this message, which may have changed, and all later ones; all messages if it is not among them."""
    for index, message in enumerate(messages):
        if message_id is not None and getattr(message.info, "id", None) == message_id:
            return messages[index:]
    return messages
