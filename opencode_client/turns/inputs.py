"""The inputs of `TurnState.feed`, and the actions that it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import define, field, frozen

from ..model import JsonObject
from .policies import Answered
from .result import Tokens
from .updates import Ask


@define(eq=False)
class Delta:
    """More text of a part. The part's `kind` is not known here."""

    session_id: str
    message_id: str
    part_id: str
    text: str


@define(eq=False)
class PartSeen:
    """A part as the server has it now.

    `progress` is 0 at its start, 1 while a tool runs, and 2 when nothing changes any more. `text` is None if it has no
    text to show. `key` is the turn's key if the part belongs to a prompt of this package.
    """

    session_id: str
    message_id: str
    part_id: str
    kind: str
    raw: JsonObject
    progress: int = 2
    text: str | None = None
    is_hidden: bool = False
    key: str | None = None
    child_id: str | None = None


@define(eq=False)
class MessageSeen:
    """A message as the server has it now.

    `is_over`: the step has ended. `goes_on`: another step follows it. `is_summary`: it makes the conversation shorter.
    """

    session_id: str
    message_id: str
    raw: JsonObject
    created_ms: float = 0.0
    is_user: bool = False
    parent_id: str | None = None
    is_over: bool = False
    goes_on: bool = False
    is_summary: bool = False
    cost: float = 0.0
    tokens: Tokens = field(factory=Tokens)
    finish: str | None = None


@frozen
class StatusSeen:
    session_id: str
    kind: str
    attempt: int = 0
    message: str = ""
    next_ms: int = 0


@frozen
class SessionSeen:
    session_id: str
    parent_id: str
    title: str


@frozen
class SessionGone:
    session_id: str


@frozen
class SessionFailed:
    """An error of a session, or of one that the server does not name."""

    session_id: str | None
    message: str


@frozen
class Asked:
    ask: Ask

    @property
    def session_id(self) -> str:
        return self.ask.session_id


@frozen
class AskGone:
    session_id: str
    ask_id: str


@frozen
class TodosSeen:
    session_id: str
    todos: Sequence[Any]  # Any: a generated model


@frozen
class InstanceGone:
    directory: str
    session_id: None = None


@frozen
class DirectorySeen:
    """An event is from a directory that a feed of asks does not know."""

    directory: str


@frozen
class EventsWork:
    """The stream has sent an event of a session. The stream of 1.14.48 never does."""


@frozen
class Gap:
    """Events are missing here. `is_end`: the server ended the stream, as it does when it disposes an instance."""

    reason: str
    is_end: bool = False


@frozen
class Tick:
    """Time has passed."""


@frozen
class Stop:
    """This program wants the turn to end. `result` then raises `error`."""

    error: Exception


@frozen
class Snapshot:
    """A session as it was read. `status` is None if it was not read."""

    messages: Sequence[tuple[MessageSeen, Sequence[PartSeen]]]
    status: StatusSeen | None = None
    children: Sequence[SessionSeen] = ()
    asks: Sequence[Ask] | None = None
    child_messages: Sequence[MessageSeen] = ()


@frozen
class Action:
    """A request, or a call of the user's function. Its driver performs it, and feeds its value with Done."""


@frozen
class Send(Action):
    """Send the prompt. Its value is the message of the answer, with its parts."""


@frozen
class Poll(Action):
    """Read the session, at most `limit` messages. Its value is a Snapshot.

    `is_full`: also the status, and the subagents with their asks.
    """

    is_full: bool
    limit: int
    children: Sequence[str] = ()
    since_s: float = 0.0


@frozen
class Abort(Action):
    """Stop the sessions on the server."""

    session_ids: Sequence[str]


@frozen
class Decide(Action):
    """Call the user's function. Its value is the result of the function."""

    ask: Ask
    function: Callable[[Any], Any]  # Any: of the user


@frozen
class ReplyTo(Action):
    """Answer an ask."""

    ask: Ask
    decision: Answered


@frozen
class FindDirectories(Action):
    """Find the directories in which asks may wait. Its value is a list of them."""


@frozen
class ListAsks(Action):
    """List the asks that wait in a directory. Its value is a Snapshot of them, and of the feed's subagents."""

    directory: str
    since_s: float


@frozen
class Done:
    """An action has ended, with a value or an error."""

    action: Action
    value: Any = None  # Any: see the actions
    error: Exception | None = None


Event: TypeAlias = (
    Delta
    | PartSeen
    | MessageSeen
    | StatusSeen
    | SessionSeen
    | SessionGone
    | SessionFailed
    | Asked
    | AskGone
    | TodosSeen
    | InstanceGone
    | DirectorySeen
)
Input: TypeAlias = Event | EventsWork | Gap | Tick | Stop | Done


@frozen(kw_only=True)
class TurnPlan:
    """The plan of one turn: its session, policies and limits. A feed of asks has a plan, too.

    A feed without a session has "" for it; one for all directories has "" for the directory.

    `key` marks its prompt. Without a key, `after` is the last message before it.
    `follows`: the turn was already running when it was joined.
    """

    session_id: str
    directory: str
    key: str | None = None
    after: tuple[float, str] | None = None
    follows: bool = False
    permissions: object = "reject"
    questions: object = "reject"
    may_ask: bool = False
    timeout_s: float | None = None
    max_cost: float | None = None
    max_steps: int | None = None
    output: Any = None  # Any: a schema or a class
    body: Mapping[str, Any] = field(factory=dict[str, Any])  # Any: arguments of the prompt
