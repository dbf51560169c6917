"""The scripted model for the prompts of README.md, docs/turns.md and the examples."""

from __future__ import annotations

import json

from opencode_client.model import JsonObject
from opencode_client.testing import Reply, ToolCall

CONFIG: JsonObject = {"permission": {"bash": "ask", "edit": "ask"}}
"""The configuration of the servers that run them."""


def _bash(command: str) -> Reply:
    return Reply(tools=[ToolCall(name="bash", arguments={"command": command, "description": command})])


_FILE = {
    "question": "Which file?",
    "header": "File",
    "options": [{"label": "a.txt", "description": "a text"}],
}
_TASK = {"description": "look around", "prompt": "Look around.", "subagent_type": "general"}
_REVIEW = {"is_ready": False, "problems": ["It has no tests."]}
_STORIES = {
    "List the files.": [_bash("ls"), Reply(text="Two files.")],
    "What does this project do?": [Reply(text="It returns 42.")],
    "And in one word?": [Reply(text="Answers.")],
    "Compare the two.": [Reply(text="The second one is shorter.")],
    "Review this project.": [Reply(tools=[ToolCall(name="StructuredOutput", arguments=_REVIEW)])],
    "Think, then run the tests.": [
        Reply(reasoning="First the tests.", tools=[_bash("echo 2 passed").tools[0]]),
        Reply(text="All tests pass.", chunks=3, delay_s=0.02),
    ],
    "Ask me which file, then change it.": [
        Reply(tools=[ToolCall(name="question", arguments={"questions": [_FILE]})]),
        _bash("echo changed >> a.txt"),
        Reply(text="I changed a.txt."),
    ],
    "Fix the failing test.": [_bash("echo fixed >> a.txt"), Reply(text="It is fixed.")],
    "Count to a million.": [Reply(text="1, 2, 3", hang=True)],
    "Let a subagent look.": [
        Reply(tools=[ToolCall(name="task", arguments=_TASK)]),
        Reply(text="A subagent looked."),
    ],
    "Look around.": [_bash("echo seen"), Reply(text="I looked around.")],
    "Use the wrong key.": [Reply(status=401, error="bad key")],
    "Review this file.": [Reply(text="It is fine.")],
}


def script(request: JsonObject) -> Reply | None:
    """Return the next reply to the last prompt that the user sent; None if it is in no story."""
    messages = request["messages"]
    last = max(place for place, message in enumerate(messages) if message["role"] == "user")
    step = sum(message["role"] == "assistant" for message in messages[last:])
    text = json.dumps(messages[last])
    return next((replies[step] for prompt, replies in _STORIES.items() if prompt in text), None)
