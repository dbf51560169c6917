"""The outcome of a turn: its result, its error, its cost. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import (
    ArgumentError,
    ClientClosedError,
    ConnectError,
    EmptyResponseError,
    OpencodeError,
    StatusError,
    TurnAbortedError,
    TurnBudgetError,
    TurnError,
    TurnLostError,
)
from .inputs import MessageSeen, TurnPlan
from .result import Tokens, TurnResult
from .transcript import Transcript, TurnMessage
from .v1 import error_of, message_of

_REFUSALS = (ArgumentError, ConnectError, ClientClosedError)
_REFUSED = (400, 401, 403, 404, 409, 413)


def was_refused(error: Exception) -> bool:
    """Return True if a POST with this error was not accepted. After other errors the turn may run."""
    is_ours = isinstance(error, OpencodeError) and not isinstance(error, _REFUSALS)
    return not is_ours or getattr(error, "status", None) in _REFUSED


def lost(reason: str, stored: bool | None, cause: Exception | None = None) -> TurnLostError:
    """Return the error of a turn whose end is not known."""
    error = TurnLostError(f"the turn is lost: {reason}")
    error.stored, error.__cause__ = stored, cause
    return error


def unanswered(transcript: Transcript, failure: str, cause: Exception | None, directory: str) -> TurnError:
    """Return the error of a turn that has no end although its session is idle. `failure`: the session's last error."""
    refused = isinstance(cause, EmptyResponseError | StatusError)
    if (failure or refused) and not transcript.answers:
        error = TurnError(f"the turn did not begin: {failure or cause}")
        error.__cause__ = cause
        return error
    reason = "the session is idle, but the turn has no end"
    if not any(answer.parts for answer in transcript.answers):
        reason += f"; does the server have the directory {directory!r}?"
    return lost(reason, transcript.prompt_id is not None, cause)


def error_of_turn(transcript: Transcript, failure: str, *, is_disposed: bool) -> TurnError | None:
    """Return the error of a turn that is over; None if it succeeded. `failure` is the session's last error."""
    last = transcript.last
    if last is None:
        late = "the server has answered this prompt together with a later one"
        return TurnError(late if transcript.is_superseded else f"the turn has no answer: {failure}")
    error = error_of(last.raw)
    if isinstance(error, TurnAbortedError) and is_disposed:
        return lost("the instance was disposed", stored=True)
    return error


def complete(error: TurnError, transcript: Transcript, result: TurnResult[Any]) -> None:
    """Set the members of an error: the result so far, and the error that the server described."""
    own = error_of(transcript.last.raw) if transcript.last is not None else None
    error.partial, error.error = result, error.error or (own.error if own else None)


def passed_budget(
    transcript: Transcript, children: Mapping[str, MessageSeen], plan: TurnPlan
) -> TurnBudgetError | None:
    """Return the error of a turn that costs too much, with its subagents, or that has more steps than it may."""
    seens = _seen(transcript.answers)
    cost = sum(one.cost for one in [*seens, *_of_turn(transcript, children)])
    if plan.max_cost is not None and cost > plan.max_cost:
        return TurnBudgetError(f"the turn has cost {cost:g} USD, more than max_cost={plan.max_cost:g}")
    if plan.max_steps is not None and len(seens) > plan.max_steps:
        return TurnBudgetError(f"the turn needs more steps than max_steps={plan.max_steps}")
    return None


def result_of(
    transcript: Transcript, children: Mapping[str, MessageSeen], **more: Any
) -> TurnResult[Any]:  # Any: the members of the result that do not follow from messages
    """Return the result of a turn. `children` are the messages of subagents, also of earlier turns."""
    seens, ours = _seen(transcript.answers), _of_turn(transcript, children)
    messages = tuple(message_of(one.seen.raw, one.plain()) for one in transcript.messages if one.seen)
    return TurnResult(
        **more,
        message_id=transcript.prompt_id,
        text=transcript.last_text(),
        reasoning="".join(one.visible("reasoning") for one in transcript.answers),
        messages=messages,
        tool_calls=tuple(call for message in messages for call in message.tool_calls),
        tokens=sum((seen.tokens for seen in seens), Tokens()),
        cost=sum((seen.cost for seen in seens), 0.0),
        subagent_tokens=sum((one.tokens for one in ours), Tokens()),
        subagent_cost=sum((one.cost for one in ours), 0.0),
        structured=seens[-1].raw.get("structured") if seens else None,
        finish=seens[-1].finish if seens else None,
    )


def _seen(messages: Iterable[TurnMessage]) -> list[MessageSeen]:
    return [one.seen for one in messages if one.seen is not None]


def _of_turn(transcript: Transcript, children: Mapping[str, MessageSeen]) -> list[MessageSeen]:
    """Return the messages of subagents without those of earlier turns."""
    since_ms = min((seen.created_ms for seen in _seen(transcript.messages)), default=0.0)
    return [one for one in children.values() if one.created_ms >= since_ms]
