"""Prepare a server for the examples of the reference: a file, a turn, and for some an open request."""

from __future__ import annotations

from pathlib import Path

from opencode_client import OpencodeClient
from opencode_client.models import EventPermissionAsked, EventQuestionAsked
from opencode_client.testing import FakeServer, Reply, ScriptedModel, ToolCall

_QUESTION = {"question": "Which?", "header": "Which", "options": [{"label": "A", "description": "a"}]}
_ASKS = {
    "POST /permission/{requestID}/reply": ToolCall(
        name="bash", arguments={"command": "true", "description": "Nothing"}
    ),
    "POST /question/{requestID}/reply": ToolCall(name="question", arguments={"questions": [_QUESTION]}),
}


def prepare_example(
    operation: str, client: OpencodeClient, model: FakeServer | ScriptedModel, directory: Path
) -> None:
    """Wait until the server has what the example of an operation reads."""
    (directory / "notes.md").write_text("# Notes\n", encoding="utf-8")
    ask = _ASKS.get(operation)
    if ask is None:
        client.run("Hi")
        return
    model.say(Reply(text="Hello.", tools=[ask]))
    with client.event.subscribe() as events:
        client.session.prompt_async(client.session.create().id, parts=[{"type": "text", "text": "Go."}])
        next(event for event in events if isinstance(event, EventPermissionAsked | EventQuestionAsked))
