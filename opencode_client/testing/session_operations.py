"""The operations of a fake server on sessions."""

from __future__ import annotations

import re
from typing import Any

from attrs import evolve

from ..model import JsonObject
from .events import PROJECT
from .handlers import Handlers
from .routing import Call, on, refuse

_LONGEST_PAGE = 100


class SessionOperations(Handlers):
    """Handles calls for sessions."""

    @on("session.list", "GET", "/session")
    def sessions(self, call: Call) -> Any:
        found = [one.info for one in self.state.in_directory(call.directory)]
        return self._listed(call, found)

    @on("experimental.session.list", "GET", "/experimental/session")
    def all_sessions(self, call: Call) -> Any:
        found = [one.info for one in self.state.sessions.values()]
        project = {"id": PROJECT, "worktree": call.directory}
        return [{**info, "project": project} for info in self._listed(call, found)]

    def _listed(self, call: Call, infos: list[JsonObject]) -> list[JsonObject]:
        query = call.request.query
        if query.get("roots") == "true":
            infos = [info for info in infos if "parentID" not in info]
        if "search" in query:
            infos = [info for info in infos if query["search"].lower() in info["title"].lower()]
        if "start" in query:
            infos = [info for info in infos if info["time"]["updated"] >= float(query["start"])]
        return infos[: int(query.get("limit", _LONGEST_PAGE))]

    @on("session.create", "POST", "/session")
    def create(self, call: Call) -> Any:
        title = call.body.get("title")
        if title is not None and not isinstance(title, str):
            is_new = self.state.is_new
            raise refuse({"_tag": "BadRequest"}, 400) if is_new else self.wrong(call, "title", "string")
        names = ("title", "parentID", "permission") + (("agent", "metadata") if self.state.is_new else ())
        return self.state.create_session(call.directory, **{name: call.body.get(name) for name in names}).info

    @on("session.get", "GET", "/session/{sessionID}")
    def get(self, call: Call) -> Any:
        return self.session(call).info

    @on("session.update", "PATCH", "/session/{sessionID}")
    def update(self, call: Call) -> Any:
        session, body = self.session(call), call.body
        with self.state.lock:
            session.info["time"] = {**session.info["time"], **body.get("time", {})}
            session.info.update({name: body[name] for name in ("title", "permission") if name in body})
        self.state.publish_session(session)
        return session.info

    @on("session.delete", "DELETE", "/session/{sessionID}")
    def delete(self, call: Call) -> Any:
        state = self.state
        if call.ids[0] not in state.sessions and not state.is_new:
            return True
        session = self.session(call)
        for child in state.children(session):
            self.delete(evolve(call, ids=(child.id,)))
        if session.is_running:
            state.abort(session)
        with state.lock:
            del state.sessions[session.id]
        if not state.is_new:
            state.publish_session(session)
        state.publish_session(session, "session.deleted")
        return True

    @on("session.status", "GET", "/session/status")
    def statuses(self, call: Call) -> Any:
        with self.state.lock:
            found = self.state.in_directory(call.directory)
            return {one.id: one.status for one in found if one.status is not None}

    @on("session.children", "GET", "/session/{sessionID}/children")
    def children(self, call: Call) -> Any:
        if self.state.is_new:
            self.session(call)
        return [one.info for one in self.state.children(self.nowhere(call))]

    @on("session.todo", "GET", "/session/{sessionID}/todo")
    def todo(self, call: Call) -> Any:
        if call.ids[0] not in self.state.sessions and not self.state.is_new:
            return []
        return self.session(call).todos

    @on("session.diff", "GET", "/session/{sessionID}/diff")
    def diff(self, _: Call) -> Any:
        return []

    @on("session.fork", "POST", "/session/{sessionID}/fork")
    def fork(self, call: Call) -> Any:
        state, session = self.state, self.session(call)
        number = re.search(r" \(fork #(\d+)\)$", session.info["title"])
        base = session.info["title"][: number.start()] if number else session.info["title"]
        copy = state.create_session(
            session.directory, title=f"{base} (fork #{int(number[1]) + 1 if number else 1})"
        )
        if state.is_new and any("format" in one.info for one in session.messages):
            raise self.failed("")
        ids: dict[str, str] = {}
        for message in session.messages:
            if message.id == call.body.get("messageID"):
                break
            info = {name: value for name, value in message.info.items() if name not in ("id", "sessionID")}
            if "parentID" in info:
                info["parentID"] = ids.get(info["parentID"], info["parentID"])
            made = state.add_message(copy, info)
            ids[message.id] = made.id
            for part in message.parts:
                own = ("id", "sessionID", "messageID")
                state.add_part(copy, made, {name: value for name, value in part.items() if name not in own})
        copy.answered_id = next((one.id for one in reversed(copy.messages) if one.is_user), None)
        return copy.info

    @on("session.abort", "POST", "/session/{sessionID}/abort")
    def abort(self, call: Call) -> Any:
        session = self.state.sessions.get(call.ids[0])
        self.state.abort(session or self.nowhere(call))
        return True

    @on("session.revert", "POST", "/session/{sessionID}/revert")
    def revert(self, call: Call) -> Any:
        session = self.session(call)
        self.check_idle(session)
        ids = [one.id for one in session.messages]
        if (message_id := call.body.get("messageID")) in ids:
            before = session.messages[: ids.index(message_id) + 1]
            prompt_id = [one.id for one in before if one.is_user][-1]
            revert = {"messageID": prompt_id, "snapshot": PROJECT, "diff": ""}
            self.state.touch(session, revert=revert)
        return session.info

    @on("session.unrevert", "POST", "/session/{sessionID}/unrevert")
    def unrevert(self, call: Call) -> Any:
        session = self.session(call)
        self.check_idle(session)
        self.state.touch(session, revert=None)
        return session.info
