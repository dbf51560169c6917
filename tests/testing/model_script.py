"""The replies of the model in the scenes, by a word in the user's text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from opencode_client.model import JsonObject
from opencode_client.testing import Reply, ToolCall

_OPTION = {"label": "A", "description": "a"}
_QUESTIONS = [{"question": f"{one}?", "header": one, "options": [_OPTION]} for one in ("H", "I")]
_TASKS = [{"content": one, "status": one, "priority": "high"} for one in ("pending", "completed")]


def _call(tool: str, **arguments: Any) -> ToolCall:
    return ToolCall(name=tool, arguments=arguments)


def _bash(*commands: str) -> list[ToolCall]:
    return [_call("bash", command=one, description=f"does {one}") for one in commands]


def _task(prompt: str) -> list[ToolCall]:
    return [_call("task", description="d", prompt=prompt, subagent_type="general")]


_READ = _call("read", filePath="a.txt")
_SOON = {"retry-after-ms": "300"}
_FIRST = {
    "#429": Reply(status=429, error="too fast", headers=_SOON),
    "#409": Reply(status=409, error="a conflict", headers=_SOON),
    "#503": Reply(status=503, error="busy", headers=_SOON),
    "#later": Reply(status=429, error="later"),
}
"""Replies that are sent once; the second request has another."""
_REPLIES = {
    "#think": Reply(reasoning="let me think", text="Hello world", chunks=3, delay_s=0.03),
    "#second": Reply(text="second"),  # 1.3.2 changes what the model gets of a prompt that has waited
    "#slow": Reply(text="Hello world", chunks=3, delay_s=0.3),
    "#bash": Reply(text="Let me look.", tools=_bash("echo hi")),
    "#fails": Reply(tools=_bash("echo no; exit 3")),
    "#allowed": Reply(tools=_bash("true")),
    "#denied": Reply(tools=_bash("echo hi; false x")),
    "#alone": Reply(tools=_bash("false")),
    "#brackets": Reply(tools=_bash("false [a]")),
    "#both": Reply(tools=_bash("echo first", "echo second")),
    "#workdir": Reply(tools=[_call("bash", command="cat main.py", description="reads", workdir="src")]),
    "#always": Reply(tools=_bash("printf a", "printf b", "seq 2")),
    "#again": Reply(tools=_bash("printf c")),
    "#two": Reply(tools=[*_bash("echo hi"), _READ]),
    "#read": Reply(tools=[_READ]),
    "#unread": Reply(tools=[_call("read", filePath="nosuch.txt")]),
    "#write": Reply(tools=[_call("write", filePath="new.txt", content="new\n")]),
    "#nosuch": Reply(tools=[_call("nosuch", a=1)]),
    "#badjson": Reply(tools=[ToolCall(name="bash", arguments="{bad")]),
    "#question": Reply(tools=[_call("question", questions=_QUESTIONS)]),
    "#todo": Reply(tools=[_call("todowrite", todos=_TASKS)]),
    "#task": Reply(tools=_task("look")),
    "#asktask": Reply(tools=_task("#bash")),
    "#failtask": Reply(tools=_task("#400")),
    "#subtask": Reply(tools=_task("#hang")),
    "#hang": Reply(text="a part", hang=True),
    "#401": Reply(status=401, error="bad key"),
    "#400": Reply(status=400, error="bad thing"),
    "#structured": Reply(tools=[_call("StructuredOutput", a=1)]),
}


def script() -> Callable[[JsonObject], Reply | None]:
    """Return a script that sends the reply that the user's text names. After a tool, the model replies "done"."""
    left = dict(_FIRST)

    def reply_to(request: JsonObject) -> Reply | None:
        last = request["messages"][-1]
        if last["role"] == "tool":
            return Reply(text=f"done: {len(request['messages'])} {str(last['content'])[-10:]}")
        text = json.dumps(last["content"])
        if first := next((name for name in left if name in text), None):
            return left.pop(first)
        return next((reply for name, reply in reversed(_REPLIES.items()) if name in text), None)

    return reply_to
