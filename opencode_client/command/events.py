"""Show what the agents of a server do, until Ctrl-C: prompts, answers, tools, questions, errors."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from ..errors import StatusError
from ..streams.event_decoder import StreamGap
from .connecting import add_connection_arguments, connected
from .screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json = Any  # the events and parts of any version of the server, as JSON

_BOXES = {"completed": "[x]", "in_progress": "[~]", "cancelled": "[-]"}
_INPUTS = ("command", "filePath", "pattern", "path", "url", "description", "query")
"""The arguments of a tool that are shown: the first one that the call has."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this subcommand."""
    add_connection_arguments(parser)
    parser.add_argument("--session", metavar="ID", help="only this session, and those that it starts")
    parser.add_argument("--all", action="store_true", help="all directories of the server")


def run(given: argparse.Namespace) -> int:
    """Print events until Ctrl-C, and return 0.

    Raises:
        OpencodeError: the server cannot be reached, or the session does not exist.
    """
    with connected(given) as client:
        opencode: Any = client  # Any: packages made from other documents lack some of these operations
        viewer = Viewer(Screen(), opencode.session.get)
        source = opencode.global_.event() if given.all else opencode.event.subscribe()
        try:
            with source as events:
                if given.session:
                    opencode.session.get(given.session)
                    events = events.filter(session_id=given.session, children=True)
                if not given.json:
                    viewer.screen.note(f"watching {client.options.base_url}; Ctrl-C ends it")
                for event in events:
                    if given.json:
                        print(json.dumps(_json(event)), flush=True)
                    else:
                        viewer.show(_json(event))
        except KeyboardInterrupt:
            viewer.screen.end()
    return 0


def _json(item: Any) -> Json:  # Any: an event or a StreamGap
    if isinstance(item, StreamGap):
        return {"type": "gap", "properties": {"reason": item.reason}}
    raw: Json = item.to_dict() if hasattr(item, "to_dict") else {"type": type(item).__name__}
    return raw.get("payload", raw)  # an event of all directories


class Viewer:
    """Prints events: each change once, and text while it is written. `find` reads a session."""

    def __init__(self, screen: Screen, find: Callable[..., Any]) -> None:  # Any: a Session
        self.screen = screen
        self._find = find
        self._roles: dict[str, str] = {}
        self._written: dict[str, int] = {}
        self._shown: dict[str, object] = {}
        self._kinds: dict[str, Callable[[Json], None]] = {
            "message.updated": self._message,
            "message.part.updated": self._part,
            "message.part.delta": self._delta,
            "session.created": self._session,
            "session.updated": self._session,
            "session.status": self._status,
            "session.error": self._error,
            "permission.asked": self._permission,
            "question.asked": self._question,
            "todo.updated": self._todo,
            "gap": lambda it: self.screen.note(f"events may be missing here: {it['reason']}", "red"),
        }

    def show(self, event: Json) -> None:
        """Print an event if it is of interest."""
        show = self._kinds.get(event.get("type", ""))
        if show is not None:
            show(event.get("properties", {}))

    def _session(self, properties: Json) -> None:
        info = properties["info"]
        self.screen.name(info["id"], info.get("title", ""), info.get("parentID"))

    def _known(self, session_id: str) -> str:
        """Return the id, after reading the titles of the session and of its parents."""
        if session_id and not self.screen.knows(session_id):
            try:
                session = self._find(session_id)
            except StatusError:
                self.screen.name(session_id, session_id, None)
            else:
                self.screen.name(session_id, session.title, session.parent_id)
                self._known(session.parent_id or "")
        return session_id

    def _line(self, session_id: str, text: str, style: str = "") -> None:
        self.screen.line(self._known(session_id), text, style)

    def _message(self, properties: Json) -> None:
        info = properties["info"]
        self._roles[info["id"]] = info["role"]
        if info.get("error"):
            self._failure(info["sessionID"], info["id"], info["error"])

    def _part(self, properties: Json) -> None:
        part = properties["part"]
        session_id, role = part["sessionID"], self._roles.get(part["messageID"], "")
        if part["type"] == "tool":
            self._tool(part)
        elif part["type"] in ("text", "reasoning") and not part.get("synthetic") and not part.get("ignored"):
            new = part["text"][self._written.get(part["id"], 0) :]
            self._written[part["id"]] = len(part["text"])
            is_complete = role == "user" or "end" in part.get("time", {})
            if role == "user":
                new = "".join(f"> {line}\n" for line in new.splitlines())
            self._text(session_id, part["id"], new, part["type"], role, is_complete=is_complete)

    def _delta(self, properties: Json) -> None:
        if properties["field"] in ("text", "reasoning"):
            part_id = properties["partID"]
            self._written[part_id] = self._written.get(part_id, 0) + len(properties["delta"])
            self._text(properties["sessionID"], part_id, properties["delta"])

    def _text(
        self,
        session_id: str,
        part_id: str,
        text: str,
        kind: str = "text",
        role: str = "",
        *,
        is_complete: bool = False,
    ) -> None:
        style = "bold" if role == "user" else "dim" if kind == "reasoning" else ""
        style = str(self._shown.setdefault(f"style {part_id}", style))  # deltas do not name their kind
        self.screen.write(self._known(session_id), part_id, text, style)
        if is_complete:
            self.screen.finish(part_id)

    def _tool(self, part: Json) -> None:
        state = part["state"]
        if state["status"] == "pending" or not self._is_new(part["id"], state["status"]):
            return
        about = state.get("title") or _summary(state.get("input", {}))
        match state["status"]:
            case "running":
                self._line(part["sessionID"], f"[{part['tool']}] {about} ...", "cyan")
            case "completed":
                took_ms = state["time"]["end"] - state["time"]["start"]
                self._line(part["sessionID"], f"[{part['tool']}] {about}: done in {took_ms} ms", "green")
            case _:
                self._line(part["sessionID"], f"[{part['tool']}] {about}: {state.get('error', '')}", "red")

    def _status(self, properties: Json) -> None:
        status = properties["status"]
        if self._is_new(properties["sessionID"], status):
            more = f": {status['message']}" if status["type"] == "retry" else ""
            self._line(properties["sessionID"], f"is {status['type']}{more}", "yellow" if more else "dim")

    def _error(self, properties: Json) -> None:
        self._failure(properties.get("sessionID", ""), "", properties.get("error") or {"name": "an error"})

    def _failure(self, session_id: str, message_id: str, error: Mapping[str, Json]) -> None:
        text = f"{error.get('name')}: {error.get('data', {}).get('message', '')}".removesuffix(": ")
        if self._is_new(f"error of {session_id}", text):  # the session and its message report the same error
            self._line(session_id, text, "red")

    def _permission(self, properties: Json) -> None:
        patterns = ", ".join(properties.get("patterns", []))
        self._line(
            properties["sessionID"], f"asks for permission: {properties['permission']} {patterns}", "yellow"
        )

    def _question(self, properties: Json) -> None:
        for one in properties["questions"]:
            self._line(properties["sessionID"], f"asks: {one['question']}", "yellow")

    def _todo(self, properties: Json) -> None:
        for todo in properties["todos"]:
            key = f"{properties['sessionID']} {todo['content']}"
            if self._is_new(key, todo["status"]):
                box = _BOXES.get(todo["status"], "[ ]")
                self._line(properties["sessionID"], f"{box} {todo['content']}", "dim")

    def _is_new(self, key: str, value: object) -> bool:
        was, self._shown[key] = self._shown.get(key), value
        return was != value


def _summary(given: Mapping[str, object]) -> str:
    """Return the first line of the most informative argument of a tool."""
    found = next((given[name] for name in _INPUTS if name in given), "")
    return str(found).partition("\n")[0]
