"""Inputs of `TurnState` in the form that real servers send, and `Game`, which feeds them to a turn."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from opencode_client.model import JsonObject
from opencode_client.turns.inputs import (
    Abort,
    Action,
    Done,
    Input,
    Poll,
    Send,
    SessionSeen,
    Snapshot,
    StatusSeen,
    Tick,
    TurnPlan,
)
from opencode_client.turns.state import TurnState
from opencode_client.turns.updates import ReasoningDelta, TextDelta, TextReplaced, Update
from opencode_client.turns.v1 import KEY, asks_of, message_seen, part_seen, read_event

SESSION, CHILD, DIRECTORY = "ses_root", "ses_child", "/repo"
MINE = "the key of the turn"
_CREATED_MS = 1_000


def event(kind: str, **properties: Any) -> JsonObject:  # Any: JSON
    """An event of 1.18.33."""
    return {"id": "evt_1", "type": kind, "properties": properties}


def status(kind: str, session: str = SESSION, **more: Any) -> JsonObject:  # Any: JSON
    """A `session.status`."""
    return event("session.status", sessionID=session, status={"type": kind, **more})


@define
class Message:
    """A message of a session with its parts, as REST lists it. `number` is its place in the session."""

    number: int
    role: str = "assistant"
    parent: int = 1
    parts: list[JsonObject] = field(factory=list[JsonObject])
    more: JsonObject = field(factory=dict[str, Any])
    is_over: bool = True
    session: str = SESSION

    @property
    def id(self) -> str:
        return f"msg_{self.number:03}"

    def info(self) -> JsonObject:
        """The message without its parts."""
        created = _CREATED_MS + self.number
        info: JsonObject = {
            "id": self.id,
            "sessionID": self.session,
            "role": self.role,
            "time": {"created": created},
        }
        if self.role == "user":
            return {**info, "agent": "build", "model": {"providerID": "p", "modelID": "m"}, **self.more}
        if self.is_over:
            info["time"]["completed"] = created + 1
        tokens = {"input": 10, "output": 5, "reasoning": 0, "cache": {"read": 0, "write": 0}}
        made = {
            "providerID": "p",
            "modelID": "m",
            "mode": "build",
            "agent": "build",
            "path": {"cwd": "/", "root": "/"},
        }
        end = {"finish": "stop"} if self.is_over and "error" not in self.more else {}
        return {
            **info,
            "parentID": f"msg_{self.parent:03}",
            "cost": 0.5 if self.is_over else 0,
            "tokens": tokens,
            **made,
            **end,
            **self.more,
        }

    def text(
        self, text: str, *, is_over: bool = True, kind: str = "text", **more: Any
    ) -> Message:  # Any: JSON
        """Add a part with a text."""
        times = {"start": 1, "end": 2} if is_over else {"start": 1}
        return self.with_part({"type": kind, "text": text, "time": times, **more})

    def tool(self, state: str, name: str = "bash", **more: Any) -> Message:  # Any: JSON
        """Add a call of a tool."""
        details = {"status": state, "input": {"command": "ls"}, "time": {"start": 1, "end": 2}, **more}
        return self.with_part({"type": "tool", "tool": name, "callID": "call_1", "state": details})

    def with_part(self, part: JsonObject) -> Message:
        part_id = f"prt_{self.number:03}_{len(self.parts)}"
        self.parts.append({"id": part_id, "messageID": self.id, "sessionID": self.session, **part})
        return self

    def updated(self) -> JsonObject:
        """The event of the message."""
        return event("message.updated", sessionID=self.session, info=self.info())

    def part_updated(self, index: int = -1, **more: Any) -> JsonObject:  # Any: JSON
        """The event of a part."""
        return event("message.part.updated", sessionID=self.session, part={**self.parts[index], **more})

    def delta(self, text: str, index: int = -1) -> JsonObject:
        """The event of more text, as servers from 1.2.12 on send it."""
        ids = {"sessionID": self.session, "messageID": self.id, "partID": self.parts[index]["id"]}
        return event("message.part.delta", **ids, field="text", delta=text)

    def seen(self) -> Any:  # Any: a message and its parts, as inputs
        """The inputs for the message."""
        return message_seen(self.info()), [part_seen(dict(part)) for part in self.parts]


def prompt(number: int = 1, key: str | None = MINE, text: str = "hi") -> Message:
    """A prompt; without a key, one of another client."""
    more: JsonObject = {"metadata": {KEY: key}} if key else {}
    return Message(number, "user").text(text, **more)


def permission(ask_id: str = "per_1", session: str = SESSION, **more: Any) -> JsonObject:  # Any: JSON
    """A `permission.asked`."""
    about: JsonObject = {"permission": "bash", "patterns": ["ls"], "metadata": {}, "always": ["ls *"]}
    return event("permission.asked", id=ask_id, sessionID=session, **{**about, **more})


def question(ask_id: str = "que_1", *headers: str) -> JsonObject:
    """A `question.asked`."""
    infos: list[JsonObject] = [
        {"question": f"{one}?", "header": one, "options": []} for one in headers or ("H",)
    ]
    return event("question.asked", id=ask_id, sessionID=SESSION, questions=infos)


class Game:
    """Plays inputs against one turn, at times that the test sets. Actions wait until the test ends them."""

    def __init__(self, **plan: Any) -> None:  # Any: members of a TurnPlan
        plan = {"session_id": SESSION, "directory": DIRECTORY, "key": MINE, "may_ask": True, **plan}
        plan = {"permissions": "ask", "questions": "ask", **plan}
        self.now_s = 100.0
        self.state = TurnState(TurnPlan(**plan), self.now_s)
        self.updates: list[Update] = []
        self.actions: list[Action] = []
        self.feed(Tick())

    def feed(self, *items: Input) -> Game:
        """Feed inputs at this time."""
        for item in items:
            for out in self.state.feed(item, self.now_s):
                (self.actions if isinstance(out, Action) else self.updates).append(out)  # type: ignore[arg-type] # one of both
        return self

    def play(self, *raws: JsonObject) -> Game:
        """Feed events."""
        for raw in raws:
            found = read_event(raw, DIRECTORY)
            if found is not None:
                self.feed(found)
        return self

    def wait(self, seconds: float) -> Game:
        """Let time pass, with a tick whenever the turn wants one."""
        end_s = self.now_s + seconds
        while self.state.result is None and self.state.wake_at_s < end_s:
            self.now_s = max(self.now_s + 0.01, self.state.wake_at_s)
            self.feed(Tick())
        self.now_s = end_s
        return self.feed(Tick())

    def answered(self, message: Message) -> Game:
        """End the POST of the prompt with this message."""
        return self.feed(Done(Send(), message.seen()))

    def lost(self, error: Exception) -> Game:
        """End the POST of the prompt with an error."""
        return self.feed(Done(Send(), error=error))

    def taken(self, kind: type[Any]) -> list[Any]:
        """Remove the actions of a kind, and return them."""
        found = [one for one in self.actions if isinstance(one, kind)]
        self.actions = [one for one in self.actions if not isinstance(one, kind)]
        return found

    def polled(
        self,
        *messages: Message,
        status: str | None = "idle",
        asks: list[Any] | None = None,  # Any: permission requests, as models
        children: list[SessionSeen] | None = None,
        error: Exception | None = None,
    ) -> Game:
        """End the poll that is under way."""
        [poll] = self.taken(Poll)
        if error is not None:
            return self.feed(Done(poll, error=error))
        seen = [one.seen() for one in messages]
        if not poll.is_full:
            return self.feed(Done(poll, Snapshot(seen)))
        found = StatusSeen(SESSION, status or "idle")
        return self.feed(
            Done(poll, Snapshot(seen, found, children or [], asks_of(asks or [], [], DIRECTORY)))
        )

    @property
    def polls(self) -> bool:
        """True while a poll is under way."""
        return any(isinstance(one, Poll) for one in self.actions)

    @property
    def aborts(self) -> int:
        """The number of aborts so far."""
        return sum(isinstance(one, Abort) for one in self.actions)

    def texts(self, kind: type[TextDelta | ReasoningDelta] = TextDelta) -> dict[str, str]:
        """The text of each part, from deltas and replacements."""
        texts: dict[str, str] = {}
        for one in self.updates:
            if isinstance(one, kind):
                texts[one.part_id] = texts.get(one.part_id, "") + one.text
            elif isinstance(one, TextReplaced) and one.is_reasoning == (kind is ReasoningDelta):
                texts[one.part_id] = one.text
        return texts

    def seen(self, kind: type[Any]) -> list[Any]:
        """The updates of a kind."""
        return [one for one in self.updates if isinstance(one, kind)]


IDLE = (status("idle"), event("session.idle", sessionID=SESSION))


def answered_with(text: str = "Hello", number: int = 2, **more: Any) -> Message:
    return Message(number, **more).text(text)


def begun(game: Game) -> Game:
    return game.play(prompt().updated(), prompt().part_updated(), status("busy"))


def streamed(game: Game, answer: Message, *pieces: str) -> Game:
    """Play an answer as 1.18.33 streams it."""
    game.play(Message(answer.number, is_over=False).updated())
    game.play(answer.part_updated(text="", time={"start": 1}))
    game.play(*(answer.delta(piece) for piece in pieces))
    return game.play(answer.part_updated(), answer.updated(), answer.updated())


def error_of(game: Game, kind: type[Any]) -> Any:
    assert isinstance(game.state.error, kind), game.state.error
    return game.state.error
