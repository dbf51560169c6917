"""The updates that a turn yields. Frozen, picklable, the same classes for both clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from ..errors import OpencodeError
    from ..models import QuestionInfo, Todo
    from .result import Tokens, TurnResult


@frozen
class TextDelta:
    """More text of the answer: `text` comes after the text that the part has so far."""

    text: str
    part_id: str
    message_id: str


@frozen
class ReasoningDelta:
    """More text of the model's reasoning."""

    text: str
    part_id: str
    message_id: str


@frozen
class TextReplaced:
    """The whole text of a part that differs from its deltas: some were lost, or the server changed the text.

    `is_reasoning` is True if the deltas were ReasoningDeltas.
    """

    text: str
    part_id: str
    message_id: str
    is_reasoning: bool = False


@frozen(kw_only=True)
class ToolUpdate:
    """A call of a tool has changed.

    Attributes:
        tool: The tool's name, such as "bash".
        status: "pending", "running", "completed" or "error".
        input: The arguments of the call.
        output: The output so far; `error` is the message of a call that failed.
        title: A short description; "" if there is none.
        subagent_session_id: The session of the subagent that the call started; None if it started none.
    """

    tool: str
    status: Literal["pending", "running", "completed", "error"] | str
    input: Mapping[str, Any]  # Any: JSON
    output: str = ""
    error: str = ""
    title: str = ""
    call_id: str
    part_id: str
    message_id: str
    subagent_session_id: str | None = None


@frozen(kw_only=True)
class StepFinished:
    """The model has finished one step: one response. `finish` is "tool-calls" if another step follows.

    `cost` (USD) and `tokens` are those of the step.
    """

    finish: str
    cost: float
    tokens: Tokens
    message_id: str


@frozen
class TodoChanged:
    """The agent's list of tasks, as a whole."""

    todos: Sequence[Todo]


@frozen(kw_only=True)
class PermissionAsk:
    """The agent waits for a permission. Reply with `turn.reply(ask, "once")`, or `reply` of `client.asks`.

    Attributes:
        id: The id for `client.permission.reply`.
        session_id: The session that waits: the turn's, or that of a subagent.
        directory: The directory that `client.permission.reply` needs.
        permission: The kind of permission, such as "bash" or "edit".
        patterns: The commands, paths or other things to permit.
        always: The patterns that "always" would permit.
        metadata: More about the call, for people to read.
        call_id: The id of the tool call; None if there is none.
    """

    id: str
    session_id: str
    directory: str
    permission: str
    patterns: Sequence[str]
    always: Sequence[str] = ()
    metadata: Mapping[str, Any] = {}  # Any: JSON
    call_id: str | None = None


@frozen(kw_only=True)
class QuestionAsk:
    """The agent waits for the answers to its questions. Answer with `turn.answer(ask, [["A"]])`.

    `id` is the id for `client.question.reply`, which needs the `directory`. `session_id` is the session that waits.
    """

    id: str
    session_id: str
    directory: str
    questions: Sequence[QuestionInfo]
    call_id: str | None = None


Ask: TypeAlias = PermissionAsk | QuestionAsk


@frozen
class AskClosed:
    """A PermissionAsk or QuestionAsk, which `id` names, does not wait any more.

    Somebody has answered it, or its turn was aborted, or its session or instance is gone.
    """

    id: str
    session_id: str


@frozen
class Retrying:
    """The provider failed, and the server tries again at `next_ms` (epoch milliseconds). `message` is the reason."""

    attempt: int
    message: str
    next_ms: int


@frozen
class SubagentChanged:
    """A subagent has started or changed. `status` is "started", "busy", "idle", "retry" or "deleted".

    `session_id` is its session, `parent_id` the session that started it.
    """

    session_id: str
    parent_id: str
    status: str
    title: str = ""


@frozen
class Compacting:
    """The server makes the conversation shorter, because it is too long. The turn goes on after that."""

    message_id: str


@frozen
class TurnGap:
    """The event stream was interrupted. The turn now reads the session again; texts may be replaced.

    In `client.asks`, the asks are listed again: new asks follow, and an AskClosed for each ask that is gone.
    """

    reason: str


@frozen
class TurnFinished:
    """The turn is over: the last update. `turn.result()` raises `error`, or returns `result` if `error` is None."""

    result: TurnResult[Any]  # Any: the structured output
    error: OpencodeError | Exception | None = None


AskUpdate: TypeAlias = PermissionAsk | QuestionAsk | AskClosed | TurnGap
"""All that `client.asks` yields."""

Update: TypeAlias = (
    TextDelta
    | ReasoningDelta
    | TextReplaced
    | ToolUpdate
    | StepFinished
    | TodoChanged
    | PermissionAsk
    | QuestionAsk
    | AskClosed
    | Retrying
    | SubagentChanged
    | Compacting
    | TurnGap
    | TurnFinished
)
"""All that a turn yields."""
