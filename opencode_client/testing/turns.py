"""The turns of a fake server: prompts are queued, scripted replies answer them, and tools run in between.

Source: the events and messages of 1.3.2 and 1.18.33; tests/testing/test_same_as_real.py compares them.
"""

from __future__ import annotations

import threading
from uuid import uuid4

from attrs import define, evolve, field

from ..model import JsonObject
from .connections import EMPTY, Response, json_response
from .replies import MODEL_IDS, Replies
from .state import AbortedError, Message, Session, State, empty_tokens, now_ms
from .step import ModelError, Step
from .tools import Tools, run_shell

_SENT_S = 1.0


@define(eq=False)
class _Waiting:
    """A request that waits for the answer of its session's turn."""

    ready: threading.Event = field(factory=threading.Event)
    sent: threading.Event = field(factory=threading.Event)
    answer: Message | None = None


class Turns:
    """Runs the turns of all sessions, one at a time for each session, each in a thread of its own."""

    def __init__(self, state: State, replies: Replies, tools: Tools) -> None:
        self.state: State = state
        self.replies: Replies = replies
        self.tools: Tools = tools
        self._threads: dict[str, threading.Thread] = {}
        self._waiting: dict[str, list[_Waiting]] = {}
        tools.run_subagent = self.run_here

    def prompt(self, session: Session, body: JsonObject) -> Message:
        """Add the prompt of a request to a session."""
        state, model = self.state, body.get("model") or _last_model(session)
        if "revert" in session.info:
            self._remove_reverted(session)
        if isinstance(model, str):  # in the body of a command
            provider_id, _, model_id = model.partition("/")
            model = {"providerID": provider_id, "modelID": model_id}
        agent = body.get("agent") or "build"
        model = {name: model[name] for name in MODEL_IDS}
        more = {name: body[name] for name in ("system", "tools", "variant") if body.get(name) is not None}
        variant = body.get("variant") or "default"
        short = {"id": model["modelID"], "providerID": model["providerID"], "variant": variant}
        if state.is_new and "variant" in more:
            model["variant"] = more.pop("variant")
        if state.is_new and (session.info.get("agent"), session.info.get("model")) != (agent, short):
            state.touch(session, agent=agent, model=short)
        if "tools" in more:  # they apply to later prompts, too
            actions = {name: "allow" if is_on else "deny" for name, is_on in more["tools"].items()}
            rules = [{"permission": one, "pattern": "*", "action": to} for one, to in actions.items()]
            state.touch(session, permission=rules)
        if body.get("messageID"):
            more["id"] = body["messageID"]
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

    def _remove_reverted(self, session: Session) -> None:
        """Remove the messages that were reverted. A new prompt makes a revert final."""
        first, state = session.info["revert"]["messageID"], self.state
        for one in [one for one in session.messages if one.id >= first]:
            session.messages.remove(one)
            state.publish(session, "message.removed", messageID=one.id)
        state.touch(session, revert=None)

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
        return self.failed() if self.state.is_new else EMPTY

    def send(self, session: Session, body: JsonObject) -> None:
        """Add a prompt, and run the session's turn."""
        with self.state.lock:
            self.prompt(session, body)
            self.start(session)

    def shell(self, session: Session, body: JsonObject) -> Message:
        """Run a command that the user has typed, and return its message."""
        state, agent = self.state, body.get("agent", "build")
        model = body.get("model") or _last_model(session)
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
        state.rest(session)
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

    def join(self) -> None:
        """Wait until all turns have ended."""
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
                session.is_ending = True
                self.respond(self.take_waiting(session), None)
                break
            if not step.run():
                break
        session.is_running = False
        if not state.is_closed:
            state.rest(session)
            if step is not None and step.is_finished:
                step.summarize()
        with state.changed:
            session.is_ending = False
            state.changed.notify_all()

    def take_waiting(self, session: Session) -> list[_Waiting]:
        """Return the requests that wait for the end of the session's turn, and remove them."""
        with self.state.lock:
            return self._waiting.pop(session.id, [])

    def respond(self, waiting: list[_Waiting], message: Message | None) -> None:
        """Answer requests, and wait until the answers are sent: servers publish the end of a turn after that."""
        for one in waiting:
            one.answer = message
            one.ready.set()
        for one in waiting:
            if message is not None:
                one.sent.wait(_SENT_S)


def _last_model(session: Session) -> JsonObject:
    found = [one.info["model"] for one in session.messages if one.is_user]
    return dict(found[-1] if found else MODEL_IDS)
