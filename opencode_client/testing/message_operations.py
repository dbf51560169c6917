"""The operations of a fake server on messages, and those that begin turns."""

from __future__ import annotations

import base64
import json
from typing import Any

from ..model import is_array, is_object
from .connections import EMPTY, Response, json_response
from .handlers import Handlers
from .replies import MODEL_IDS
from .routing import Call, RefusalError, on, refuse
from .server_operations import AGENTS
from .state import Session

_TEXTS = {
    "text": ("text",),
    "file": ("mime", "url"),
    "agent": ("name",),
    "subtask": ("prompt", "description", "agent"),
}
"""The members of parts that must be texts. Source: 1.3.2, 1.18.33."""


class MessageOperations(Handlers):
    """Handles calls for messages and turns."""

    @on("session.messages", "GET", "/session/{sessionID}/message")
    def messages(self, call: Call) -> Any:
        session, query = self.session(call), call.request.query
        with self.state.lock:
            found = [one.to_json() for one in session.messages]
        if "before" in query:
            before = json.loads(base64.urlsafe_b64decode(query["before"] + "=="))
            found = [one for one in found if one["info"]["id"] < before["id"]]
        limit = int(query.get("limit", 0))
        if not limit or len(found) <= limit:
            self.check_readable(found)  # source: 1.18.33 checks only the last page
            return found
        found = found[-limit:]
        last = {"id": found[0]["info"]["id"], "time": found[0]["info"]["time"]["created"]}
        cursor = base64.urlsafe_b64encode(json.dumps(last).encode()).decode().rstrip("=")
        return json_response(found, headers={"x-next-cursor": cursor})

    @on("session.message", "GET", "/session/{sessionID}/message/{messageID}")
    def message_get(self, call: Call) -> Any:
        found = self.message(call).to_json()
        self.check_readable([found])
        return found

    @on("session.deleteMessage", "DELETE", "/session/{sessionID}/message/{messageID}")
    def delete_message(self, call: Call) -> Any:
        session = self.session(call)
        with self.state.lock:
            session.messages = [one for one in session.messages if one.id != call.ids[1]]
        self.state.publish(session, "message.removed", messageID=call.ids[1])
        return True

    @on("part.update", "PATCH", "/session/{sessionID}/message/{messageID}/part/{partID}")
    def update_part(self, call: Call) -> Any:
        message, part = self.message(call), call.body
        if (part.get("id"), part.get("messageID")) != (call.ids[2], message.id):
            session_id, message_id, part_id = call.ids
            pairs = {
                "id": ("partID", part_id),
                "messageID": ("messageID", message_id),
                "sessionID": ("sessionID", session_id),
            }
            text = ", ".join(
                f"body.{own}='{part.get(own)}' vs {name}='{one}'" for own, (name, one) in pairs.items()
            )
            text = f"Part mismatch: {text}"
            raise refuse({"_tag": "BadRequest"}, 400) if self.state.is_new else self.failed(text)
        is_new = all(one["id"] != part["id"] for one in message.parts)
        message.parts = [part if one["id"] == part["id"] else one for one in message.parts] + [part] * is_new
        self.state.publish_part(self.session(call), part)
        return part

    @on("part.delete", "DELETE", "/session/{sessionID}/message/{messageID}/part/{partID}")
    def delete_part(self, call: Call) -> Any:
        session, (_, message_id, part_id) = self.session(call), call.ids
        for message in session.messages:  # source: servers ignore the message's id
            message.parts = [one for one in message.parts if one["id"] != part_id]
        self.state.publish(session, "message.part.removed", messageID=message_id, partID=part_id)
        return True

    @on("session.prompt", "POST", "/session/{sessionID}/message")
    def prompt(self, call: Call) -> Any:
        self._check_prompt(call)
        if call.ids[0] not in self.state.sessions and not self.state.is_new:
            return EMPTY  # source: 1.3.2 sends 200 before it checks the session
        session = self.session(call)
        if self._lacks_agent(session, call):
            return self.turns.failed() if self.state.is_new else EMPTY
        if call.body.get("noReply"):
            return self.turns.prompt(session, call.body).to_json()
        return self.turns.answer(session, call.body)

    @on("session.prompt_async", "POST", "/session/{sessionID}/prompt_async")
    def prompt_async(self, call: Call) -> Any:
        self._check_prompt(call)
        if call.ids[0] not in self.state.sessions and not self.state.is_new:
            error = {"name": "UnknownError", "data": {"message": "NotFoundError"}}
            self.state.publish(self.nowhere(call), "session.error", error=error)
            return Response(status=204)
        session = self.session(call)
        if not self._lacks_agent(session, call):
            self.turns.send(session, call.body)
        return Response(status=204)

    def _check_prompt(self, call: Call) -> None:
        if not is_array(call.body.get("parts")):
            raise self.wrong(call, "parts", "array")
        self._check_model(call, call.body.get("model"), "model")
        for number, part in enumerate(call.body["parts"]):
            if not is_object(part) or part.get("type") not in _TEXTS:
                raise self.wrong(call, "parts", "objects with a type")
            for name in _TEXTS[part["type"]]:
                if not isinstance(part.get(name), str):
                    raise self.wrong(call, "parts", "string", index=[number, name])
            if part["type"] == "subtask":
                self._check_model(call, part.get("model"), "parts", number, "model")

    def _check_model(self, call: Call, model: object, name: str, *index: int | str) -> None:
        """Refuse a model that is no object, or lacks an id. It is at `name` and `index` in the body."""
        if model is None:
            return
        if not is_object(model):
            raise self.wrong(call, name, "object | null" if self.state.is_new else "object", index=index)
        for key in MODEL_IDS:
            if not isinstance(model.get(key), str):
                raise self.wrong(call, name, "string", index=[*index, key])

    def _lacks_agent(self, session: Session, call: Call) -> str | None:
        """Publish and return the error of an agent that does not exist."""
        name, names = call.body.get("agent"), [*AGENTS, *self.config.get("agent", {})]
        if name is None or name in names:
            return None
        text = f'Agent not found: "{name}". Available agents: {", ".join(sorted(set(names)))}'
        return self._published(session, text)

    def _published(self, session: Session, text: str) -> str:
        error = {"name": "UnknownError", "data": {"message": text}}
        self.state.publish(session, "session.error", error=error)
        return text

    def _refused(self, text: str) -> RefusalError:
        if self.state.is_new:
            return self.failed(text)
        return refuse({"name": "UnknownError", "data": {"message": text}}, 500)

    @on("session.command", "POST", "/session/{sessionID}/command")
    def command(self, call: Call) -> Any:
        session, body = self.session(call), call.body
        commands = self.config.get("command", {})
        if body.get("command") not in commands:
            text = f'Command not found: "{body.get("command")}". Available commands: {", ".join(commands)}'
            raise self._refused(self._published(session, text))
        if wrong := self._lacks_agent(session, call):
            raise self._refused(wrong)
        text = commands[body["command"]]["template"].replace("$ARGUMENTS", body.get("arguments", "")).strip()
        more = {name: body[name] for name in ("agent", "model", "variant") if body.get(name)}
        answer = self.turns.answer(session, {"parts": [{"type": "text", "text": text}], **more})
        about = {"name": body["command"], "arguments": body.get("arguments", "")}
        self.state.publish(session, "command.executed", **about, messageID=session.messages[-1].id)
        return answer

    @on("session.shell", "POST", "/session/{sessionID}/shell")
    def shell(self, call: Call) -> Any:
        self._check_model(call, call.body.get("model"), "model")
        if call.ids[0] not in self.state.sessions and not self.state.is_new:
            self.state.rest(self.nowhere(call))
        session = self.session(call)
        self.check_idle(session)
        if self.state.is_new:
            self.state.set_status(session, "busy")
        if wrong := self._lacks_agent(session, call):
            self.state.rest(session)
            raise self._refused(wrong)
        return self.turns.shell(session, call.body).to_json()
