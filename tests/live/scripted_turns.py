"""Turns for the tests that call all operations: the model's script and the server's configuration."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from opencode_client.model import JsonObject
from opencode_client.testing import Reply, ToolCall

MCP: JsonObject = {
    "type": "local",
    "command": [sys.executable, str(Path(__file__).with_name("mcp_server.py"))],
}
"""The configuration with which servers start our MCP server."""

CONFIG: JsonObject = {
    "permission": {"bash": "ask"},
    "mcp": {"own": MCP},
    "command": {"hi": {"template": "say $ARGUMENTS", "description": "says something"}},
}
MODEL = {"providerID": "scripted", "modelID": "scripted-1"}

_QUESTION = {"question": "Q?", "header": "H", "options": [{"label": "A", "description": "a"}]}
_TASK = {"content": "c", "status": "pending", "priority": "high", "id": "1"}
_TOOLS = {
    "#bash": ToolCall(name="bash", arguments={"command": "echo hi", "description": "says hi"}),
    "#question": ToolCall(name="question", arguments={"questions": [_QUESTION]}),
    "#todo": ToolCall(name="todowrite", arguments={"todos": [_TASK]}),
    "#structured": ToolCall(name="StructuredOutput", arguments={"a": 1}),
}


def script(request: JsonObject) -> Reply | None:
    """Call the tool that the user's text names, then finish the turn. `#endless` never finishes."""
    last = request["messages"][-1]
    if last["role"] == "tool":
        return Reply(text="done")
    text = json.dumps(last)
    if "#endless" in text:
        return Reply(text="on and on", hang=True)
    return next((Reply(tools=[tool]) for name, tool in _TOOLS.items() if name in text), None)
