"""`TurnState`: the protocol of one turn as a state machine. No I/O and no clock: every input comes with the time.

It decides which messages belong to the turn, when to read the session again, when the turn is over, and how it went.

A turn is over when one of these is known:

* the events have shown all of it, up to the message that the POST of the prompt was answered with;
* the POST was answered, and the session is idle or answers a later prompt;
* the session is idle, and the last message that answers the prompt is complete;
* the session answers a later prompt, and the last message that answers this one is complete.

An idle session alone means nothing: a prompt that was just sent is not busy yet, and an abort makes it idle twice. So
in all cases but the first, an event only leads to reading the session (`Poll`), and the messages decide.
"""

from __future__ import annotations

from typing import Any

from .. import errors
from . import inputs
from .inputs import Action, Asked, Delta, Done, Input, MessageSeen, PartSeen, StatusSeen, TurnPlan
from .known_asks import KnownAsks
from .outcome import complete, error_of_turn, lost, passed_budget, result_of, unanswered, was_refused
from .poll_timer import AGAIN_S, PollTimer
from .result import TurnResult
from .structured import checked
from .subagents import Subagents
from .transcript import Transcript
from .updates import Retrying, TodoChanged, TurnFinished, TurnGap, Update
from .v1 import is_automatic

STOPPING_S = 5.0
"""The longest time between an abort and the end of the turn, in seconds."""
_SETTLE_S, _EVENT_S = 0.5, 3.0
"""The seconds that the last events may need after the answer. The second one is for a server that sends events.
With many turns the server is slow, and reading all their sessions would make it slower."""
_IDLE_S = {"complete": 1.0, "stored": 1.5, "not stored": 6.0, "unanswered": 10.0}
"""Seconds that a session has to be idle before the turn counts as over or lost. A cold instance needs 5 s to begin."""
_SIGNS_OF_LIFE = (Delta, PartSeen, MessageSeen, StatusSeen, Asked, inputs.EventsWork)


class TurnState:
    """The state of one turn. After the end, `result` and `error` are set. `subagents` are the subagents' sessions."""

    def __init__(self, plan: TurnPlan, now_s: float) -> None:
        self.plan = plan
        self.is_over: bool = False
        self.result: TurnResult[Any] | None = None
        self.error: Exception | None = None
        self.subagents: Subagents = Subagents(plan.session_id)
        self.transcript: Transcript = Transcript(plan.key, plan.after)
        self._asks = KnownAsks(plan.permissions, plan.questions, plan.may_ask)
        self._out: list[Update | Action] = []
        self._begun_s = self._now_s = now_s
        self._is_pending = not plan.follows  # the POST waits for its answer
        self._answered_s: float | None = None
        self._answer: tuple[MessageSeen, list[PartSeen]] | None = None  # of the POST
        self._lost: Exception | None = None  # the error of the POST
        self._status = self._failure = ""
        self._polls = PollTimer(now_s, is_due=plan.follows)
        self._idle_since_s: float | None = None
        self._stopping: Exception | None = None
        self._stop_by_s = self._abort_at_s = 0.0
        self._is_disposed = self._has_waited = self._has_events = False
        self._gaps = 0
        self._todos: object = None
        self._retry: object = None

    @property
    def wake_at_s(self) -> float:
        """The time at which `feed` has to be called, even if nothing happens."""
        times = [self._poll_due_s()]
        if self._stopping is not None:
            times += [self._stop_by_s, self._abort_at_s]
        elif self.plan.timeout_s is not None:
            times.append(self._begun_s + self.plan.timeout_s)
        return min(times)

    def feed(self, item: Input, now_s: float) -> list[Update | Action]:
        """Read one input. Return the updates and actions that follow from it, in order."""
        if self.result is not None:
            return []
        self._now_s = now_s
        if isinstance(item, _SIGNS_OF_LIFE):
            self._polls.see_event(now_s, is_pending=self._is_pending)
        if isinstance(item, Delta):  # the most frequent input: nothing else depends on it
            return self.transcript.add_delta(item) if item.session_id == self.plan.session_id else []
        self._read(item)
        self._out += self.transcript.take_updates()
        self._advance()
        out, self._out = self._out, []
        return out

    def _read(self, item: Input) -> None:
        is_own = getattr(item, "session_id", None) == self.plan.session_id
        match item:
            case PartSeen():
                if item.child_id is not None:
                    self._out += self.subagents.add(inputs.SessionSeen(item.child_id, item.session_id, ""))
                if is_own:
                    self.transcript.see_part(item)
            case MessageSeen():
                if is_own:
                    self.transcript.see_message(item)
                elif not item.is_user:
                    self.subagents.messages[item.message_id] = item
                self._check_budget()
            case StatusSeen():
                self._see_status(item)
            case inputs.SessionSeen():
                self._out += self.subagents.add(item)
            case inputs.SessionGone():
                if is_own:  # the turn goes on until it is aborted: 1.3.2, 1.18.33
                    self._stop(lost("the session was deleted", stored=False))
                self._out += self.subagents.change(item.session_id, "deleted")
            case inputs.SessionFailed() if is_own or item.session_id is None:
                self._failure = item.message or self._failure
            case Asked() if self.subagents.is_ours(item.session_id):
                stops = self._stopping is not None
                new = [inputs.ReplyTo(item.ask, "reject")] if stops else self._asks.add(item.ask, self._now_s)
                self._out += new
            case inputs.AskGone():
                self._out += self._asks.close(item.session_id, item.ask_id)
            case inputs.TodosSeen() if is_own and item.todos != self._todos:
                self._todos = item.todos
                self._out.append(TodoChanged(item.todos))
            case inputs.EventsWork():
                self._has_events = True
            case inputs.InstanceGone():
                self._is_disposed = True
                self._poll_soon(AGAIN_S)
            case inputs.Gap():
                self._gaps += 1
                self._is_disposed = self._is_disposed or item.is_end
                self._out.append(TurnGap(item.reason))
                self._poll_soon(0.0)
            case inputs.Stop():
                self._stop(item.error)
            case Done():
                self._end_action(item)
            case _:
                pass

    def _advance(self) -> None:
        """Do the steps that are due now."""
        now_s, limit_s = self._now_s, self.plan.timeout_s
        if self.result is not None:
            return
        if self._stopping is None and limit_s is not None and now_s - self._begun_s >= limit_s:
            text = f"the turn was not over after {limit_s:g} s, so it was aborted"
            self._stop(errors.TurnTimeoutError(text + self._asks.waited_for()))
        if self._stopping is not None and now_s >= self._stop_by_s:
            self._finish(None)
        elif self._stopping is not None and now_s >= self._abort_at_s:
            self._abort()
        if self.result is not None or now_s < self._poll_due_s():
            return
        if self._has_seen_all():
            self._finish(None)
        else:
            self._poll()

    def _poll_due_s(self) -> float:
        """Return the time to look at the session: because the turn seems to be over, or because nothing happens."""
        planned_s, is_idle = self._polls.next_s(self._now_s), self._status == "idle"
        if planned_s is not None:
            return planned_s
        if self._answered_s is not None:
            late_s = _EVENT_S if self._has_events else _SETTLE_S
            return self._now_s if is_idle else self._answered_s + late_s
        rests = is_idle and not self._is_pending
        is_near = (rests or self.transcript.is_superseded) and self.transcript.is_complete
        return self._now_s if is_near else self._polls.silent_s

    def _poll(self) -> None:
        is_full = self._polls.is_stale or self._status != "idle" or self._answered_s is None
        self._polls.begin(self._now_s)
        limit = 10 + 2 * len(self.transcript.messages)
        self._out.append(inputs.Poll(is_full, limit, tuple(self.subagents), self._now_s))

    def _has_seen_all(self) -> bool:
        """Return True if the events have shown the whole turn, up to the message that the POST was answered with."""
        is_sure = self._has_events and not (
            self._gaps or self._polls.is_stale or self._stopping or self._failure
        )
        if self._answer is None or self.plan.key is None or not is_sure or self._status != "idle":
            return False
        return not self._asks and not [*self.subagents] and self.transcript.is_whole(self._answer[0])

    def _poll_soon(self, delay_s: float) -> None:
        self._polls.read_all(self._now_s + delay_s)

    def _see_status(self, status: StatusSeen) -> None:
        if status.session_id == self.plan.session_id:
            if status.kind != "idle":
                self._idle_since_s = None
            elif self._status != "idle" and self._answered_s is not None:
                self._polls.read_messages(self._now_s)
            self._status = status.kind
            if status.kind == "retry" and status != self._retry:  # a poll shows it, too
                self._retry = status
                self._out.append(Retrying(status.attempt, status.message, status.next_ms))
        else:
            self._out += self.subagents.change(status.session_id, status.kind)

    def _end_action(self, done: Done) -> None:
        action, error = done.action, done.error
        match action:
            case inputs.Send():
                self._see_answer(done)
            case inputs.Poll():
                self._polls.is_polling = False
                if error is None:
                    self._see_snapshot(action, done.value)
                else:
                    ending = self._polls.fail(error, self._now_s, is_pending=self._is_pending)
                    if ending is not None:
                        self._read_answer()  # a complete answer is a result, even if the server is gone now
                        has_all = self._answered_s is not None and self.transcript.is_complete
                        self._finish(None if has_all else ending)
            case inputs.Decide():
                try:
                    self._out += self._asks.decided(done.value, action.ask) if error is None else []
                except errors.ArgumentError as wrong:
                    error = wrong
                if error is not None:
                    self._stop(error)
            case inputs.Abort() if isinstance(self._stopping, errors.TurnLostError):  # of a deleted session
                self._finish(None)
            case inputs.ReplyTo():
                self._out += self._asks.replied(action, error)
                if error is not None:
                    self._poll_soon(AGAIN_S)
            case _:
                pass

    def _see_answer(self, done: Done) -> None:
        self._is_pending = False
        self._polls.see_answer()
        error = done.error
        if error is None:
            self._answered_s, self._answer = self._now_s, done.value
            if not self._has_events:  # else the events of the steps before it come first
                self._read_answer()
            elif self.plan.key is None and (prompt_id := done.value[0].parent_id) is not None:
                self.transcript.adopt(prompt_id)
        elif was_refused(error):
            self._finish(error)
        else:
            self._lost = error
            self._poll_soon(0.0)

    def _read_answer(self) -> None:
        if self._answer is not None:
            self.transcript.read_answer(*self._answer, is_ours=self.plan.key is None)

    def _see_snapshot(self, poll: inputs.Poll, seen: inputs.Snapshot) -> None:
        self._polls.succeed(self._now_s)
        for child in seen.children:
            self._out += self.subagents.add(child)
        users = [one.message_id for one, parts in seen.messages if one.is_user and not is_automatic(parts)]
        if self.plan.follows and users:
            self.transcript.adopt(users[-1])  # the last prompt is the turn that runs
        if self._answer is not None and not users:  # 1.14 to 1.18 cannot list some prompts
            self.transcript.read_answer(*self._answer, is_ours=True)
        self.transcript.read(seen.messages)
        self._read_answer()
        self.subagents.messages |= {one.message_id: one for one in seen.child_messages}
        self._out += self.transcript.take_updates()
        if seen.asks is not None and self._stopping is None:
            pending = [ask for ask in seen.asks if self.subagents.is_ours(ask.session_id)]
            self._out += self._asks.compare(pending, self.plan.directory, poll.since_s, self._now_s)
        if seen.status is not None:
            self._see_status(seen.status)
        self._check_budget()
        self._judge()

    def _judge(self) -> None:
        """Decide if the turn is over, after a snapshot was read."""
        transcript, now_s = self.transcript, self._now_s
        is_idle, is_stored = self._status == "idle", transcript.prompt_id is not None
        self._idle_since_s = (self._idle_since_s or now_s) if is_idle else None
        idle_s = now_s - self._idle_since_s if self._idle_since_s is not None else 0.0
        has_ended = transcript.last is not None and transcript.last.is_over
        if self._answered_s is not None:
            limit_s = AGAIN_S if self._stopping is not None else STOPPING_S
            is_over = is_idle or transcript.is_superseded or now_s - self._answered_s > limit_s
        elif self.plan.follows and is_idle:
            is_over = transcript.is_complete or not is_stored or idle_s >= _IDLE_S["stored"]
        else:
            is_over = has_ended and is_idle and idle_s >= _IDLE_S["complete"]
            is_over = is_over or (transcript.is_complete and transcript.is_superseded)
        case = "unanswered" if self._is_pending else "stored" if is_stored else "not stored"
        waits = self._answered_s is not None or (is_idle and (is_stored or not self._is_pending))
        if is_over and self._was_aborted_elsewhere():
            self._poll_soon(_SETTLE_S)
        elif is_over:
            self._finish(None)
        elif waits and idle_s >= _IDLE_S[case] and self._answered_s is None:
            self._finish(unanswered(transcript, self._failure, self._lost, self.plan.directory))
        elif waits:
            self._poll_soon(AGAIN_S)

    def _was_aborted_elsewhere(self) -> bool:
        """Return True once if the turn was aborted, but not by this program: the reason may be known a bit later."""
        error = error_of_turn(self.transcript, "", is_disposed=self._is_disposed)
        waits = isinstance(error, errors.TurnAbortedError) and not (self._stopping or self._has_waited)
        self._has_waited = self._has_waited or waits
        return waits

    def _check_budget(self) -> None:
        """Abort a turn that has passed a limit, but only after its next step has begun: else 1.1.x would stay busy."""
        last = self.transcript.last
        if last is not None and not last.is_over:
            passed = passed_budget(self.transcript, self.subagents.messages, self.plan)
            if passed is not None:
                self._stop(passed)

    def _stop(self, error: Exception) -> None:
        if self._stopping is None:
            self._stopping = error
            self._stop_by_s = self._now_s + STOPPING_S
            self._abort()
            self._out += self._asks.reject()

    def _abort(self) -> None:
        self._abort_at_s = self._now_s + AGAIN_S
        if not self.transcript.has_later_prompt:  # else the abort would stop that one
            self._out.append(inputs.Abort((self.plan.session_id, *self.subagents)))

    def _finish(self, error: Exception | None) -> None:
        self._read_answer()
        self._out += self.transcript.take_updates()
        self._out += self._asks.end()
        error = self._stopping or error
        if error is None:
            error = passed_budget(self.transcript, self.subagents.messages, self.plan)
        if error is None and (self.transcript.answers or not self.plan.follows):
            error = error_of_turn(self.transcript, self._failure, is_disposed=self._is_disposed)
        about = {"session_id": self.plan.session_id, "replies": tuple(self._asks.replies), "gaps": self._gaps}
        duration_s = self._now_s - self._begun_s
        self.result = result_of(self.transcript, self.subagents.messages, duration_s=duration_s, **about)
        if error is None and self.plan.output is not None:
            self.result, error = checked(self.result, self.plan.output)
        if isinstance(error, errors.TurnError):
            complete(error, self.transcript, self.result)
        self.error = error
        self.is_over = True
        self._out.append(TurnFinished(self.result, error))
