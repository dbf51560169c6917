"""The operations of a fake server on permissions and questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import JsonObject, is_array
from .handlers import Handlers
from .routing import Call, on, refuse
from .rules import matches, rules_of
from .state import Ask

_REPLIES = ("once", "always", "reject")


class AskOperations(Handlers):
    """Handles calls for permissions and questions."""

    @on("permission.list", "GET", "/permission")
    def permissions(self, call: Call) -> Any:
        return self._asks(self.state.permissions, call)

    @on("question.list", "GET", "/question")
    def questions(self, call: Call) -> Any:
        return self._asks(self.state.questions, call)

    def _asks(self, book: Mapping[str, Ask], call: Call) -> list[JsonObject]:
        with self.state.lock:
            sessions = {one.id for one in self.state.in_directory(call.directory)}
            return [one.info for one in book.values() if one.info["sessionID"] in sessions]

    @on("permission.reply", "POST", "/permission/{requestID}/reply")
    def reply(self, call: Call) -> Any:
        return self._reply(call.ids[0], self._checked(call, "reply"), call.body.get("message"))

    @on("permission.respond", "POST", "/session/{sessionID}/permissions/{permissionID}")
    def respond(self, call: Call) -> Any:
        reply = self._checked(call, "response")
        if self.state.is_new:
            self.session(call)
        return self._reply(call.ids[1], reply, None)

    def _checked(self, call: Call, name: str) -> str:
        """Return the reply to a permission."""
        reply = call.body.get(name)
        if reply not in _REPLIES:
            raise self.wrong(call, name, " | ".join(f'"{one}"' for one in _REPLIES), _REPLIES)
        return str(reply)

    def _reply(self, ask_id: str, reply: str, message: str | None) -> bool:
        state, ask = self.state, self.state.permissions.get(ask_id)
        if ask is None:
            return self._no_ask("Permission", ask_id)
        session = state.sessions[ask.info["sessionID"]]
        asks = [one for one in state.permissions.values() if one.info["sessionID"] == session.id]
        others = [one for one in asks if one is not ask]
        if reply == "always":
            approved = state.approved.setdefault(session.directory, [])
            approved += rules_of({ask.info["permission"]: dict.fromkeys(ask.info["always"], "allow")})
            others = [one for one in others if matches(one, approved)]
        self._close(ask, reply, message)
        for one in others if reply != "once" else ():
            self._close(one, reply, None)
        return True

    def _close(self, ask: Ask, reply: str, message: str | None) -> None:
        session = self.state.sessions[ask.info["sessionID"]]
        self.state.publish(session, "permission.replied", requestID=ask.info["id"], reply=reply)
        self.turns.tools.reply(ask, reply, message)

    def _no_ask(self, kind: str, ask_id: str) -> bool:
        if not self.state.is_new:
            return True
        text = f"{kind} request not found: {ask_id}"
        raise refuse({"_tag": f"{kind}NotFoundError", "requestID": ask_id, "message": text}, 404)

    @on("question.reply", "POST", "/question/{requestID}/reply")
    def answer(self, call: Call) -> Any:
        answers = call.body.get("answers")
        if not is_array(answers):
            raise self.wrong(call, "answers", "array")
        for number, one in enumerate(answers):
            if not is_array(one):
                kind = "QuestionAnswer" if self.state.is_new else "array"
                raise self.wrong(call, "answers", kind, index=[number])
            wrong = next((at for at, text in enumerate(one) if not isinstance(text, str)), None)
            if wrong is not None:
                raise self.wrong(call, "answers", "string", index=[number, wrong])
        return self._answer(call.ids[0], answers)

    @on("question.reject", "POST", "/question/{requestID}/reject")
    def reject(self, call: Call) -> Any:
        return self._answer(call.ids[0], None)

    def _answer(self, ask_id: str, answers: list[Any] | None) -> bool:
        ask = self.state.questions.get(ask_id)
        if ask is None:
            return self._no_ask("Question", ask_id)
        session = self.state.sessions[ask.info["sessionID"]]
        more = {} if answers is None else {"answers": answers}
        kind = "question.rejected" if answers is None else "question.replied"
        self.state.publish(session, kind, requestID=ask_id, **more)
        self.turns.tools.reply(ask, answers)
        return True
