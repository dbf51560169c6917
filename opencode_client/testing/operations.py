"""The operations of a fake server, except those of terminals and files. Each handler has the id of its operation.

Source: responses of 1.3.2 and 1.18.33; tests/live/test_same_as_real.py compares them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from attrs import define, evolve, frozen

from ..model import JsonObject, is_array, is_object
from .connections import Request, Response, Stream, json_response
from .events import PROJECT
from .replies import COST, LIMITS, MODEL
from .state import Ask, Message, Session, State
from .tools import matches
from .turns import Turns

_AGENTS = {
    "build": ("The default agent. Executes tools based on configured permissions.", "primary"),
    "plan": ("Plan mode. Disallows all edit tools.", "primary"),
    "general": ("General-purpose agent for researching complex questions.", "subagent"),
    "explore": ("Fast agent specialized for exploring codebases.", "subagent"),
}
_REPLIES = ("once", "always", "reject")
_LONGEST_PAGE = 100


class RefusalError(Exception):
    """The response to a call that is refused is its argument."""


@define(slots=False)
class Call:
    """A call of an operation: its request, the values in its path, and its directory."""

    request: Request
    ids: tuple[str, ...]
    directory: str

    @property
    def body(self) -> JsonObject:
        """The body, which is an object. An empty body is an empty object."""
        body: object = self.request.json
        return body if is_object(body) else {}


Handler = Callable[[Any, Call], Any]  # Any: an object with handlers; JSON, or a response


@frozen
class Route:
    """The place of an operation."""

    operation: str
    method: str
    path: str


ROUTES: dict[Route, Handler] = {}
"""All operations of the fake."""


def on(operation: str, method: str, path: str) -> Callable[[Handler], Handler]:
    """Make a function the handler of an operation."""

    def add(handler: Handler) -> Handler:
        ROUTES[Route(operation, method, path)] = handler
        return handler

    return add


def refuse(value: object, status: int) -> RefusalError:
    """Return the error for a call that gets this response."""
    return RefusalError(json_response(value, status))


class Operations:
    """Handles calls. `config` is opencode's configuration."""

    def __init__(self, state: State, turns: Turns, config: JsonObject) -> None:
        self.state = state
        self.turns = turns
        self.config = config

    # responses for what is wrong

    def not_found(self, what: str, value: str) -> RefusalError:
        """Return the error for a session or a message that does not exist."""
        return refuse({"name": "NotFoundError", "data": {"message": f"{what} not found: {value}"}}, 404)

    def failed(self, why: str) -> RefusalError:
        """Return the error for what servers do not expect."""
        if self.state.is_new:
            return RefusalError(self.turns.failed())
        return refuse({"name": "UnknownError", "data": {"message": f"Error: {why}"}}, 500)

    def wrong(self, call: Call, name: str, expected: str) -> RefusalError:
        """Return the error for a member of the body that is wrong."""
        value = call.body.get(name)
        if self.state.is_new:
            got = "Missing key" if value is None else f"Expected {expected}, got {json.dumps(value)}"
            return refuse(
                {"name": "BadRequest", "data": {"message": f'{got}\n  at ["{name}"]', "kind": "Payload"}}, 400
            )
        issue = {"code": "invalid_type", "path": [name], "message": f"Invalid input: expected {expected}"}
        return refuse({"data": call.body, "error": [issue], "success": False}, 400)

    def session(self, call: Call) -> Session:
        """Return the session that the path names."""
        session_id = call.ids[0]
        if not session_id.startswith("ses"):
            raise self._malformed(session_id)
        if session_id not in self.state.sessions:
            raise self.not_found("Session", session_id)
        return self.state.sessions[session_id]

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

    # the server

    @on("global.health", "GET", "/global/health")
    def health(self, _: Call) -> Any:
        return {"healthy": True, "version": self.state.version}

    @on("global.event", "GET", "/global/event")
    def global_event(self, _: Call) -> Stream:
        return lambda peer: self.state.events.serve(peer, None)

    @on("event.subscribe", "GET", "/event")
    def event(self, call: Call) -> Stream:
        return lambda peer: self.state.events.serve(peer, call.directory)

    @on("instance.dispose", "POST", "/instance/dispose")
    def dispose(self, call: Call) -> Any:
        self.state.events.publish("server.instance.disposed", call.directory, directory=call.directory)
        self.state.events.end(directory=call.directory, cleanly=True)
        return True

    @on("global.config.get", "GET", "/global/config")
    @on("config.get", "GET", "/config")
    def config_get(self, _: Call) -> Any:
        return {"model": MODEL, "small_model": MODEL, "username": "fake", **self.config}

    @on("config.providers", "GET", "/config/providers")
    def config_providers(self, _: Call) -> Any:
        return {"providers": [self._provider()], "default": {"scripted": "scripted-1"}}

    @on("provider.list", "GET", "/provider")
    def providers(self, _: Call) -> Any:
        return {
            "all": [self._provider()],
            "default": {"scripted": "scripted-1"},
            "connected": ["scripted"],
        }

    def _provider(self) -> JsonObject:
        kinds = dict.fromkeys(("text", "audio", "image", "video", "pdf"), False) | {"text": True}
        abilities = dict.fromkeys(("temperature", "reasoning", "attachment", "toolcall"), True)
        cost = {"input": COST["input"], "output": COST["output"]}
        cache = {"read": COST["cache_read"], "write": COST["cache_write"]}
        api = {"id": "scripted-1", "npm": "@ai-sdk/openai-compatible"} | (
            {"url": ""} if self.state.is_new else {}
        )
        model: JsonObject = {
            "id": "scripted-1", "providerID": "scripted", "api": api, "name": "Scripted", "family": "",
            "capabilities": {**abilities, "input": kinds, "output": kinds, "interleaved": False},
            "cost": {**cost, "cache": cache}, "limit": LIMITS, "status": "active", "options": {}, "headers": {},
            "release_date": "", "variants": {one: {"reasoningEffort": one} for one in ("low", "medium", "high")},
        }  # fmt: skip
        about: JsonObject = {
            "id": "scripted",
            "name": "Scripted",
            "source": "config",
            "env": [],
            "options": {},
        }
        return {**about, "models": {"scripted-1": model}}

    @on("path.get", "GET", "/path")
    def path(self, call: Call) -> Any:
        home = dict.fromkeys(("home", "state", "config"), call.directory)
        return {**home, "worktree": call.directory, "directory": call.directory}

    @on("app.agents", "GET", "/agent")
    def agents(self, _: Call) -> Any:
        shown = dict(_AGENTS)
        for name, about in self.config.get("agent", {}).items():
            shown.setdefault(name, (about.get("description", ""), about.get("mode", "all")))
        more: JsonObject = {"permission": [], "options": {}}
        return [
            {"name": name, "description": text, "mode": mode, "native": name in _AGENTS, **more}
            for name, (text, mode) in shown.items()
        ]

    @on("command.list", "GET", "/command")
    def commands(self, _: Call) -> Any:
        return [
            {
                "name": name,
                "source": "command",
                "hints": re.findall(r"\$ARGUMENTS|\$\d", one["template"]),
                **one,
            }
            for name, one in self.config.get("command", {}).items()
        ]

    @on("project.current", "GET", "/project/current")
    def project(self, call: Call) -> Any:
        times = {"created": 1, "updated": 1}
        return {"id": PROJECT, "worktree": call.directory, "vcs": "git", "time": times, "sandboxes": []}

    @on("project.list", "GET", "/project")
    def projects(self, call: Call) -> Any:
        return [self.project(call)]

    # sessions

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
            raise (
                refuse({"_tag": "BadRequest"}, 400)
                if self.state.is_new
                else self.wrong(call, "title", "string")
            )
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
        for child in [one for one in state.sessions.values() if one.info.get("parentID") == session.id]:
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
        found = self.state.in_directory(call.directory)
        return {one.id: one.status for one in found if one.status is not None}

    @on("session.children", "GET", "/session/{sessionID}/children")
    def children(self, call: Call) -> Any:
        if self.state.is_new:
            self.session(call)
        return [one.info for one in self.state.sessions.values() if one.info.get("parentID") == call.ids[0]]

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
        self._check_readable(session, fork=True)
        number = re.search(r" \(fork #(\d+)\)$", session.info["title"])
        base = session.info["title"][: number.start()] if number else session.info["title"]
        copy = state.create_session(
            session.directory, title=f"{base} (fork #{int(number[1]) + 1 if number else 1})"
        )
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
        self.state.abort(session or Session({"id": call.ids[0], "directory": call.directory}))
        return True

    @on("session.revert", "POST", "/session/{sessionID}/revert")
    def revert(self, call: Call) -> Any:
        session = self.session(call)
        self._check_idle(session)
        if any(one.id == call.body.get("messageID") for one in session.messages):
            revert = {"messageID": call.body["messageID"], "snapshot": "fake", "diff": ""}
            self.state.touch(session, revert=revert)
        return session.info

    @on("session.unrevert", "POST", "/session/{sessionID}/unrevert")
    def unrevert(self, call: Call) -> Any:
        session = self.session(call)
        self._check_idle(session)
        self.state.touch(session, revert=None)
        return session.info

    def _check_idle(self, session: Session) -> None:
        if session.is_running:
            text = f"Session {session.id} is busy"
            if self.state.is_new:
                raise refuse(
                    {"name": "SessionBusyError", "data": {"message": text, "sessionID": session.id}}, 409
                )
            raise self.failed(text)

    # messages and turns

    @on("session.messages", "GET", "/session/{sessionID}/message")
    def messages(self, call: Call) -> Any:
        session, query = self.session(call), call.request.query
        self._check_readable(session)
        with self.state.lock:
            found = [one.to_json() for one in session.messages]
        if "before" in query:
            before = json.loads(base64.urlsafe_b64decode(query["before"] + "=="))
            found = [one for one in found if one["info"]["id"] < before["id"]]
        if "limit" not in query or len(found) <= int(query["limit"]):
            return found
        found = found[-int(query["limit"]) :]
        last = {"id": found[0]["info"]["id"], "time": found[0]["info"]["time"]["created"]}
        cursor = base64.urlsafe_b64encode(json.dumps(last).encode()).decode().rstrip("=")
        return json_response(found, headers={"x-next-cursor": cursor})

    def _check_readable(self, session: Session, *, fork: bool = False) -> None:
        """Source: 1.18.33 cannot read the messages of a session that had a prompt with a JSON schema."""
        formats = [one.info["format"] for one in session.messages if "format" in one.info]
        if formats and self.state.is_new:
            if fork:
                raise self.failed("")
            text = (
                f'Expected OutputFormatJsonSchema, got {json.dumps(formats[0])}\n  at [0]["info"]["format"]'
            )
            raise refuse({"name": "BadRequest", "data": {"message": text, "kind": "Body"}}, 400)

    @on("session.message", "GET", "/session/{sessionID}/message/{messageID}")
    def message_get(self, call: Call) -> Any:
        return self.message(call).to_json()

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
            raise self.failed(f"Part mismatch: body.id='{part.get('id')}' vs partID='{call.ids[2]}'")
        message.parts = [part if one["id"] == part["id"] else one for one in message.parts]
        self.state.publish_part(self.session(call), part)
        return part

    @on("part.delete", "DELETE", "/session/{sessionID}/message/{messageID}/part/{partID}")
    def delete_part(self, call: Call) -> Any:
        session, message = self.session(call), self.message(call)
        message.parts = [one for one in message.parts if one["id"] != call.ids[2]]
        self.state.publish(session, "message.part.removed", messageID=message.id, partID=call.ids[2])
        return True

    @on("session.prompt", "POST", "/session/{sessionID}/message")
    def prompt(self, call: Call) -> Any:
        self._check_prompt(call)
        if call.ids[0] not in self.state.sessions and not self.state.is_new:
            return Response(
                headers={"content-type": "application/json"}
            )  # source: 1.3.2 sends 200 before it looks
        session = self.session(call)
        if self._lacks_agent(session, call):
            return (
                self.turns.failed()
                if self.state.is_new
                else Response(headers={"content-type": "application/json"})
            )
        if call.body.get("noReply"):
            return self.turns.prompt(session, call.body).to_json()
        return self.turns.answer(session, call.body)

    @on("session.prompt_async", "POST", "/session/{sessionID}/prompt_async")
    def prompt_async(self, call: Call) -> Any:
        self._check_prompt(call)
        if call.ids[0] in self.state.sessions or self.state.is_new:
            session = self.session(call)
            if not self._lacks_agent(session, call):
                self.turns.send(session, call.body)
        return Response(status=204)

    def _check_prompt(self, call: Call) -> None:
        if not is_array(call.body.get("parts")):
            raise self.wrong(call, "parts", "array")

    def _lacks_agent(self, session: Session, call: Call) -> bool:
        """Publish the error of an agent that does not exist."""
        name, names = call.body.get("agent"), [*_AGENTS, *self.config.get("agent", {})]
        if name is None or name in names:
            return False
        text = f'Agent not found: "{name}". Available agents: {", ".join(sorted(set(names)))}'
        self.state.publish(
            session, "session.error", error={"name": "UnknownError", "data": {"message": text}}
        )
        return True

    @on("session.command", "POST", "/session/{sessionID}/command")
    def command(self, call: Call) -> Any:
        session, body = self.session(call), call.body
        commands = self.config.get("command", {})
        if body.get("command") not in commands:
            text = f'Command not found: "{body.get("command")}". Available commands: {", ".join(commands)}'
            self.state.publish(
                session, "session.error", error={"name": "UnknownError", "data": {"message": text}}
            )
            raise self.failed(text)
        text = commands[body["command"]]["template"].replace("$ARGUMENTS", body.get("arguments", ""))
        more = {name: body[name] for name in ("agent", "model", "variant") if body.get(name)}
        answer = self.turns.answer(session, {"parts": [{"type": "text", "text": text}], **more})
        about = {"name": body["command"], "arguments": body.get("arguments", "")}
        self.state.publish(session, "command.executed", **about, messageID=session.messages[-1].id)
        return answer

    @on("session.shell", "POST", "/session/{sessionID}/shell")
    def shell(self, call: Call) -> Any:
        session = self.session(call)
        self._check_idle(session)
        return self.turns.shell(session, call.body).to_json()

    # asks

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
        reply = call.body.get("reply")
        if reply not in _REPLIES:
            raise self.wrong(call, "reply", " | ".join(f'"{one}"' for one in _REPLIES))
        return self._reply(call.ids[0], str(reply), call.body.get("message"))

    @on("permission.respond", "POST", "/session/{sessionID}/permissions/{permissionID}")
    def respond(self, call: Call) -> Any:
        return self._reply(call.ids[1], str(call.body.get("response")), None)

    def _reply(self, ask_id: str, reply: str, message: str | None) -> bool:
        state, ask = self.state, self.state.permissions.get(ask_id)
        if ask is None:
            return self._no_ask("Permission", ask_id)
        session = state.sessions[ask.info["sessionID"]]
        others = [
            one
            for one in state.permissions.values()
            if one.info["sessionID"] == session.id and one is not ask
        ]
        if reply == "always":
            always = [(ask.info["permission"], pattern) for pattern in ask.info["always"]]
            for other in state.in_directory(session.directory):
                other.approved += [
                    {"permission": name, "pattern": to, "action": "allow"} for name, to in always
                ]
            others = [one for one in others if matches(one, session.approved)]
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
        return self._answer(call.ids[0], answers)

    @on("question.reject", "POST", "/question/{requestID}/reject")
    def reject(self, call: Call) -> Any:
        return self._answer(call.ids[0], None)

    def _answer(self, ask_id: str, answers: list[Any] | None) -> bool:
        ask = self.state.questions.get(ask_id)
        if ask is None:
            return self._no_ask("Question", ask_id)
        session, more = (
            self.state.sessions[ask.info["sessionID"]],
            {} if answers is None else {"answers": answers},
        )
        kind = "question.rejected" if answers is None else "question.replied"
        self.state.publish(session, kind, requestID=ask_id, **more)
        self.turns.tools.reply(ask, answers)
        return True


def directory_of(request: Request, default: str) -> str:
    """Return the directory of a request. Source: the query wins over the header; servers decode both once more."""
    given = request.query.get("directory") or request.headers.get("x-opencode-directory")
    return unquote(given) if given else default


def pattern_of(path: str) -> re.Pattern[str]:
    """Return the regular expression for the path of an operation."""
    return re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(path)))
