"""The adapter for servers 1.x: it marks prompts, interprets events and messages, and finds the error of a turn.

No I/O. Another generation of servers needs another module with these functions, and other calls in `async_calls.py`.

Source: servers 1.1.31 to 1.18.33.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import errors
from ..errors import TurnError
from ..model import JsonObject, OpencodeModel, is_object
from ..models import AssistantMessage, MessageWithParts, QuestionInfo, TextPartInput, Todo
from . import inputs
from .inputs import Event, MessageSeen, PartSeen, SessionSeen, StatusSeen
from .result import Tokens
from .updates import Ask, PermissionAsk, QuestionAsk

KEY = "opencode_client.turn"
"""The member of a text part's `metadata` that marks a prompt. Servers keep it; the model does not see it."""

DELTA = "message.part.delta"
"""The event with more text of a part."""

ASK_EVENTS = frozenset({
    "permission.asked", "permission.replied", "question.asked", "question.replied", "question.rejected",
    "session.created", "session.updated", "session.deleted", "session.status", "session.idle",
})  # fmt: skip
"""The events of a session that say which asks wait. Others have nothing to do with asks."""

_GOES_ON = (None, "tool-calls", "unknown")
"""A message without an error that finishes like this is followed by another one of the same turn."""
_TOOL_PROGRESS = {"pending": 0, "running": 1}
_TOO_LONG = re.compile(
    r"context[ _](length|window)|prompt is too long|too many (input )?tokens|maximum (context|prompt|input)"
    r"|(reduce|exceeds).{0,40}(length|token|context)",
    re.IGNORECASE,
)
"""Source: 1.1.x has no ContextOverflowError; it shows the provider's message in an APIError."""


def marked(parts: Sequence[Any], key: str) -> list[Any]:  # Any: models or mappings
    """Return the prompt's parts with `key` on the first text part.

    A prompt without text gets an empty, ignored text part: no server sends that to the model.
    """
    plain = [part.to_dict() if isinstance(part, OpencodeModel) else dict(part) for part in parts]
    first = next((part for part in plain if part.get("type") == "text"), None)
    if first is None:
        first = TextPartInput(text="", ignored=True).to_dict()
        plain.append(first)
    first["metadata"] = {**member(first, "metadata"), KEY: key}
    return plain


def read_event(raw: Any, directory: str) -> Event | None:  # Any: JSON
    """Return the input for an event; None if it means nothing to a turn."""
    read = _READERS.get(raw.get("type"))
    properties: object = raw.get("properties")
    if read is None or not is_object(properties):
        return None
    try:
        return read(properties, directory)
    except (KeyError, TypeError, AttributeError):
        return None  # an event of another form: the messages will show its content


def member(raw: JsonObject, name: str) -> JsonObject:
    """Return a member that is an object; an empty one if it is missing."""
    value: object = raw.get(name)
    return value if is_object(value) else {}


def part_seen(part: JsonObject) -> PartSeen:
    """Return the input for a part."""
    kind: str = part["type"]
    seen = PartSeen(part["sessionID"], part["messageID"], part["id"], kind, part)
    if kind in ("text", "reasoning"):
        seen.text = part.get("text") or ""
        seen.is_hidden = bool(part.get("synthetic") or part.get("ignored"))
        seen.progress = 2 if member(part, "time").get("end") is not None else 0
        seen.key = member(part, "metadata").get(KEY)
    elif kind == "tool":
        state = part["state"]
        seen.progress = _TOOL_PROGRESS.get(state["status"], 2)
        metadata = member(state, "metadata")
        seen.child_id = metadata.get("sessionId") or metadata.get("sessionID")
    return seen


def is_automatic(parts: Sequence[PartSeen]) -> bool:
    """Return True for the parts of a message that the server wrote in the user's name, to shorten a conversation."""
    return bool(parts) and all(
        one.kind == "compaction" or (one.kind == "text" and one.is_hidden) for one in parts
    )


def message_seen(info: JsonObject) -> MessageSeen:
    """Return the input for a message without its parts."""
    seen = MessageSeen(info["sessionID"], info["id"], info, info["time"]["created"] or 0)
    if info["role"] == "user":
        seen.is_user = seen.is_over = True
        return seen
    error = info.get("error")
    seen.parent_id = info.get("parentID")
    seen.finish = info.get("finish")
    seen.is_over = info["time"].get("completed") is not None or error is not None
    has_end = error is not None or info.get("structured") is not None
    seen.goes_on = not has_end and seen.finish in _GOES_ON
    seen.is_summary = info.get("summary") is True
    seen.cost = info.get("cost") or 0.0
    seen.tokens = tokens_of(info.get("tokens"))
    return seen


def tokens_of(raw: Any) -> Tokens:  # Any: JSON
    """Return the numbers of tokens of a message or a step."""
    raw = raw if is_object(raw) else JsonObject()
    numbers = [raw.get(name) for name in ("input", "output", "reasoning")]
    numbers += [member(raw, "cache").get(name) for name in ("read", "write")]
    return Tokens(*(number or 0 for number in numbers))


def status_seen(session_id: str, status: JsonObject) -> StatusSeen:
    """Return the input for a session's status."""
    details = (status.get("attempt") or 0, status.get("message") or "", status.get("next") or 0)
    return StatusSeen(session_id, status["type"], *details)


def permission_ask(raw: JsonObject, directory: str) -> PermissionAsk:
    """Return the ask for a permission request."""
    return PermissionAsk(
        id=raw["id"],
        session_id=raw["sessionID"],
        directory=directory,
        permission=raw["permission"],
        patterns=tuple(raw.get("patterns") or ()),
        always=tuple(raw.get("always") or ()),
        metadata=member(raw, "metadata"),
        call_id=member(raw, "tool").get("callID"),
    )


def question_ask(raw: JsonObject, directory: str) -> QuestionAsk:
    """Return the ask for a question request."""
    return QuestionAsk(
        id=raw["id"],
        session_id=raw["sessionID"],
        directory=directory,
        questions=tuple(QuestionInfo.from_dict(one) for one in raw["questions"]),
        call_id=member(raw, "tool").get("callID"),
    )


def message_of(info: JsonObject, parts: Sequence[JsonObject]) -> MessageWithParts:
    """Return a message with its parts."""
    return MessageWithParts.from_dict({"info": info, "parts": list(parts)})


def error_of(info: Mapping[str, Any]) -> TurnError | None:  # Any: JSON
    """Return the error of a turn whose last message has this `info`; None if it has none."""
    raw, finish = info.get("error"), info.get("finish")
    if not is_object(raw):
        return _incomplete(*_CUTS[finish]) if finish in _CUTS else None
    error = _error_named(str(raw.get("name")), member(raw, "data"))
    error.error = AssistantMessage.from_dict(dict(info)).error
    return error


def _error_named(name: str, data: JsonObject) -> TurnError:
    message, status = str(data.get("message") or name), data.get("statusCode")
    if name == "MessageAbortedError":
        return errors.TurnAbortedError(f"the turn was aborted: {message}")
    if name in _OUTPUT_REASONS:
        return _incomplete(_OUTPUT_REASONS[name], message)
    if name == "ContextOverflowError" or (name == "APIError" and _TOO_LONG.search(message)):
        return errors.TurnContextError(f"the conversation is too long for the model: {message}")
    is_key = name == "ProviderAuthError" or status in (401, 403)
    kind = errors.TurnAuthenticationError if is_key else errors.TurnProviderError
    todo = "; log in on the server's machine: opencode auth login" if is_key else ""
    error = kind(f"the provider failed: {message}{todo}")
    error.status, error.retryable = status, bool(data.get("isRetryable"))
    return error


def _incomplete(reason: str, message: str) -> TurnError:
    error = errors.TurnOutputError(f"the answer is incomplete: {message}{_ADVICE.get(reason, '')}")
    error.reason = reason
    return error


_ADVICE = {
    "length": "; ask for a shorter answer, or use a model that can write longer ones",
    "structure": "; use a simpler schema, or another model",
}
_CUTS = {
    "length": ("length", "it reached the length limit"),
    "content-filter": ("filter", "a filter stopped it"),
}
_OUTPUT_REASONS = {
    "MessageOutputLengthError": "length",
    "ContentFilterError": "filter",
    "StructuredOutputError": "structure",
}


def _delta(raw: JsonObject, _: str) -> Event | None:
    if raw["field"] != "text":
        return None
    return inputs.Delta(raw["sessionID"], raw["messageID"], raw["partID"], raw["delta"])


def _session(raw: JsonObject, _: str) -> Event | None:
    info = raw["info"]
    return (
        SessionSeen(info["id"], info["parentID"], info.get("title") or "") if info.get("parentID") else None
    )


def _failed(raw: JsonObject, _: str) -> Event:
    error = member(raw, "error")
    return inputs.SessionFailed(
        raw.get("sessionID"), str(member(error, "data").get("message") or error.get("name") or "")
    )


def _ask_gone(raw: JsonObject, _: str) -> Event:
    return inputs.AskGone(raw["sessionID"], raw["requestID"])


_READERS: dict[object, Callable[[JsonObject, str], Event | None]] = {
    DELTA: _delta,
    "message.part.updated": lambda raw, _: part_seen(raw["part"]),
    "message.updated": lambda raw, _: message_seen(raw["info"]),
    "session.status": lambda raw, _: status_seen(raw["sessionID"], raw["status"]),
    "session.idle": lambda raw, _: StatusSeen(raw["sessionID"], "idle"),
    "session.created": _session,
    "session.updated": _session,
    "session.deleted": lambda raw, _: inputs.SessionGone(raw["info"]["id"]),
    "session.error": _failed,
    "permission.asked": lambda raw, directory: inputs.Asked(permission_ask(raw, directory)),
    "permission.replied": _ask_gone,
    "question.asked": lambda raw, directory: inputs.Asked(question_ask(raw, directory)),
    "question.replied": _ask_gone,
    "question.rejected": _ask_gone,
    "todo.updated": lambda raw, _: inputs.TodosSeen(
        raw["sessionID"], tuple(Todo.from_dict(one) for one in raw["todos"])
    ),
    "server.instance.disposed": lambda _raw, directory: inputs.InstanceGone(directory),
}


def asks_of(
    permissions: Sequence[OpencodeModel], questions: Sequence[OpencodeModel], directory: str
) -> list[Ask]:
    """Return the asks of the lists that a server returned."""
    asks: list[Ask] = [permission_ask(one.to_dict(), directory) for one in permissions]
    return asks + [question_ask(one.to_dict(), directory) for one in questions]
