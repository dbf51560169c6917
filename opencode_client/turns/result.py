"""The result of a turn, and the classes `Reject` and `SlashCommand` for its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic

from attrs import astuple, field, frozen

from ..signatures import explain_calls

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # type checkers have it; at run time, it need not be installed

    from ..models import MessageWithParts, ToolPart
    from .updates import Ask

    T = TypeVar("T", default=Any)
else:
    from typing import TypeVar

    T = TypeVar("T")


@explain_calls
@frozen
class Reject:
    """Decision to refuse a permission with a message. The model reads the message and goes on."""

    message: str


@explain_calls
@frozen
class SlashCommand:
    """Prompt that calls a command of the server, such as `SlashCommand("review", "HEAD~1")`."""

    name: str
    arguments: str = ""


@frozen
class Tokens:
    """Numbers of tokens."""

    input: int = 0
    output: int = 0
    reasoning: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(*map(int.__add__, astuple(self), astuple(other)))


@frozen
class TurnReply:
    """An ask of a turn, and the decision or the answers that the turn sent."""

    ask: Ask
    decision: str | Reject | Sequence[Sequence[str]]


@frozen(kw_only=True)
class TurnResult(Generic[T]):
    """The result of a turn. Picklable.

    Attributes:
        session_id: The session; pass it to the next `run`.
        message_id: The prompt's message, for `session.diff` and `session.revert`; None if the server has none.
        text: Text of the last message, without synthetic and ignored parts.
        reasoning: The model's reasoning in all messages.
        messages: The prompt and the messages that answer it.
        tool_calls: The tool calls of all messages.
        replies: The answers to permissions and questions: of policies, of `turn.reply` and `turn.answer`, and the
            rejections when the turn is stopped. Those of `client.asks` are not included.
        cost: Cost in USD, summed over the messages. `subagent_cost` is not included.
        tokens: Tokens, summed over the messages. `subagent_tokens` are not included.
        structured: The structured output; None without `output`.
        finish: The reason why the model's last message ended, such as "stop"; None if it did not end.
        duration_s: Seconds from the prompt to the end.
        gaps: The number of interruptions of the event stream. The result is complete even so.
    """

    session_id: str
    message_id: str | None
    text: str
    reasoning: str
    messages: Sequence[MessageWithParts] = field(repr=False)
    tool_calls: Sequence[ToolPart] = field(repr=False)
    replies: Sequence[TurnReply]
    tokens: Tokens
    cost: float
    subagent_tokens: Tokens
    subagent_cost: float
    structured: T | None
    finish: str | None
    duration_s: float
    gaps: int
