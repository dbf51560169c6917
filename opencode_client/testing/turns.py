"""The turns of a fake server: prompts wait in line, the scripted replies answer them, and tools run between.

Source: the events and messages of 1.3.2 and 1.18.33 with a scripted model; tests/live/test_same_as_real.py compares.
"""

from __future__ import annotations

import json
import threading
from itertools import count
from typing import Any
from uuid import uuid4

from attrs import define, evolve, field

from ..model import JsonObject
from .connections import Response, json_response
from .replies import COST, TITLE, Replies, Reply, pieces
from .state import AbortedError, Message, Session, State, empty_tokens, now_ms
from .tools import NAMES, Call, Tools, run_shell

_RETRIED = (408, 409, 429)
_FIRST_RETRY_S, _SENT_S = 2.0, 1.0
_STRUCTURED = "StructuredOutput"


class ModelError(Exception):
    """The model failed, and is not called again. Its argument is the error of the message."""


@define(eq=False)
class _Waiting:
    """A request that waits for the answer of its session's turn."""

    ready: threading.Event = field(factory=threading.Event)
    sent: threading.Event = field(factory=threading.Event)
    answer: Message | None = None


class Turns:
    """Runs the turns of all sessions, one at a time for each session, each in a thread of its own."""

    def __init__(self, state: State, replies: Replies, tools: Tools) -> None:
        self.state = state
        self._replies = replies
        self.tools = tools
        self._threads: dict[str, threading.Thread] = {}
        self._waiting: dict[str, list[_Waiting]] = {}
        tools.run_subagent = self.run_here

    def prompt(self, session: Session, body: JsonObject) -> Message:
        """Add a prompt to a session, as a request has it."""
        state, model = self.state, body.get("model") or _last_model(session)
        if isinstance(model, str):  # as commands have it
            provider_id, _, model_id = model.partition("/")
            model = {"providerID": provider_id, "modelID": model_id}
        agent = body.get("agent") or session.info.get("agent") or "build"
        short = {"id": model["modelID"], "providerID": model["providerID"], "variant": "default"}
        if state.is_new and (session.info.get("agent"), session.info.get("model")) != (agent, short):
            state.touch(session, agent=agent, model=short)
        more = {name: body[name] for name in ("system", "tools") if body.get(name) is not None}
        if body.get("format") is not None:
            more["format"] = {**body["format"], "retryCount": 2}
        about = {"role": "user", "time": {"created": now_ms()}, "agent": agent, "model": model}
        message = state.add_message(session, {**about, **more})
        for part in body["parts"]:
            kept = {
                name: value for name, value in part.items() if part["type"] == "text" or name != "metadata"
            }
            state.add_part(session, message, kept)
        state.touch(session)
        return message

    def answer(self, session: Session, body: JsonObject) -> Response:
        """Add a prompt, run the session's turn, and return its last message when it is over."""
        waiting = _Waiting()
        with self.state.lock:
            self.prompt(session, body)
            self._waiting.setdefault(session.id, []).append(waiting)
            self.start(session)
        waiting.ready.wait()
        if waiting.answer is not None:
            return evolve(json_response(waiting.answer.to_json()), sent=waiting.sent.set)
        return self.failed() if self.state.is_new else Response(headers={"content-type": "application/json"})

    def send(self, session: Session, body: JsonObject) -> None:
        """Add a prompt, and run the session's turn."""
        with self.state.lock:
            self.prompt(session, body)
            self.start(session)

    def shell(self, session: Session, body: JsonObject) -> Message:
        """Run a command that the user has typed, and return its message."""
        state, model, agent = (
            self.state,
            body.get("model") or _last_model(session),
            body.get("agent", "build"),
        )
        state.set_status(session, "busy")
        about = {"time": {"created": now_ms()}, "agent": agent}
        prompt = state.add_message(session, {"role": "user", "model": model, **about})
        session.answered_id = prompt.id
        text = "The following tool was executed by the user"
        state.add_part(session, prompt, {"type": "text", "text": text, "synthetic": True})
        place = {"cwd": session.directory, "root": session.directory}
        used = {"parentID": prompt.id, "mode": agent, "path": place, "cost": 0, "tokens": empty_tokens()}
        message = state.add_message(session, {"role": "assistant", **model, **about, **used})
        times: JsonObject = {"start": now_ms()}
        running: JsonObject = {"status": "running", "input": {"command": body["command"]}, "time": times}
        part = {"type": "tool", "tool": "bash", "callID": uuid4().hex, "state": running}
        part = state.add_part(session, message, part)
        output, _ = run_shell(str(body["command"]), session.directory)
        metadata = {"output": output} if state.is_new else {"output": output, "description": ""}
        part["state"] = {**running, "metadata": metadata}
        state.publish_part(session, part)
        message.info["time"] = {**message.info["time"], "completed": now_ms()}
        state.publish_message(session, message)
        end: JsonObject = {"status": "completed", "title": "", "output": output}
        end["time"] = {**times, "end": now_ms()}
        part["state"] = {**running, "metadata": metadata, **end}
        state.publish_part(session, part)
        state.set_status(session, "idle")
        return message

    def failed(self) -> Response:
        """Return the response of new servers for an error that they did not expect."""
        text = "Unexpected server error. Check server logs for details."
        return json_response({"name": "UnknownError", "data": {"message": text, "ref": "err_fake"}}, 500)

    def start(self, session: Session) -> None:
        """Run the session's turn in a thread, unless it runs."""
        with self.state.lock:
            if session.id not in self._threads:
                thread = threading.Thread(
                    target=self._run, args=(session,), name="opencode-fake-turn", daemon=True
                )
                self._threads[session.id] = thread
                thread.start()

    def close(self) -> None:
        """Wait until all turns have ended. The state is closed before."""
        for thread in list(self._threads.values()):
            if thread is not threading.current_thread():
                thread.join()

    def run_here(self, session: Session, body: JsonObject) -> str:
        """Run the turn of a subagent in this thread, and return its text."""
        self.prompt(session, body)
        self._turn(session)
        if session.is_aborted:
            raise AbortedError
        return "".join(part["text"] for part in session.messages[-1].parts if part["type"] == "text")

    def _run(self, session: Session) -> None:
        while True:
            self._turn(session)
            with self.state.lock:
                if not session.is_open or self.state.is_closed:
                    del self._threads[session.id]
                    waiting = self.take_waiting(session)
                    break
        self.respond(waiting, None)

    def _turn(self, session: Session) -> None:
        state, step = self.state, None
        session.is_aborted, session.is_running = False, True
        while True:
            state.set_status(session, "busy")
            with state.lock:
                prompt, is_open = [one for one in session.messages if one.is_user][-1], session.is_open
                session.answered_id = prompt.id
            if not is_open and session.messages[-1].info.get("finish") != "tool-calls":
                break
            try:
                step = Step(self, session, prompt)
            except ModelError as error:  # the model does not exist
                state.publish(session, "session.error", error=error.args[0])
                self.respond(self.take_waiting(session), None)
                break
            if not step.run():
                break
        session.is_running = False
        if not state.is_closed:
            state.set_status(session, "idle")
            if step is not None and "error" not in step.message.info:
                step.summarize()

    def take_waiting(self, session: Session) -> list[_Waiting]:
        """Return the requests that wait for the end of the session's turn, and remove them."""
        with self.state.lock:
            return self._waiting.pop(session.id, [])

    def respond(self, waiting: list[_Waiting], message: Message | None) -> None:
        """Let requests have their answer, and wait until it is sent: servers publish the end of a turn after it."""
        for one in waiting:
            one.answer = message
            one.ready.set()
        for one in waiting:
            if message is not None:
                one.sent.wait(_SENT_S)

    def reply_to(self, session: Session, prompt: Message) -> Reply:
        """Return the model's reply to the session's messages."""
        return self._replies.reply_to(_request(session, prompt))


class Step:
    """One response of the model, with the calls of tools in it: one message."""

    def __init__(self, turns: Turns, session: Session, prompt: Message) -> None:
        model, agent = prompt.info["model"], prompt.info["agent"]
        if model != {**model, **_MODEL}:
            text = f"Model not found: {model['providerID']}/{model['modelID']}."
            raise ModelError({"name": "UnknownError", "data": {"message": text}})
        self._turns, self._state, self._session, self._prompt = turns, turns.state, session, prompt
        is_first = session.messages[-1].is_user
        place = {"cwd": session.directory, "root": session.directory}
        about = {"role": "assistant", "parentID": prompt.id, "mode": agent, "agent": agent, "path": place}
        used = {"cost": 0, "tokens": empty_tokens(), "time": {"created": now_ms()}}
        self.message = self._state.add_message(session, {**about, **_MODEL, **used})
        self._texts: dict[str, str] = {}
        if is_first and session.info["title"].startswith("New session - "):
            self._state.touch(session, title=TITLE)
        self.summarize()

    def run(self) -> bool:
        """Run the step. Return True if the turn goes on."""
        session, state, info = self._session, self._state, self.message.info
        calls: list[Call] = []
        try:
            state.set_status(session, "busy")
            reply, calls = self._reply()
            self._turns.tools.finish(calls)
            self._finish(reply, calls)
        except AbortedError:
            if state.is_closed:
                return False
            self._abort()
        except ModelError as error:
            self._fail(error.args[0])
        is_over = "error" in info or any(call.stops for call in calls)
        with state.lock:
            info["time"] = {**info["time"], "completed": now_ms()}
            is_last = (is_over or not calls) and not session.is_open
            waiting = self._turns.take_waiting(session) if is_last else []
        self._turns.respond(waiting, self.message)
        state.publish_message(session, self.message)
        return not is_over

    def _reply(self) -> tuple[Reply, list[Call]]:
        session, state = self._session, self._state
        for attempt in count(1):
            reply = self._turns.reply_to(session, self._prompt)
            state.pause(session, reply.first_delay_s)
            text = reply.error
            if reply.status == 200:
                calls = self._stream(reply)
                if not reply.cut:
                    return reply, calls
                text = "Connection reset by server"
            elif reply.status < 500 and reply.status not in _RETRIED:
                raise ModelError(_api_error(reply))
            delay_s = _delay_s(reply, attempt)
            next_ms = now_ms() + round(delay_s * 1000)
            state.set_status(session, "retry", attempt=attempt, message=text, next=next_ms)
            state.pause(session, delay_s)
            state.set_status(session, "busy")
        raise AssertionError

    def _stream(self, reply: Reply) -> list[Call]:
        session, state = self._session, self._state
        self._add({"type": "step-start", "snapshot": "fake"})
        for kind, text, chunks in (("reasoning", reply.reasoning, 1), ("text", reply.text, reply.chunks)):
            if text:
                part = self._add({"type": kind, "text": "", "time": {"start": now_ms()}})
                self._texts[part["id"]] = ""
                for piece in pieces(text, chunks):
                    self._texts[part["id"]] += piece
                    ids = {"messageID": self.message.id, "partID": part["id"]}
                    state.publish(session, "message.part.delta", **ids, field="text", delta=piece)
                    state.pause(session, reply.delay_s)
                if kind == "reasoning" and state.is_new:
                    self._end_texts()
        calls: list[Call] = []
        for index, tool in enumerate(reply.tools):
            part = {"type": "tool", "tool": tool.name, "callID": f"call_{index}"}
            part = self._add({**part, "state": {"status": "pending", "input": {}, "raw": ""}})
            calls.append(self._turns.tools.begin(session, self.message, part, tool))
            state.pause(session, reply.delay_s)
        if reply.hang:
            state.pause(session, None)
        self._end_texts()
        return calls

    def _add(self, part: JsonObject) -> JsonObject:
        return self._state.add_part(self._session, self.message, part)

    def _end_texts(self) -> None:
        for part in self.message.parts:
            if part["id"] in self._texts:
                part["text"] = self._texts.pop(part["id"])
                part["time"] = {**part["time"], "end": now_ms()}
                self._state.publish_part(self._session, part)

    def _finish(self, reply: Reply, calls: list[Call]) -> None:
        cost = (reply.input_tokens * COST["input"] + reply.output_tokens * COST["output"]) / 1e6
        total = reply.input_tokens + reply.output_tokens
        used = {"total": total, "input": reply.input_tokens, "output": reply.output_tokens}
        tokens = {**empty_tokens(), **used}
        finish = "tool-calls" if calls else "stop"
        end = {"type": "step-finish", "reason": finish, "snapshot": "fake", "cost": cost, "tokens": tokens}
        self._add(end)
        info, whole = self.message.info, self._session.info
        info.update(finish=finish, cost=cost, tokens=tokens)
        self._state.publish_message(self._session, self.message)
        if self._state.is_new:
            sums = {name: whole["tokens"][name] + tokens[name] for name in ("input", "output")}
            whole.update(cost=whole["cost"] + cost, tokens={**whole["tokens"], **sums})
        if "format" in self._prompt.info:
            found = [call for call in calls if call.name == _STRUCTURED]
            if found:
                info["structured"] = found[0].arguments
            elif not calls:
                data = {"message": "Model did not produce structured output", "retries": 0}
                info["error"] = {"name": "StructuredOutputError", "data": data}

    def _fail(self, error: JsonObject) -> None:
        self.message.info["error"] = error
        self._state.publish(self._session, "session.error", error=error)
        self._state.set_status(self._session, "idle")

    def _abort(self) -> None:
        self._fail(self._state.abort_error())
        self._end_texts()
        for part in self.message.parts:
            if part["type"] == "tool" and part["state"]["status"] in ("pending", "running"):
                part["state"] = self._turns.tools.aborted(part["state"])
                self._state.publish_part(self._session, part)

    def summarize(self) -> None:
        """Publish the changes of files, which a fake server does not have."""
        session, state = self._session, self._state
        state.touch(session, summary={"additions": 0, "deletions": 0, "files": 0})
        state.publish(session, "session.diff", diff=[])
        self._prompt.info["summary"] = {"diffs": []}
        state.publish_message(session, self._prompt)


_MODEL = {"providerID": "scripted", "modelID": "scripted-1"}


def _last_model(session: Session) -> JsonObject:
    found = [one.info["model"] for one in session.messages if one.is_user]
    return dict(found[-1] if found else _MODEL)


def _delay_s(reply: Reply, attempt: int) -> float:
    headers = {name.lower(): value for name, value in reply.headers.items()}
    if "retry-after-ms" in headers:
        return float(headers["retry-after-ms"]) / 1000
    return float(headers["retry-after"]) if "retry-after" in headers else _FIRST_RETRY_S * 2 ** (attempt - 1)


def _api_error(reply: Reply) -> JsonObject:
    body = json.dumps({"error": {"message": reply.error, "type": "scripted"}})
    more = {"responseHeaders": {**reply.headers}, "responseBody": body, "metadata": {"url": "fake"}}
    data = {"message": reply.error, "statusCode": reply.status, "isRetryable": False, **more}
    return {"name": "APIError", "data": data}


def _request(session: Session, prompt: Message) -> JsonObject:
    """Return the request to the model, in the form of the OpenAI-compatible protocol."""
    messages: list[JsonObject] = [{"role": "system", "content": "You are a fake opencode."}]
    for one in session.messages:
        messages += _user(one) if one.is_user else _assistant(one)
    names = [*NAMES, *([_STRUCTURED] if "format" in prompt.info else [])]
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"model": "scripted-1", "messages": messages, "tools": tools, "stream": True}


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
