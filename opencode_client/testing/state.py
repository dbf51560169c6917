"""The sessions of a fake server, their messages, statuses and asks. Every change publishes its events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from attrs import define, field

from ..model import JsonObject
from .events import PROJECT, Events

_EMPTY = {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}


def now_ms() -> int:
    """Return the time in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def empty_tokens() -> JsonObject:
    """Return the tokens of a message that has used none."""
    return {**_EMPTY, "cache": dict(_EMPTY["cache"])}  # type: ignore[call-overload] # a dict


@define(eq=False)
class Message:
    """A message of a session."""

    info: JsonObject
    parts: list[JsonObject] = field(factory=list[JsonObject])

    @property
    def id(self) -> str:
        """The message's id."""
        return str(self.info["id"])

    @property
    def is_user(self) -> bool:
        """True for a prompt."""
        return bool(self.info["role"] == "user")

    def to_json(self) -> JsonObject:
        """Return the message as servers list it."""
        return {"info": dict(self.info), "parts": [dict(part) for part in self.parts]}


@define(eq=False)
class Ask:
    """A permission request or a question that waits for a reply."""

    info: JsonObject
    is_over: bool = False
    reply: Any = None
    """The reply to a permission, or the answers to a question. None if the question was rejected."""
    message: str | None = None


@define(eq=False)
class Session:
    """A session. `is_aborted` ends the turn that runs."""

    info: JsonObject
    messages: list[Message] = field(factory=list[Message])
    todos: list[JsonObject] = field(factory=list[JsonObject])
    status: JsonObject | None = None
    is_running: bool = False
    is_ending: bool = False
    """True from the answer of a turn to its last event."""
    is_aborted: bool = False
    answered_id: str | None = None
    """The last prompt that a turn has begun to answer."""
    files: set[Path] = field(factory=set[Path])
    """The files that its tools have read or written."""

    @property
    def id(self) -> str:
        """The session's id."""
        return str(self.info["id"])

    @property
    def directory(self) -> str:
        """The directory in which the session works."""
        return str(self.info["directory"])

    @property
    def is_open(self) -> bool:
        """True if the last prompt waits for a turn."""
        prompts = [one.id for one in self.messages if one.is_user]
        return bool(prompts) and prompts[-1] != self.answered_id


class AbortedError(Exception):
    """The turn is aborted, or the server is closed."""


class State:
    """All sessions and asks. `lock` guards it; any thread may use it."""

    def __init__(self, version: str, events: Events) -> None:
        self.version: str = version
        self.events: Events = events
        self.lock: threading.RLock = threading.RLock()
        self.changed: threading.Condition = threading.Condition(self.lock)
        self.is_closed: bool = False
        self.sessions: dict[str, Session] = {}
        self.permissions: dict[str, Ask] = {}
        self.questions: dict[str, Ask] = {}
        self.approved: dict[str, list[JsonObject]] = {}
        """Rules of permissions that were approved for always, by directory."""
        self._numbers = count(now_ms() * 0x1000)

    @property
    def is_new(self) -> bool:
        """True for the forms of 1.18.33, False for those of 1.3.2."""
        return self.events.is_new

    def new_id(self, prefix: str) -> str:
        """Return an id. Later ids sort after earlier ones, but later ids of sessions sort before earlier ones."""
        number = next(self._numbers) & 0xFFFFFFFFFFFF
        return f"{prefix}_{0xFFFFFFFFFFFF - number if prefix == 'ses' else number:012x}{uuid4().hex[:14]}"

    def create_session(self, directory: str, **members: Any) -> Session:  # Any: JSON
        """Create a session and publish it."""
        kind, now = ("Child" if members.get("parentID") else "New"), now_ms()
        title = f"{kind} session - {datetime.now(UTC).isoformat(timespec='milliseconds')[:-6]}Z"
        head = {
            "id": self.new_id("ses"),
            "slug": "fake-session",
            "projectID": PROJECT,
            "directory": directory,
        }
        forms: JsonObject = {"path": "", "cost": 0, "tokens": empty_tokens()} if self.is_new else {}
        given = {name: value for name, value in members.items() if value is not None}
        rest = {"title": title, "version": self.version, "time": {"created": now, "updated": now}}
        session = Session({**head, **forms, **rest, **given})
        with self.lock:
            self.sessions[session.id] = session
        self.publish_session(session, "session.created")
        if not self.is_new:
            self.publish_session(session)
        return session

    def publish(self, session: Session, kind: str, **properties: Any) -> None:  # Any: JSON
        """Publish an event of a session. Old servers leave out `sessionID` in events about sessions and messages."""
        has_id = self.is_new or kind not in (
            "session.created", "session.updated", "session.deleted", "message.updated", "message.part.updated"
        )  # fmt: skip
        ids = {"sessionID": session.id} if has_id else {}
        self.events.publish(kind, session.directory, **ids, **properties)

    def publish_session(self, session: Session, kind: str = "session.updated") -> None:
        """Publish a change of a session."""
        self.publish(session, kind, info=dict(session.info))

    def touch(self, session: Session, **members: Any) -> None:  # Any: JSON
        """Change members of a session, and publish it. None removes a member."""
        with self.lock:
            session.info.update(members)
            for name in [name for name, value in session.info.items() if value is None]:
                del session.info[name]
            session.info["time"] = {**session.info["time"], "updated": now_ms()}
        self.publish_session(session)

    def set_status(self, session: Session, kind: str, **members: Any) -> None:  # Any: JSON
        """Set and publish a session's status. The event is sent before the status can be read."""
        status = {"type": kind, **members}
        with self.lock:
            session.status = status
            self.publish(session, "session.status", status=status)

    def rest(self, *sessions: Session) -> None:
        """Make sessions idle, and publish it. An idle session has no status."""
        with self.lock:
            for one in sessions:
                self.set_status(one, "idle")
                one.status = None
            for one in sessions:
                self.publish(one, "session.idle")

    def children(self, session: Session) -> list[Session]:
        """Return the sessions whose parent is `session`."""
        return [one for one in self.sessions.values() if one.info.get("parentID") == session.id]

    def add_message(self, session: Session, info: JsonObject) -> Message:
        """Add a message to a session, and publish it."""
        message = Message({"id": self.new_id("msg"), "sessionID": session.id, **info})
        with self.lock:
            session.messages.append(message)
        self.publish_message(session, message)
        return message

    def publish_message(self, session: Session, message: Message) -> None:
        """Publish a message without its parts."""
        self.publish(session, "message.updated", info=dict(message.info))

    def add_part(self, session: Session, message: Message, part: JsonObject) -> JsonObject:
        """Add a part to a message, and publish it."""
        part = {"id": self.new_id("prt"), "sessionID": session.id, "messageID": message.id, **part}
        with self.lock:
            message.parts.append(part)
        self.publish_part(session, part)
        return part

    def publish_part(self, session: Session, part: JsonObject) -> None:
        """Publish a part."""
        times = {"time": now_ms()} if self.is_new else {}
        self.publish(session, "message.part.updated", part=dict(part), **times)

    def in_directory(self, directory: str) -> Iterator[Session]:
        """Yield the sessions of a directory, the newest first."""
        found = [one for one in self.sessions.values() if one.directory == directory]
        yield from sorted(found, key=lambda one: (-one.info["time"]["updated"], one.id))

    def wait(self, session: Session, happened: Callable[[], object], timeout_s: float | None = None) -> None:
        """Wait until `happened`. Raises AbortedError if the session's turn is aborted, or the server is closed."""
        with self.changed:
            self.changed.wait_for(lambda: happened() or session.is_aborted or self.is_closed, timeout_s)
            if session.is_aborted or self.is_closed:
                raise AbortedError

    def pause(self, session: Session, seconds: float | None) -> None:
        """Wait for some seconds; None waits for an abort. Raises AbortedError."""
        self.wait(session, lambda: seconds == 0, seconds)

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds, or until the server is closed."""
        with self.changed:
            self.changed.wait_for(lambda: self.is_closed, seconds)

    def wait_for_end(self, session: Session) -> None:
        """Wait until a turn that is answered has sent its last event."""
        with self.changed:
            self.changed.wait_for(lambda: not session.is_ending or self.is_closed)

    def abort(self, session: Session) -> None:
        """End the turn that runs in a session and in its subagents, however deep."""
        with self.changed:
            family = [session]
            for parent in family:  # the loop adds to it
                family += [one for one in self.children(parent) if one.is_running]
            if not (session.is_running and self.is_new):
                self.rest(*reversed(family))
            for one in family:
                one.is_aborted = one.is_running
            self.changed.notify_all()

    def abort_error(self) -> JsonObject:
        """Return the error of a message that was aborted."""
        text = "Aborted" if self.is_new else "The operation was aborted."
        return {"name": "MessageAbortedError", "data": {"message": text}}

    def close(self) -> None:
        """End all turns and all event streams."""
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()
        self.events.end(cleanly=False)
