"""The requests of a fake server to its scripted model, in the form of the OpenAI-compatible protocol. No I/O."""

from __future__ import annotations

import json
from typing import Any

from ..model import JsonObject
from .state import Message, Session
from .tools import NAMES, STRUCTURED


def request_of(session: Session, prompt: Message) -> JsonObject:
    """Return the request for the next message of a session."""
    messages: list[JsonObject] = [{"role": "system", "content": "You are a fake opencode."}]
    for one in session.messages:
        messages += _user(one) if one.is_user else _assistant(one)
    disabled = disabled_by(session, prompt)
    names = [
        *(one for one in NAMES if one not in disabled),
        *([STRUCTURED] if "format" in prompt.info else []),
    ]
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"model": "scripted-1", "messages": messages, "tools": tools, "stream": True}


def disabled_by(session: Session, prompt: Message) -> list[str]:
    """Return the tools that a prompt has turned off, and those that the rules of its session always deny."""
    rules = session.info.get("permission", [])
    denied = [one["permission"] for one in rules if (one["pattern"], one["action"]) == ("*", "deny")]
    return denied + [name for name, is_on in prompt.info.get("tools", {}).items() if not is_on]


def _user(message: Message) -> list[JsonObject]:
    parts = [one for one in message.parts if not one.get("ignored")]
    content: list[JsonObject] = [
        {"type": "text", "text": part["text"]}
        if part["type"] == "text"
        else {"type": "image_url", "image_url": {"url": part.get("url", "")}}
        for part in parts
    ]
    is_text = len(content) == 1 and "text" in content[0]
    return [{"role": "user", "content": content[0]["text"] if is_text else content}] if content else []


def _assistant(message: Message) -> list[JsonObject]:
    text = "".join(part["text"] for part in message.parts if part["type"] == "text")
    tools = [part for part in message.parts if part["type"] == "tool"]
    calls: list[JsonObject] = []
    results: list[JsonObject] = []
    for part in tools:
        state: Any = part["state"]  # Any: JSON
        function = {"name": part["tool"], "arguments": json.dumps(state["input"])}
        calls.append({"id": part["callID"], "type": "function", "function": function})
        result = state.get("output", state.get("error", ""))
        results.append({"role": "tool", "tool_call_id": part["callID"], "content": result})
    if not (text or calls):
        return []
    called = {"tool_calls": calls} if calls else {}
    return [{"role": "assistant", "content": text, **called}, *results]
