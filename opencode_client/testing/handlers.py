"""The base class of the handlers of a fake server: it finds sessions and messages, and makes error responses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..model import JsonObject
from .routing import Call, RefusalError, refuse
from .state import Message, Session, State
from .turns import Turns

_KINDS: dict[type, str] = {
    type(None): "undefined",
    str: "string",
    bool: "boolean",  # before int, as it is a kind of int
    int: "number",
    float: "number",
    list: "array",
}
"""The names of JavaScript's types."""


class Handlers:
    """Base class of the handlers of operations. `config` is opencode's configuration."""

    def __init__(self, state: State, turns: Turns, config: JsonObject) -> None:
        self.state: State = state
        self.turns: Turns = turns
        self.config: JsonObject = config

    def not_found(self, what: str, value: str) -> RefusalError:
        """Return the error for a session or a message that does not exist."""
        return refuse({"name": "NotFoundError", "data": {"message": f"{what} not found: {value}"}}, 404)

    def failed(self, why: str) -> RefusalError:
        """Return the error that servers send for an unexpected failure."""
        if self.state.is_new:
            return RefusalError(self.turns.failed())
        return refuse({"name": "UnknownError", "data": {"message": f"Error: {why}"}}, 500)

    def wrong(
        self,
        call: Call,
        name: str,
        expected: str,
        values: Sequence[str] = (),
        *,
        index: Sequence[int | str] = (),
    ) -> RefusalError:
        """Return the error for a member of the body that is wrong, or for an item or a member of it."""
        value: Any = call.body.get(name)  # Any: JSON
        path = [name, *index]
        for one in index:
            value = value.get(one) if isinstance(one, str) else value[one]
        if self.state.is_new:
            got = "Missing key" if value is None else f"Expected {expected}, got {json.dumps(value)}"
            text = f"{got}\n  at {''.join(f'[{json.dumps(one)}]' for one in path)}"
            return refuse({"name": "BadRequest", "data": {"message": text, "kind": "Payload"}}, 400)
        received = next((text for kind, text in _KINDS.items() if isinstance(value, kind)), "object")
        text = f"Invalid input: expected {expected}, received {received}"
        issue = {"code": "invalid_type", "expected": expected, "path": path, "message": text}
        if values:
            text = f"Invalid option: expected one of {'|'.join(json.dumps(one) for one in values)}"
            issue = {"code": "invalid_value", "values": values, "path": path, "message": text}
        return refuse({"data": call.body, "error": [issue], "success": False}, 400)

    def session(self, call: Call) -> Session:
        """Return the session that the path names."""
        session_id = call.ids[0]
        if not session_id.startswith("ses"):
            raise self._malformed(session_id)
        if session_id not in self.state.sessions:
            raise self.not_found("Session", session_id)
        return self.state.sessions[session_id]

    def nowhere(self, call: Call) -> Session:
        """Return a session that does not exist, for events that servers publish anyway."""
        return Session({"id": call.ids[0], "directory": call.directory})

    def message(self, call: Call) -> Message:
        """Return the message that the path names."""
        messages = self.state.sessions[call.ids[0]].messages if call.ids[0] in self.state.sessions else ()
        for message in messages:
            if message.id == call.ids[1]:
                return message
        raise self.not_found("Message", call.ids[1])

    def _malformed(self, session_id: str) -> RefusalError:
        if self.state.is_new:
            return self.failed("")
        text = 'Invalid string: must start with "ses"'
        issue = {"origin": "string", "code": "invalid_format", "format": "starts_with", "prefix": "ses"}
        error = [{**issue, "path": ["sessionID"], "message": text}]
        return refuse({"data": {"sessionID": session_id}, "error": error, "success": False}, 400)

    def check_idle(self, session: Session) -> None:
        """Refuse a call for a session that is busy. Servers do not refuse it after the answer of the turn."""
        self.state.wait_for_end(session)
        if session.is_running and self.state.is_new:
            text = f"Session is busy: {session.id}"
            raise refuse({"_tag": "SessionBusyError", "message": text, "sessionID": session.id}, 409)
        if session.is_running:
            raise self.failed(f"Session {session.id} is busy")

    def check_readable(self, messages: Sequence[JsonObject]) -> None:
        """Refuse to send messages if one is a prompt with a JSON schema, as 1.18.33 does."""
        for number, message in enumerate(messages):
            if self.state.is_new and "format" in message["info"]:
                got = json.dumps(message["info"]["format"], separators=(",", ":"))
                text = f'Expected OutputFormatJsonSchema, got {got}\n  at [{number}]["info"]["format"]'
                raise refuse({"name": "BadRequest", "data": {"message": text, "kind": "Body"}}, 400)
