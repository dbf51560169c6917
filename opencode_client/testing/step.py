"""One response of the scripted model on a fake server: its parts, its tools, its errors, and what is published."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING

from ..model import JsonObject
from .events import PROJECT
from .model_requests import disabled_by, request_of
from .replies import COST, MODEL_IDS, TITLE, Reply, failed, pieces
from .state import AbortedError, Message, Session, empty_tokens, now_ms
from .tools import STRUCTURED, Call

if TYPE_CHECKING:
    from .turns import Turns

_RETRIED = (408, 409, 429)
_FIRST_RETRY_S = 2.0


class ModelError(Exception):
    """The model failed, and is not called again. Its argument is the error of the message."""


class Step:
    """One response of the model, with the calls of tools in it: one message."""

    def __init__(self, turns: Turns, session: Session, prompt: Message) -> None:
        model, agent = prompt.info["model"], prompt.info["agent"]
        if model != {**model, **MODEL_IDS}:
            text = f"Model not found: {model['providerID']}/{model['modelID']}."
            raise ModelError({"name": "UnknownError", "data": {"message": text}})
        self._turns, self._state, self._session, self._prompt = turns, turns.state, session, prompt
        is_first = sum(one.is_user for one in session.messages) == 1
        place = {"cwd": session.directory, "root": session.directory}
        about = {"role": "assistant", "parentID": prompt.id, "mode": agent, "agent": agent, "path": place}
        used = {"cost": 0, "tokens": empty_tokens(), "time": {"created": now_ms()}}
        used |= {name: one[name] for one in (model, prompt.info) for name in ("variant",) if name in one}
        self.message: Message = self._state.add_message(session, {**about, **MODEL_IDS, **used})
        self._texts: dict[str, str] = {}
        self.is_finished: bool = False
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
            if not (state.is_new and (session.status or {}).get("type") == "retry"):  # that leaves no error
                self._abort()
        except ModelError as error:
            self._fail(error.args[0])
        except Exception as error:  # noqa: BLE001 # such as a wrong Reply: without an end, its prompt waits for ever
            self._fail({"name": "UnknownError", "data": {"message": failed("FakeServer", error)}})
        structured = self._structured(calls)
        is_over = session.is_aborted or "error" in {**info, **structured} or any(call.stops for call in calls)
        if structured and not state.is_new:
            info["time"] = {**info["time"], "completed": now_ms()}
            state.publish_message(session, self.message)
        with state.lock:
            info.update(structured, time={**info["time"], "completed": now_ms()})
            is_last = (is_over or not calls) and not session.is_open
            session.is_ending = is_last
            waiting = self._turns.take_waiting(session) if is_last else []
        self._turns.respond(waiting, self.message)
        state.publish_message(session, self.message)
        return not is_over

    def _reply(self) -> tuple[Reply, list[Call]]:
        session, state = self._session, self._state
        for attempt in count(1):
            reply = self._turns.replies.reply_to(request_of(session, self._prompt))
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
        self._add({"type": "step-start", "snapshot": PROJECT})
        state.pause(session, reply.delay_s)
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
            calls.append(
                self._turns.tools.begin(session, self.message, part, tool, disabled_by(session, self._prompt))
            )
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
                text = self._texts.pop(part["id"])
                part["text"] = text if self._state.is_new else text.rstrip()
                part["time"] = {**part["time"], "end": now_ms()}
                self._state.publish_part(self._session, part)

    def _finish(self, reply: Reply, calls: list[Call]) -> None:
        cost = (reply.input_tokens * COST["input"] + reply.output_tokens * COST["output"]) / 1e6
        total = reply.input_tokens + reply.output_tokens
        used = {"total": total, "input": reply.input_tokens, "output": reply.output_tokens}
        tokens = {**empty_tokens(), **used}
        finish = "tool-calls" if calls else "stop"
        end = {"type": "step-finish", "reason": finish, "snapshot": PROJECT, "cost": cost, "tokens": tokens}
        self._add(end)
        self.is_finished = True
        info, whole = self.message.info, self._session.info
        info.update(finish=finish, cost=cost, tokens=tokens)
        self._state.publish_message(self._session, self.message)
        if self._state.is_new:
            answers = [one.info for one in self._session.messages if not one.is_user]
            sums = {name: sum(one["tokens"][name] for one in answers) for name in ("input", "output")}
            whole.update(cost=sum(one["cost"] for one in answers), tokens={**whole["tokens"], **sums})

    def _structured(self, calls: list[Call]) -> JsonObject:
        """Return the members of a message that answers a prompt with a JSON schema."""
        if "format" not in self._prompt.info or not self.is_finished:
            return {}
        found = [call for call in calls if call.name == STRUCTURED]
        if found:
            return {"structured": found[0].arguments}
        data = {"message": "Model did not produce structured output", "retries": 0}
        return {} if calls else {"error": {"name": "StructuredOutputError", "data": data}}

    def _fail(self, error: JsonObject) -> None:
        self.message.info["error"] = error
        self._state.publish(self._session, "session.error", error=error)
        self._state.rest(self._session)

    def _abort(self) -> None:
        self._fail(self._state.abort_error())
        if self._state.is_new:
            self._end_texts()
        for part in self.message.parts:
            if part["type"] == "tool" and part["state"]["status"] in ("pending", "running"):
                part["state"] = self._turns.tools.aborted(part)
                self._state.publish_part(self._session, part)

    def summarize(self) -> None:
        """Publish an empty summary of file changes: a fake server does not track them."""
        session, state = self._session, self._state
        state.touch(session, summary={"additions": 0, "deletions": 0, "files": 0})
        state.publish(session, "session.diff", diff=[])
        # source: 1.18.33 cannot read such a message again
        if not (state.is_new and "format" in self._prompt.info):
            self._prompt.info["summary"] = {"diffs": []}
            state.publish_message(session, self._prompt)


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
