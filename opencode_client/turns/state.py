"""`TurnState`: the protocol of one turn as a state machine. No I/O and no clock: every input comes with the time.

It decides which messages belong to the turn, when to read the session again, when the turn is over, and how it went.

A turn is over when one of these is known:

* the POST of the prompt was answered, and the session is idle or answers a later prompt;
* the session is idle, and the last message that answers the prompt is complete;
* the session answers a later prompt, and the last message that answers this one is complete.

An idle session alone means nothing: a prompt that was just sent is not busy yet, and an abort makes it idle twice. So
an event only leads to reading the session (`Look`), and the messages decide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import (
    ArgumentError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConflictError,
    ConnectError,
    EmptyResponseError,
    ForbiddenError,
    NotFoundError,
    OpencodeError,
    PayloadTooLargeError,
    StatusError,
    TurnAbortedError,
    TurnBudgetError,
    TurnError,
    TurnLostError,
    TurnTimeoutError,
)
from .ask_book import AskBook
from .inputs import (
    Abort,
    Action,
    Asked,
    AskGone,
    Decide,
    Delta,
    Done,
    Gap,
    Input,
    InstanceGone,
    Look,
    MessageSeen,
    PartSeen,
    ReplyTo,
    Send,
    SessionFailed,
    SessionGone,
    SessionSeen,
    Snapshot,
    StatusSeen,
    Stop,
    Tick,
    TodosSeen,
    TurnSpec,
)
from .result import Tokens, TurnResult
from .transcript import Transcript, TurnMessage
from .updates import Retrying, SubagentChanged, TodoChanged, TurnFinished, TurnGap, Update
from .v1 import error_of, message_of

STOPPING_S = 5.0
"""The longest time between an abort and the end of the turn."""
_AGAIN_S = 1.0
"""The time between two looks, and between two aborts, while the end is near."""
_FAR_S = 3600.0
_SETTLE_S = 0.5
"""The time that the last events may need after the answer."""
_SILENCE_S = (1.0, 5.0, 20.0)
"""The time without events after which to look: at first, at most without any event, and after one has come."""
_IDLE_S = {"complete": 1.0, "stored": 1.5, "not stored": 6.0, "unanswered": 10.0}
"""How long a session has to be idle before the turn counts as over or lost. A cold instance needs 5 s to begin."""
_SIGNS_OF_LIFE = (Delta, PartSeen, MessageSeen, StatusSeen, Asked)
_UNREACHABLE_S = 8.0
_UNRESPONSIVE_S = 30.0
"""The time after which a server that refuses connections, or does not respond, counts as gone."""
_FINAL = (
    ArgumentError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConflictError,
    ConnectError,
    ForbiddenError,
    NotFoundError,
    PayloadTooLargeError,
)
"""Errors of the POST after which the prompt was not accepted. After others the turn may run."""


class TurnState:
    """The state of one turn. `feed` returns updates for the user, and actions for the driver."""

    def __init__(self, spec: TurnSpec, now_s: float) -> None:
        self.spec = spec
        self.result: TurnResult[Any] | None = None
        self.error: Exception | None = None
        self.family: dict[str, SessionSeen] = {}
        """The subagents' sessions by id, however deep."""
        self.transcript: Transcript = Transcript(spec.key, spec.after)
        self._asks = AskBook(spec.permissions, spec.questions, spec.may_ask)
        self._out: list[Update | Action] = []
        self._begun_s = self._now_s = self._event_s = now_s
        self._answered_s: float | None = None
        self._is_pending = not spec.follows  # the POST
        self._lost: Exception | None = None  # the error of the POST
        self._status = ""
        self._silence_s = _SILENCE_S[0]
        self._looking: Look | None = None
        self._look_at_s: float | None = now_s if spec.follows else None
        self._is_stale = spec.follows  # more than the messages has to be read
        self._idle_since_s: float | None = None
        self._failing_since_s: float | None = None
        self._stopping: Exception | None = None
        self._stop_by_s = self._abort_at_s = 0.0
        self._failure = ""
        self._is_instance_gone = False
        self._gaps = 0
        self._todos: object = None
        self._statuses: dict[str, str] = {}
        self._child_messages: dict[str, MessageSeen] = {}
        self._handlers: dict[type, Callable[[Any], None]] = {
            Delta: self._on_delta,
            PartSeen: self._on_part,
            MessageSeen: self._on_message,
            StatusSeen: self._on_status,
            SessionSeen: self._on_session,
            SessionGone: self._on_session_gone,
            SessionFailed: self._on_failed,
            Asked: self._on_asked,
            AskGone: lambda gone: self._out.extend(self._asks.close(gone.session_id, gone.ask_id)),
            TodosSeen: self._on_todos,
            InstanceGone: self._on_instance_gone,
            Gap: self._on_gap,
            Tick: lambda _: None,
            Stop: lambda stop: self._stop(stop.error),
            Done: self._on_done,
        }
        self._on_end: dict[type, Callable[[Done], None]] = {
            Send: self._on_answer,
            Look: self._on_look,
            Decide: self._on_decided,
            ReplyTo: self._on_replied,
            Abort: lambda _: None,
        }

    @property
    def is_done(self) -> bool:
        """True after the end: `result` and `error` are set, and inputs change nothing."""
        return self.result is not None

    @property
    def wake_at_s(self) -> float:
        """The time at which `feed` has to be called, even if nothing happens."""
        times = [self._look_due_s()]
        if self._stopping is not None:
            times += [self._stop_by_s, self._abort_at_s]
        elif self.spec.timeout_s is not None:
            times.append(self._begun_s + self.spec.timeout_s)
        return min(times)

    def feed(self, item: Input, now_s: float) -> list[Update | Action]:
        """Read one input. Return the updates and actions that follow from it, in order."""
        if self.is_done:
            return []
        self._now_s = now_s
        if isinstance(item, _SIGNS_OF_LIFE):
            self._event_s, self._silence_s = now_s, _SILENCE_S[2]
        self._handlers[type(item)](item)
        if not isinstance(item, Delta):
            self._advance()
        out, self._out = self._out, []
        return out

    def _advance(self) -> None:
        """Do what is due at this time."""
        self._take_updates()
        if self.is_done:
            return None
        now_s = self._now_s
        limit_s = self.spec.timeout_s
        if self._stopping is not None and now_s >= self._stop_by_s:
            return self._finish(None)
        if self._stopping is None and limit_s is not None and now_s - self._begun_s >= limit_s:
            self._stop(TurnTimeoutError(f"the turn was not over after {limit_s:g} s, so it was aborted"))
        if self._stopping is not None and now_s >= self._abort_at_s:
            self._abort()
        if now_s >= self._look_due_s():
            self._look()
        return None

    def _look_due_s(self) -> float:
        """Return the time to look at the session: because the turn seems to be over, or because nothing happens."""
        if self._looking is not None:
            return self._now_s + _FAR_S
        silent_s = self._event_s + self._silence_s
        if self._look_at_s is not None:
            return min(silent_s, self._look_at_s)
        if self._answered_s is not None:
            return self._now_s if self._status == "idle" else self._answered_s + _SETTLE_S
        answers = self.transcript.answers
        rests = self._status == "idle" and not self._is_pending
        if answers and _is_complete(answers[-1]) and (rests or self.transcript.is_superseded):
            return self._now_s
        return silent_s

    def _look(self) -> None:
        is_full = self._is_stale or self._status != "idle" or self._answered_s is None
        if self._now_s >= self._event_s + self._silence_s:
            self._event_s = self._now_s
            self._silence_s = max(self._silence_s, min(2 * self._silence_s, _SILENCE_S[1]))
        self._look_at_s, self._is_stale = None, False
        limit = 10 + 2 * len(self.transcript.messages)
        self._looking = Look(is_full, limit, tuple(self.family), self._now_s)
        self._out.append(self._looking)

    def _on_delta(self, delta: Delta) -> None:
        if delta.session_id == self.spec.session_id:
            self.transcript.add_delta(delta)
            self._take_updates()

    def _on_part(self, part: PartSeen) -> None:
        if part.child_id is not None and part.child_id not in self.family:
            self._on_session(SessionSeen(part.child_id, part.session_id, ""))
        if part.session_id == self.spec.session_id:
            self.transcript.see_part(part)

    def _on_message(self, message: MessageSeen) -> None:
        if message.session_id == self.spec.session_id:
            self.transcript.see_message(message)
        elif not message.is_user:
            self._child_messages[message.message_id] = message
        self._check_budget()

    def _on_status(self, status: StatusSeen) -> None:
        child = self.family.get(status.session_id)
        if status.session_id == self.spec.session_id:
            if status.kind == "idle" != self._status and self._answered_s is not None:
                self._look_at_s = self._now_s
            self._status = status.kind
            if status.kind != "idle":
                self._idle_since_s = None
            if status.kind == "retry":
                self._out.append(Retrying(status.attempt, status.message, status.next_ms))
        elif child is not None and self._statuses.get(child.session_id) != status.kind:
            self._change(child, status.kind)

    def _on_session(self, session: SessionSeen) -> None:
        known = {self.spec.session_id, *self.family}
        if session.session_id not in known and session.parent_id in known:
            self.family[session.session_id] = session
            self._change(session, "started")

    def _change(self, child: SessionSeen, status: str) -> None:
        self._statuses[child.session_id] = status
        self._out.append(SubagentChanged(child.session_id, child.parent_id, status, child.title))

    def _on_session_gone(self, gone: SessionGone) -> None:
        if gone.session_id == self.spec.session_id:
            self._abort()  # the turn may go on; 1.18.33 answers 404 to this
            self._lose("the session was deleted", stored=False)
        elif gone.session_id in self.family:
            self._change(self.family[gone.session_id], "deleted")

    def _on_failed(self, failed: SessionFailed) -> None:
        if failed.session_id in (None, self.spec.session_id):
            self._failure = failed.message or self._failure

    def _on_asked(self, asked: Asked) -> None:
        if self._stopping is None and asked.session_id in (self.spec.session_id, *self.family):
            self._out += self._asks.add(asked.ask, self._now_s)

    def _on_todos(self, seen: TodosSeen) -> None:
        if seen.session_id == self.spec.session_id and seen.todos != self._todos:
            self._todos = seen.todos
            self._out.append(TodoChanged(seen.todos))

    def _on_instance_gone(self, _: InstanceGone) -> None:
        self._is_instance_gone = True
        self._look_soon(_AGAIN_S)

    def _on_gap(self, gap: Gap) -> None:
        self._gaps += 1
        self._out.append(TurnGap(gap.reason))
        self._look_soon(0.0)

    def _on_done(self, done: Done) -> None:
        self._on_end[type(done.action)](done)

    def _on_answer(self, done: Done) -> None:
        self._is_pending = False
        if done.error is None:
            self._answered_s = self._now_s
            prompt_id = done.value[0].parent_id
            if self.spec.key is None and prompt_id is not None:
                self.transcript.adopt(prompt_id)
            self.transcript.read([done.value])
        elif isinstance(done.error, _FINAL) or not isinstance(done.error, OpencodeError):
            self._finish(done.error)
        else:
            self._lost = done.error
            self._look_soon(0.0)

    def _on_look(self, done: Done) -> None:
        look, self._looking = self._looking, None
        if done.error is not None or look is None:
            return self._on_look_failed(done.error)
        self._failing_since_s = None
        seen: Snapshot = done.value
        for child in seen.children:
            self._on_session(child)
        if self.spec.follows and self.transcript.prompt_id is None:
            self._join(seen)
        self.transcript.read(seen.messages)
        for message in seen.child_messages:
            self._child_messages[message.message_id] = message
        self._take_updates()
        if seen.asks is not None and self._stopping is None:
            family = {self.spec.session_id, *self.family}
            pending = [ask for ask in seen.asks if ask.session_id in family]
            self._out += self._asks.compare(pending, look.since_s, self._now_s)
        if seen.status is not None:
            self._on_status(seen.status)
        self._judge()
        return None

    def _join(self, seen: Snapshot) -> None:
        """Take the last prompt of a person as the prompt of a turn that runs already."""
        users = [message for message, parts in seen.messages if message.is_user and not _is_automatic(parts)]
        if users:
            self.transcript.adopt(users[-1].message_id)

    def _on_look_failed(self, error: Exception | None) -> None:
        if isinstance(error, NotFoundError):
            return self._lose("the session does not exist any more", stored=False)
        if isinstance(error, ClientClosedError) or not isinstance(error, OpencodeError):
            return self._finish(error)
        since_s = self._failing_since_s = self._failing_since_s or self._now_s
        limit_s = _UNREACHABLE_S if isinstance(error, ConnectError) else _UNRESPONSIVE_S
        if self._now_s - since_s >= limit_s:
            return self._lose(f"the server is gone: {error}", stored=None)
        return self._look_soon(_AGAIN_S)

    def _judge(self) -> None:
        """Decide if the turn is over, from what was read."""
        answers = self.transcript.answers
        is_idle = self._status == "idle"
        if is_idle and self._idle_since_s is None:
            self._idle_since_s = self._now_s
        idle_s = self._now_s - self._idle_since_s if is_idle and self._idle_since_s is not None else -1.0
        is_complete = bool(answers) and _is_complete(answers[-1])
        if self._answered_s is not None:
            if is_idle or self.transcript.is_superseded or self._now_s - self._answered_s > STOPPING_S:
                return self._finish(None)
            return self._look_soon(_AGAIN_S)
        if is_complete and self.transcript.is_superseded:
            return self._finish(None)
        if self.spec.follows and is_idle and (is_complete or self.transcript.prompt_id is None):
            return self._finish(None)
        if not is_idle:
            return None
        if answers and answers[-1].seen and answers[-1].seen.is_over and idle_s >= _IDLE_S["complete"]:
            return self._finish(None)
        case = "unanswered" if self._is_pending else "stored" if self.transcript.prompt_id else "not stored"
        if idle_s >= _IDLE_S[case] and (self.transcript.prompt_id or not self._is_pending):
            return self._give_up()
        return self._look_soon(_AGAIN_S) if not self._is_pending or self.transcript.prompt_id else None

    def _give_up(self) -> None:
        """The session rests without an answer."""
        refused = isinstance(self._lost, EmptyResponseError | StatusError)
        if (self._failure or refused) and not self.transcript.answers:
            error = TurnError(f"the turn did not begin: {self._failure or self._lost}")
            error.__cause__ = self._lost
            return self._finish(error)
        return self._lose(
            "the session rests, but the turn has no end", stored=self.transcript.prompt_id is not None
        )

    def _on_decided(self, done: Done) -> None:
        assert isinstance(done.action, Decide)  # noqa: S101 # see _on_end
        error = done.error
        if error is None:
            try:
                self._out += self._asks.decided(done, done.action.ask)
            except ArgumentError as wrong:
                error = wrong
        if error is not None:
            self._stop(error)

    def _on_replied(self, done: Done) -> None:
        assert isinstance(done.action, ReplyTo)  # noqa: S101 # see _on_end
        self._out += self._asks.replied(done.action, done.error)
        if done.error is not None:
            self._look_soon(_AGAIN_S)

    def _check_budget(self) -> None:
        spec, answers = self.spec, self.transcript.answers
        if self._stopping is not None or (spec.max_cost is None and spec.max_steps is None):
            return
        cost, steps = self._cost(answers), [one for one in answers if one.seen and one.seen.is_over]
        if spec.max_cost is not None and cost > spec.max_cost:
            self._stop(
                TurnBudgetError(f"the turn has cost {cost:g} USD, more than max_cost={spec.max_cost:g}")
            )
        elif spec.max_steps is not None and len(steps) + _goes_on(steps) > spec.max_steps:
            self._stop(TurnBudgetError(f"the turn needs more steps than max_steps={spec.max_steps}"))

    def _stop(self, error: Exception) -> None:
        if self._stopping is None:
            self._stopping = error
            self._stop_by_s = self._now_s + STOPPING_S
            self._abort()

    def _abort(self) -> None:
        self._abort_at_s = self._now_s + _AGAIN_S
        if self.transcript.has_later_prompt:
            return  # the abort would stop that one
        self._out.append(Abort((self.spec.session_id, *self.family)))

    def _lose(self, reason: str, *, stored: bool | None) -> None:
        lost = TurnLostError(f"the turn is lost: {reason}")
        lost.stored = stored
        lost.__cause__ = self._lost
        self._finish(lost)

    def _finish(self, error: Exception | None) -> None:
        if self.is_done:
            return
        self._take_updates()
        answers = self.transcript.answers
        last = answers[-1].seen if answers else None
        error = self._stopping or error
        if error is None:
            error = self._own_error(answers)
        self.result = self._result(answers)
        if isinstance(error, TurnError):
            error.partial = self.result
            own = error_of(last.raw) if last is not None else None
            error.error = error.error or (own.error if own else None)
        self.error = error
        self._out.append(TurnFinished(self.result, error))

    def _own_error(self, answers: list[TurnMessage]) -> Exception | None:
        last = answers[-1].seen if answers else None
        if last is None:
            if self.spec.follows:
                return None
            late = "the server has answered this prompt together with a later one"
            return TurnError(
                late if self.transcript.is_superseded else f"the turn has no answer: {self._failure}"
            )
        error = error_of(last.raw)
        if isinstance(error, TurnAbortedError) and self._is_instance_gone:
            lost = TurnLostError("the turn is lost: the instance was disposed")
            lost.stored = True
            return lost
        return error

    def _result(self, answers: list[TurnMessage]) -> TurnResult[Any]:
        messages = [(one, one.seen) for one in self.transcript.messages if one.seen is not None]
        full = [message_of(seen.raw, one.plain()) for one, seen in messages]
        seens = [one.seen for one in answers if one.seen is not None]
        prompted_ms = min((seen.created_ms for _, seen in messages), default=0.0)
        children = [one for one in self._child_messages.values() if one.created_ms >= prompted_ms]
        return TurnResult(
            session_id=self.spec.session_id,
            message_id=self.transcript.prompt_id,
            text=self.transcript.last_text(),
            reasoning="".join(
                one.visible("reasoning") for one in answers if one.seen and not one.seen.is_summary
            ),
            messages=tuple(full),
            tool_calls=tuple(part for message in full for part in message.parts if part.type == "tool"),
            replies=tuple(self._asks.replies),
            tokens=sum((seen.tokens for seen in seens), Tokens()),
            cost=sum(seen.cost for seen in seens),
            subagent_tokens=sum((one.tokens for one in children), Tokens()),
            subagent_cost=sum(one.cost for one in children),
            structured=None,
            finish=seens[-1].finish if seens else None,
            duration_s=self._now_s - self._begun_s,
            gaps=self._gaps,
        )

    def _cost(self, answers: list[TurnMessage]) -> float:
        prompted_ms = min((one.seen.created_ms for one in answers if one.seen), default=0.0)
        children = [one.cost for one in self._child_messages.values() if one.created_ms >= prompted_ms]
        return sum(one.seen.cost for one in answers if one.seen) + sum(children)

    def _look_soon(self, delay_s: float) -> None:
        self._is_stale = True
        at_s = self._now_s + delay_s
        self._look_at_s = at_s if self._look_at_s is None else min(at_s, self._look_at_s)

    def _take_updates(self) -> None:
        if self.transcript.updates:
            self._out += self.transcript.updates
            self.transcript.updates.clear()


def _goes_on(steps: list[TurnMessage]) -> bool:
    return bool(steps) and steps[-1].seen is not None and steps[-1].seen.goes_on


def _is_complete(message: TurnMessage) -> bool:
    return message.seen is not None and message.seen.is_over and not message.seen.goes_on


def _is_automatic(parts: Any) -> bool:  # Any: PartSeen
    return bool(parts) and all(
        one.kind == "compaction" or (one.kind == "text" and one.is_hidden) for one in parts
    )
