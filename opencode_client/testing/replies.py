"""Replies of a scripted model, and the queue from which a model or a fake server takes them. No I/O."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ..errors import ArgumentError
from ..logs import fields
from ..model import JsonObject
from ..signatures import explain_calls

logger: logging.Logger = logging.getLogger(__package__)

MODEL = "scripted/scripted-1"
"""The model's name in opencode: provider/model."""
MODEL_IDS = {"providerID": "scripted", "modelID": "scripted-1"}
TITLE = "Scripted title"
"""The response to a request without tools."""
LIMITS = {"context": 200_000, "output": 8_192}
COST = {"input": 1, "output": 2, "cache_read": 0.1, "cache_write": 0.2}
"""US dollars for a million tokens."""


@explain_calls
@frozen(kw_only=True)
class ToolCall:
    """One call of a tool. `arguments` is an object, or its text, which need not be valid JSON."""

    name: str
    arguments: JsonObject | str = field(factory=dict[str, Any])


@explain_calls
@frozen(kw_only=True)
class Reply:
    """One response of the model: first `reasoning`, then `text`, then calls of `tools`.

    The response begins after `first_delay_s` seconds. It is a series of messages: an empty one, `reasoning`, `text` in
    at most `chunks` pieces, each tool call, and the end. After each message before the end, there is a pause of
    `delay_s` seconds. A `status` other than 200 makes it an error response, with the message `error` and with
    `headers`, such as `retry-after`. `cut` breaks the connection before the end. `hang` sends no end, and keeps the
    connection open until the model is closed.
    """

    text: str = ""
    reasoning: str = ""
    tools: Sequence[ToolCall] = ()
    chunks: int = 1
    delay_s: float = 0.0
    first_delay_s: float = 0.0
    input_tokens: int = 11
    output_tokens: int = 7
    status: int = 200
    error: str = "scripted error"
    headers: Mapping[str, str] = field(factory=dict[str, str])
    cut: bool = False
    hang: bool = False


Script = Callable[[JsonObject], Reply | str | None]
"""Function that returns the reply to a request, given as JSON, or its text; None for the next reply of the queue."""


@explain_calls
class Replies:
    """A queue of replies, and the requests that took them. Any thread may use it."""

    def __init__(self, *replies: Reply | str, script: Script | None = None) -> None:
        self.requests: list[JsonObject] = []
        """The JSON of each request with tools, in order."""
        self._queue: deque[Reply] = deque()
        self._script = script
        self._lock = threading.Lock()
        self.say(*replies)

    def say(self, *replies: Reply | str) -> None:
        """Add replies to the queue. A string is a reply with this text."""
        with self._lock:
            self._queue.extend(_reply_of(reply, "say takes Replies and texts") for reply in replies)

    def clear(self) -> None:
        """Forget the replies that are left, and the requests."""
        with self._lock:
            self._queue.clear()
            self.requests.clear()

    def reply_to(self, request: JsonObject) -> Reply:
        """Return the reply to a request, and take it from the queue."""
        if not request.get("tools"):
            return Reply(text=TITLE)
        with self._lock:
            self.requests.append(request)
            reply = self._scripted(request) if self._script else None
            if reply is None and self._queue:
                reply = self._queue.popleft()
        return reply or Reply(text=f"echo: {_last_user_text(request)}")

    def _scripted(self, request: JsonObject) -> Reply | None:
        """Return what the script returns. If it fails, return an error that the turn raises."""
        try:
            reply = self._script(request) if self._script else None
            wanted = "the script returns a Reply, a text, or None for the next reply of the queue"
            return None if reply is None else _reply_of(reply, wanted)
        except Exception as error:  # noqa: BLE001 # a function of a user may raise anything
            return Reply(status=400, error=failed("the script of the test", error))


def failed(what: str, error: Exception) -> str:
    """Return the message for an error of `what`, and log it with its traceback."""
    logger.error("%s failed", what, exc_info=error, extra=fields(None))
    return f"{what} failed: {type(error).__name__}: {error}"


def _reply_of(given: Any, wanted: str) -> Reply:  # Any: checked here
    if isinstance(given, str):
        return Reply(text=given)
    if not isinstance(given, Reply):
        raise ArgumentError(f"{wanted}, not {given!r:.60}")
    return given


def _last_user_text(request: JsonObject) -> str:
    for message in reversed(request.get("messages", [])):
        if message.get("role") == "user":
            content = message.get("content")
            parts = [{"text": content}] if isinstance(content, str) else content or []
            return "".join(str(part.get("text", "")) for part in parts)
    return ""


def pieces(text: str, count: int) -> list[str]:
    """Return the text in at most `count` pieces."""
    size = max(1, -(-len(text) // max(1, count)))
    return [text[start : start + size] for start in range(0, len(text), size)]
