"""The tools of a fake server: their permissions, their work in the session's directory, their output for the model.

Source: tools of 1.3.2 and 1.18.33. `bash`, `read` and `write` do what they say; other tools return an empty text.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from ..model import JsonObject, is_object
from ..wildcards import matches_wildcard
from .replies import ToolCall, failed
from .rules import ALLOWED, action_for, rules_of, wanted_by
from .state import Ask, Message, Session, State, now_ms

NAMES = (
    "bash", "edit", "glob", "grep", "invalid", "question", "read", "skill", "task", "todowrite", "webfetch", "write",
)  # fmt: skip
_OLD_NAMES = (
    "invalid", "question", "bash", "read", "glob", "grep", "edit", "write", "task", "webfetch", "todowrite", "skill",
)  # fmt: skip
STRUCTURED = "StructuredOutput"
"""The tool that the model gets for a prompt with a JSON schema."""
_BASH_S = 120
_DENIED = "The user has specified a rule which prevents you from using this specific tool call."
_REJECTED = "The user rejected permission to use this specific tool call"
Replacement = Callable[[JsonObject], str]
"""Function that replaces a tool: it gets the arguments, and returns the output."""


class ToolError(Exception):
    """A tool failed; its argument is the message. The model gets it."""


@frozen
class Result:
    """The output of a tool."""

    output: str = ""
    title: str = ""
    metadata: JsonObject = field(factory=dict[str, Any])


@define(eq=False)
class Call:
    """A call of a tool that has begun. `stops` is True if the turn ends with it."""

    session: Session
    message: Message
    part: JsonObject
    name: str
    arguments: JsonObject
    ask: Ask | None = None
    stops: bool = False
    denied_by: list[JsonObject] | None = None

    @property
    def is_ready(self) -> bool:
        """True if the call does not wait for a person."""
        return self.ask is None or self.ask.is_over


class Tools:
    """Begins and finishes calls of tools. `rules` are opencode's permissions, in their order."""

    run_subagent: Callable[[Session, JsonObject], str]

    def __init__(self, state: State, permission: Any, replacements: Mapping[str, Replacement]) -> None:
        self._state = state
        self._rules = rules_of(permission)
        self._replacements = replacements

    def begin(
        self, session: Session, message: Message, part: JsonObject, tool: ToolCall, disabled: Sequence[str]
    ) -> Call:
        """Begin a call: publish its ask, if it has one, and its state."""
        call = Call(session, message, part, *self._read(tool, disabled))
        part["tool"] = call.name
        call.ask = self._ask(call)
        is_free = call.name == "bash" and call.ask is None and call.denied_by is None
        if not (self._state.is_new and (call.name == "task" or is_free)):  # these publish more themselves
            self._publish(call, "running", {})
        return call

    def finish(self, calls: Sequence[Call]) -> None:
        """Finish the calls. A call that waits for a person is finished when it is answered. Raises AbortedError."""
        left = list(calls)
        while left:
            self._state.wait(left[0].session, lambda: any(one.is_ready for one in left))
            call = next(one for one in left if one.is_ready)
            left.remove(call)
            try:
                result = self._result(call)
            except ToolError as error:
                kept = {name: value for name, value in call.part["state"].items() if name == "metadata"}
                more: JsonObject = {"error": str(error), **kept}
                status = "error"
            else:
                shown = {} if call.name == STRUCTURED else {"truncated": False}
                more = {"output": result.output, "title": result.title}
                more["metadata"] = {**result.metadata, **shown}
                status = "completed"
            self._publish(call, status, {**more, "time": {**_begun(call.part), "end": now_ms()}})

    def aborted(self, part: JsonObject) -> JsonObject:
        """Return the state of a call that was aborted."""
        state, error = part["state"], "Tool execution aborted"
        more: JsonObject = {"metadata": {"interrupted": True}} if self._state.is_new else {}
        if self._state.is_new and part["tool"] == "task":
            error, more = "Task cancelled", {"metadata": state["metadata"]}
        times = {**_begun(part), "end": now_ms()}
        return {"status": "error", "input": state["input"], "error": error, "time": times, **more}

    def reply(self, ask: Ask, reply: Any, message: str | None = None) -> None:  # Any: JSON
        """Close an ask with its reply, and wake the turn that waits for it."""
        state = self._state
        with state.changed:
            ask.is_over, ask.reply, ask.message = True, reply, message
            for book in (state.permissions, state.questions):
                book.pop(ask.info["id"], None)
            state.changed.notify_all()

    def _publish(self, call: Call, status: str, more: JsonObject) -> None:
        times = {"time": {"start": now_ms()}}
        call.part["state"] = {"status": status, "input": call.arguments, **times, **more}
        self._state.publish_part(call.session, call.part)

    def _read(self, tool: ToolCall, disabled: Sequence[str]) -> tuple[str, JsonObject]:
        """Return the name and the arguments; those of the tool `invalid` if they are wrong."""
        arguments: Any = tool.arguments  # Any: JSON
        if isinstance(arguments, str):
            try:
                arguments = json.loads(arguments)
            except ValueError:
                text = (
                    f"JSON parsing failed: Text: {arguments}.\nError message: JSON Parse error: Expected '}}'"
                )
                return "invalid", {"tool": tool.name, "error": f"Invalid input for tool {tool.name}: {text}"}
        is_structured = tool.name == STRUCTURED
        if not is_structured and (tool.name not in (*NAMES, *self._replacements) or tool.name in disabled):
            known = NAMES if self._state.is_new else _OLD_NAMES
            names = ", ".join(one for one in known if one not in disabled)
            text = f"Model tried to call unavailable tool '{tool.name}'. Available tools: {names}."
            return "invalid", {"tool": tool.name, "error": text}
        return tool.name, arguments if is_object(arguments) else {}

    def _ask(self, call: Call) -> Ask | None:
        state, book, arguments = self._state, self._state.permissions, call.arguments
        if call.name == "question":
            book, kind = state.questions, "question"
            about: JsonObject = {"questions": arguments.get("questions", [])}
        else:
            kind, wanted = "permission", wanted_by(call.name, arguments)
            approved = state.approved.get(call.session.directory, ())
            rules = [*self._rules, *call.session.info.get("permission", []), *approved]
            action = action_for(rules, wanted["permission"], wanted["patterns"])
            if action == "deny":
                call.denied_by = [
                    one for one in rules if matches_wildcard(wanted["permission"], one["permission"])
                ]
            if action != "ask":
                return None
            about = wanted if state.is_new else {**wanted, "metadata": {}}
        place = {"messageID": call.message.id, "callID": call.part["callID"]}
        head = {"id": state.new_id(kind[:3]), "sessionID": call.session.id}
        ask = Ask({**head, **about, "tool": place})
        with state.lock:
            book[ask.info["id"]] = ask
        state.events.publish(f"{kind}.asked", call.session.directory, **ask.info)
        return ask

    def _result(self, call: Call) -> Result:
        ask = call.ask
        if call.denied_by is not None:
            rules = json.dumps([ALLOWED, *call.denied_by], separators=(",", ":"))
            raise ToolError(f"{_DENIED} Here are some of the relevant rules {rules}")
        if ask is not None:
            if call.name == "question" and ask.reply is None:
                call.stops = True
                raise ToolError("The user dismissed this question")
            if ask.reply == "reject":
                call.stops = ask.message is None
                why = f" with the following feedback: {ask.message}" if ask.message else "."
                raise ToolError(f"{_REJECTED}{why}")
        if call.name in self._replacements:
            return Result(self._replaced(call), call.name)
        run = getattr(self, f"_run_{call.name.lower()}", None)
        result: Result = run(call) if run else Result()
        return result

    def _replaced(self, call: Call) -> str:
        """Return the output of the user's function."""
        try:
            return self._replacements[call.name](call.arguments)
        except Exception as error:  # a function of a user may raise anything
            raise ToolError(failed("the function for this tool", error)) from error

    def _run_bash(self, call: Call) -> Result:
        command = str(call.arguments.get("command", ""))
        about = {} if self._state.is_new else {"description": call.arguments.get("description", "")}
        times = {"time": _begun(call.part)}
        self._publish(call, "running", {"metadata": {"output": "", **about}, **times})
        place = Path(call.session.directory, str(call.arguments.get("workdir") or ""))
        output, code = run_shell(command, str(place))
        output = output or ("(no output)" if self._state.is_new else "")
        self._publish(call, "running", {"metadata": {"output": output, **about}, **times})
        title = command if self._state.is_new else str(call.arguments.get("description", ""))
        return Result(output, title, {"output": output, "exit": code, **about})

    def _run_read(self, call: Call) -> Result:
        path = Path(call.session.directory, str(call.arguments.get("filePath", "")))
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise ToolError(f"File not found: {path}") from error
        call.session.files.add(path)
        numbered = "".join(f"{number}: {line}\n" for number, line in enumerate(lines, 1))
        text, count = "\n".join(lines), len(lines)
        gap, more = ("\n", self._display(path, text, count)) if self._state.is_new else ("", {})
        content = f"<content>{gap}{numbered}\n(End of file - total {count} lines)\n</content>"
        metadata: JsonObject = {"preview": text, "truncated": False, "loaded": [], **more}
        return Result(f"<path>{path}</path>\n<type>file</type>\n{content}", path.name, metadata)

    def _display(self, path: Path, text: str, count: int) -> JsonObject:
        lines = {"lineStart": 1, "lineEnd": count, "totalLines": count}
        return {"display": {"type": "file", "path": str(path), "text": text, **lines, "truncated": False}}

    def _run_write(self, call: Call) -> Result:
        name = str(call.arguments.get("filePath", ""))
        path = Path(call.session.directory, name)
        exists, files = path.exists(), call.session.files
        if exists and not self._state.is_new and path not in files:
            raise ToolError(f"You must read file {path} before overwriting it. Use the Read tool first")
        files.add(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(call.arguments.get("content", "")), encoding="utf-8")
        events, directory = self._state.events, call.session.directory
        events.publish("file.edited", directory, file=str(path))
        kind = "change" if exists else "add"
        events.publish("file.watcher.updated", directory, file=str(path), event=kind)
        about: JsonObject = {"diagnostics": {}, "filepath": str(path), "exists": exists}
        return Result("Wrote file successfully.", name, about)

    def _run_question(self, call: Call) -> Result:
        answers: Any = call.ask.reply if call.ask else []  # Any: JSON
        questions: Any = call.arguments.get("questions", [])  # Any: JSON
        padded: list[Any] = [*answers, *([""] * len(questions))]
        pairs = [
            f'"{one["question"]}"="{", ".join(answer) or "Unanswered"}"'
            for one, answer in zip(questions, padded, strict=False)
        ]
        text = f"User has answered your questions: {', '.join(pairs)}."
        title = f"Asked {len(questions)} question{'s' if len(questions) > 1 else ''}"
        return Result(
            f"{text} You can now continue with the user's answers in mind.", title, {"answers": answers}
        )

    def _run_todowrite(self, call: Call) -> Result:
        names = ("content", "status", "priority")
        todos = [{name: one.get(name) for name in names} for one in call.arguments.get("todos", [])]
        call.session.todos = todos
        self._state.publish(call.session, "todo.updated", todos=todos)
        unfinished = sum(one["status"] != "completed" for one in todos)
        return Result(json.dumps(todos, indent=2), f"{unfinished} todos", {"todos": todos})

    def _run_task(self, call: Call) -> Result:
        state, arguments, is_new = self._state, call.arguments, self._state.is_new
        agent, title = str(arguments.get("subagent_type")), str(arguments.get("description"))
        denied = [
            {"permission": name, "pattern": "*", "action": "deny"}
            for name in ("todowrite", "todoread")
            if not is_new
        ]
        child = state.create_session(
            call.session.directory,
            parentID=call.session.id,
            title=f"{title} (@{agent} subagent)",
            agent=agent if is_new else None,
            permission=denied,
        )
        model = {"modelID": "scripted-1", "providerID": "scripted"}
        about: JsonObject = {"parentSessionId": call.session.id} if is_new else {}
        about |= {"sessionId": child.id, "model": model}
        if is_new:
            self._publish(call, "running", {"title": title, "metadata": about})
        prompt: JsonObject = {"agent": agent, "parts": [{"type": "text", "text": arguments["prompt"]}]}
        if not is_new:
            prompt["tools"] = {one["permission"]: False for one in denied}
        text = self.run_subagent(child, prompt)
        if is_new and (why := _failure(child.messages[-1])):
            raise ToolError(f"Subagent failed (task_id: {child.id}): {why}")
        result = f"<task_result>\n{text}\n</task_result>"
        old = f"task_id: {child.id} (for resuming to continue this task if needed)\n\n{result}"
        new = f'<task id="{child.id}" state="completed">\n{result}\n</task>'
        return Result(new if is_new else old, title, about)

    def _run_invalid(self, call: Call) -> Result:
        return Result(
            f"The arguments provided to the tool are invalid: {call.arguments['error']}", "Invalid Tool"
        )

    def _run_structuredoutput(self, call: Call) -> Result:
        call.stops = True
        return Result("Structured output captured successfully.", "Structured Output", {"valid": True})


def run_shell(command: str, directory: str) -> tuple[str, int]:
    """Run a command of the shell, and return its output and its exit code."""
    done = subprocess.run(  # noqa: S602 # the test has written the command
        command,
        shell=True,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=_BASH_S,
        check=False,
    )
    return done.stdout, done.returncode


def _failure(message: Message) -> str:
    """Return the error that has ended a subagent's turn; "" if there is none."""
    if "error" in message.info:
        return str(message.info["error"]["data"]["message"])
    states = [part["state"] for part in message.parts if part["type"] == "tool"]
    return next((str(state["error"]) for state in states if state["status"] == "error"), "")


def _begun(part: JsonObject) -> JsonObject:
    """Return the time at which a call began."""
    times: JsonObject = part["state"].get("time", {"start": now_ms()})
    return times
