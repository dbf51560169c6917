"""The protocol of a turn, without a server: orders of inputs that real servers showed, lost and foreign inputs."""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller
from typing import Any

import pytest

from opencode_client import (
    AskClosed,
    ClientClosedError,
    Compacting,
    ConnectError,
    ConnectionLostError,
    EmptyResponseError,
    NotFoundError,
    PermissionAsk,
    QuestionAsk,
    ReasoningDelta,
    Reject,
    RequestTimeoutError,
    Retrying,
    ServerError,
    StepFinished,
    SubagentChanged,
    TextDelta,
    TextReplaced,
    TodoChanged,
    ToolUpdate,
    TurnAbortedError,
    TurnBudgetError,
    TurnError,
    TurnFinished,
    TurnGap,
    TurnLostError,
    TurnTimeoutError,
)
from opencode_client.models import PermissionRequest
from opencode_client.turns.inputs import Abort, Decide, Done, EventsWork, Gap, ReplyTo, SessionSeen, Stop
from opencode_client.turns.v1 import KEY
from tests.support.turn_inputs import (
    CHILD,
    SESSION,
    Game,
    Message,
    event,
    permission,
    prompt,
    question,
    status,
)

_HTTP: dict[str, Any] = {"operation": "session.prompt", "method": "POST", "url": "http://server"}
_STATUS: dict[str, Any] = {**_HTTP, "headers": {}, "body": b""}
_CUT = ConnectionLostError("cut", **_HTTP)
_GONE = NotFoundError("no session", **_STATUS, status=404)
_IDLE = (status("idle"), event("session.idle", sessionID=SESSION))


def _answer(text: str = "Hello", number: int = 2, **more: Any) -> Message:
    return Message(number, **more).text(text)


def _begin(game: Game) -> Game:
    return game.play(prompt().updated(), prompt().part_updated(), status("busy"))


def _stream(game: Game, answer: Message, *pieces: str) -> Game:
    """Play an answer as 1.18.33 streams it."""
    game.play(Message(answer.number, is_over=False).updated())
    game.play(answer.part_updated(text="", time={"start": 1}))
    game.play(*(answer.delta(piece) for piece in pieces))
    return game.play(answer.part_updated(), answer.updated(), answer.updated())


def _error(game: Game, kind: type[Any]) -> Any:
    assert isinstance(game.state.error, kind), game.state.error
    return game.state.error


def test_a_plain_turn_is_over_when_it_was_answered_and_is_idle() -> None:
    game, answer = _begin(Game()), _answer()
    _stream(game, answer, "Hel", "lo").answered(answer)
    assert not game.looks
    game.play(*_IDLE).looked(prompt(), answer)
    result = game.state.result
    assert result is not None
    assert (result.text, result.finish, result.cost, result.tokens.input) == ("Hello", "stop", 0.5, 10)
    assert (result.message_id, len(result.messages), repr(result.subagent_cost)) == ("msg_001", 2, "0.0")
    assert [type(one).__name__ for one in game.updates] == ["TextDelta", "TextDelta", "TurnFinished"]


def test_events_after_the_end_change_nothing() -> None:
    game, answer = _begin(Game()), _answer()
    _stream(game, answer, "Hello").answered(answer).play(*_IDLE).looked(prompt(), answer)
    count = len(game.updates)
    game.play(*_IDLE, answer.delta("more"))
    assert (len(game.updates), game.actions) == (count, [])


def test_an_answer_without_any_event_is_enough() -> None:
    game, answer = Game(), _answer()
    game.answered(answer).wait(0.6).looked(prompt(), answer)
    assert game.state.result is not None
    assert game.texts() == {"prt_002_0": "Hello"}


def test_idle_before_busy_ends_nothing() -> None:
    game = Game().play(*_IDLE).wait(0.9)
    assert game.state.result is None
    assert not game.looks


def test_a_second_idle_of_an_aborted_turn_before_this_one_ends_nothing() -> None:
    game = _begin(Game()).play(*_IDLE).wait(0.5)
    assert game.state.result is None
    answer = _answer()
    game.play(status("busy"))
    _stream(game, answer, "Hello").answered(answer).play(*_IDLE).looked(prompt(), answer)
    assert game.state.error is None


def test_a_gap_between_the_prompt_and_busy_does_not_end_the_turn() -> None:
    game = Game().feed(Gap("cut")).looked(status="idle").wait(4)
    assert game.state.result is None
    assert game.seen(TurnGap)


def test_without_events_the_session_is_polled_until_the_answer_is_there() -> None:
    game, answer = Game(), _answer()
    game.wait(1.1).looked(prompt(), _answer("", is_over=False), status="busy").wait(2.2)
    game.looked(prompt(), answer, status="busy").answered(answer).wait(0.6).looked(
        prompt(), answer, status="idle"
    )
    assert game.state.result is not None
    assert game.texts() == {"prt_002_0": "Hello"}


def test_a_lost_answer_is_read_from_the_messages() -> None:
    game, answer = _begin(Game()), _answer()
    game.lost(_CUT).looked(prompt(), status="busy")
    _stream(game, answer, "Hello").play(*_IDLE).looked(prompt(), answer).wait(1.2).looked(prompt(), answer)
    assert game.state.error is None
    assert game.state.result is not None
    assert game.state.result.text == "Hello"


def test_a_proxy_that_answers_504_does_not_end_the_turn() -> None:
    game = (
        _begin(Game()).lost(ServerError("504", **_STATUS, status=504)).looked(prompt(), status="busy").wait(5)
    )
    assert game.state.result is None


def test_the_answer_of_another_prompt_is_not_taken() -> None:
    game, mine, theirs = _begin(Game()), _answer("mine"), _answer("theirs", 4, parent=3)
    _stream(game, mine, "mine").play(prompt(3, None).updated(), prompt(3, None).part_updated())
    game.play(theirs.updated(), theirs.part_updated()).looked(
        prompt(), mine, prompt(3, None), theirs, status="busy"
    )
    assert game.state.result is not None
    assert (game.state.result.text, len(game.state.result.messages)) == ("mine", 2)
    assert game.texts() == {"prt_002_0": "mine"}


def test_a_prompt_that_the_server_answers_with_a_later_one_is_an_error() -> None:
    game, theirs = _begin(Game()), _answer("theirs", 4, parent=3)
    game.answered(theirs).play(*_IDLE).looked(prompt(), prompt(3, None), theirs)
    assert "together with a later one" in str(_error(game, TurnError))


def test_a_text_that_lost_its_middle_is_replaced() -> None:
    game, answer = _begin(Game()), _answer("Hello, world")
    _stream(game, answer, "Hello, ", "ld")
    assert game.seen(TextReplaced)[0].text == "Hello, world"
    assert game.texts() == {"prt_002_0": "Hello, world"}


def test_deltas_of_a_part_whose_kind_is_not_known_wait() -> None:
    game, answer = _begin(Game()), Message(2).text("hm", kind="reasoning")
    game.play(Message(2, is_over=False).updated(), answer.delta("h"), answer.delta("m"))
    assert game.updates == []
    game.play(answer.part_updated())
    assert game.texts(ReasoningDelta) == {"prt_002_0": "hm"}


def test_reading_the_messages_does_not_take_back_a_text_in_progress() -> None:
    game, answer = _begin(Game()), _answer("Hello")
    game.play(
        Message(2, is_over=False).updated(),
        answer.part_updated(text="", time={"start": 1}),
        answer.delta("Hel"),
    )
    game.feed(Gap("cut")).looked(prompt(), Message(2, is_over=False).text("", is_over=False), status="busy")
    game.play(answer.delta("lo"))
    assert game.texts() == {"prt_002_0": "Hello"}
    assert not game.seen(TextReplaced)


def test_cumulative_texts_of_old_servers_become_deltas() -> None:
    game, answer = _begin(Game()), _answer("Hello")
    game.play(Message(2, is_over=False).updated())
    for text in ("", "He", "Hell", "Hello"):
        game.play(answer.part_updated(text=text, time={"start": 1}))
    assert [one.text for one in game.seen(TextDelta)] == ["He", "ll", "o"]


def test_synthetic_and_ignored_texts_are_not_shown() -> None:
    game, answer = _begin(Game()), Message(2).text("a", synthetic=True).text("b", ignored=True).text("c")
    game.answered(answer).wait(0.6).looked(prompt(), answer)
    assert game.state.result is not None
    assert (game.state.result.text, game.texts()) == ("c", {"prt_002_2": "c"})


def test_several_steps_are_one_turn() -> None:
    game = _begin(Game())
    step = Message(2, more={"finish": "tool-calls"}).tool("completed", output="a.txt")
    last = _answer("done", 3)
    game.play(step.updated(), step.part_updated()).play(*_IDLE)
    assert not game.looks
    _stream(game, last, "done").answered(last).play(status("busy"), *_IDLE).looked(prompt(), step, last)
    assert game.state.result is not None
    assert (game.state.result.text, game.state.result.cost) == ("done", 1.0)
    assert [call.tool for call in game.state.result.tool_calls] == ["bash"]


def test_a_tool_shows_each_state_once() -> None:
    game = _begin(Game()).play(Message(2, is_over=False).updated())
    for state in ("pending", "pending", "running", "completed", "running"):  # the last one is late
        game.play(Message(2).tool(state).part_updated())
    assert [one.status for one in game.seen(ToolUpdate)] == ["pending", "running", "completed"]


def test_a_step_that_ends_is_shown_with_its_cost() -> None:
    game, answer = _begin(Game()), Message(2)
    answer.with_part({"type": "step-finish", "reason": "stop", "cost": 0.25, "tokens": {"input": 3}})
    game.play(answer.updated(), answer.part_updated(), answer.part_updated())
    assert [(one.finish, one.cost, one.tokens.input) for one in game.seen(StepFinished)] == [
        ("stop", 0.25, 3)
    ]


def test_a_compaction_continues_the_turn() -> None:
    """The order of 1.18.33 for a conversation that is too long."""
    game = _begin(Game())
    failed = Message(2, more={"finish": None})
    compaction = Message(3, "user").with_part({"type": "compaction", "auto": True})
    summary = _answer("a summary", 4, parent=3, more={"summary": True})
    goes_on = Message(5, "user").text("Continue", synthetic=True)
    last = _answer("done", 6, parent=5)
    for one in (failed, compaction, summary, goes_on, last):
        game.play(one.updated(), *(one.part_updated(index) for index in range(len(one.parts))))
    game.answered(last).play(*_IDLE).looked(prompt(), failed, compaction, summary, goes_on, last)
    assert game.state.result is not None
    assert (game.state.result.text, game.state.result.cost) == ("done", 1.5)
    assert game.texts() == {"prt_006_0": "done"}
    assert len(game.seen(Compacting)) == 1


def test_a_retry_is_shown() -> None:
    game = _begin(Game()).play(status("retry", attempt=2, message="boom", next=5))
    assert game.seen(Retrying) == [Retrying(2, "boom", 5)]


def test_the_tasks_are_shown_when_they_change() -> None:
    todos = [{"content": "c", "status": "pending", "priority": "high"}]
    game = _begin(Game()).play(*[event("todo.updated", sessionID=SESSION, todos=todos)] * 2)
    assert [one.todos[0].content for one in game.seen(TodoChanged)] == ["c"]


def test_a_permission_is_decided_by_the_policy_at_once() -> None:
    game = _begin(Game(permissions="once")).play(permission(), permission())
    [reply] = game.taken(ReplyTo)
    assert reply.decision == "once"
    assert game.updates == []
    game.feed(Done(reply)).play(
        event("permission.replied", sessionID=SESSION, requestID="per_1", reply="once")
    )
    assert game.updates == []


def test_an_ask_that_somebody_else_answers_is_closed() -> None:
    game = _begin(Game()).play(permission())
    game.play(event("permission.replied", sessionID=SESSION, requestID="per_1", reply="once"))
    assert [type(one) for one in game.updates] == [PermissionAsk, AskClosed]


def test_a_reply_that_comes_too_late_closes_the_ask() -> None:
    game = _begin(Game()).play(permission())
    game.feed(Done(ReplyTo(game.seen(PermissionAsk)[0], "once"), error=_GONE))
    assert game.seen(AskClosed)


def test_a_reply_that_failed_is_tried_again() -> None:
    game = _begin(Game(permissions="once")).play(permission())
    [reply] = game.taken(ReplyTo)
    game.feed(Done(reply, error=_CUT)).wait(1.1)
    request = PermissionRequest.from_dict(permission()["properties"])
    game.looked(prompt(), status="busy", asks=[request])
    assert [one.decision for one in game.taken(ReplyTo)] == ["once"]


def test_an_ask_of_another_session_is_never_answered() -> None:
    game = _begin(Game(permissions="always")).play(permission(session="ses_other"))
    assert game.taken(ReplyTo) == []


def test_an_ask_of_a_subagent_is_answered_however_deep() -> None:
    game = _begin(Game(permissions="once"))
    for child, parent in ((CHILD, SESSION), ("ses_deep", CHILD)):
        info = {"id": child, "parentID": parent, "title": "t"}
        game.play(event("session.created", sessionID=child, info=info))
    game.play(permission("per_2", "ses_deep"))
    assert [one.ask.session_id for one in game.taken(ReplyTo)] == ["ses_deep"]
    assert [one.status for one in game.seen(SubagentChanged)] == ["started", "started"]


def test_an_ask_of_a_subagent_that_was_born_in_a_gap_is_found_by_listing() -> None:
    game = _begin(Game(permissions="once")).feed(Gap("cut"))
    request = PermissionRequest.from_dict(permission(session=CHILD)["properties"])
    game.looked(prompt(), status="busy", asks=[request], children=[SessionSeen(CHILD, SESSION, "t")])
    assert [one.ask.session_id for one in game.taken(ReplyTo)] == [CHILD]


def test_an_ask_that_was_answered_in_a_gap_is_closed() -> None:
    game = _begin(Game()).play(permission()).wait(1).feed(Gap("cut")).looked(prompt(), status="busy")
    assert game.seen(AskClosed)


def test_an_ask_that_is_younger_than_the_list_stays_open() -> None:
    game = _begin(Game()).feed(Gap("cut")).wait(0.1).play(permission()).looked(prompt(), status="busy")
    assert not game.seen(AskClosed)


def test_a_function_decides() -> None:
    def policy(ask: PermissionAsk) -> Reject:
        return Reject("no")

    game = _begin(Game(permissions=policy)).play(permission())
    [decide] = game.taken(Decide)
    game.feed(Done(decide, decide.function(decide.ask)))
    assert [one.decision for one in game.taken(ReplyTo)] == [Reject("no")]


def test_a_function_that_fails_aborts_the_turn_and_its_error_is_raised() -> None:
    def policy(_: PermissionAsk) -> str:
        return "once"

    game = _begin(Game(permissions=policy)).play(permission())
    [decide] = game.taken(Decide)
    game.feed(Done(decide, error=ZeroDivisionError()))
    assert game.taken(Abort)
    answer = Message(2, more={"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}})
    game.play(*_IDLE).answered(answer).looked(prompt(), answer)
    _error(game, ZeroDivisionError)


def test_a_mapping_answers_questions_by_header_or_question() -> None:
    game = _begin(Game(questions={"A": "yes", "B?": ["x", "y"]})).play(question("que_1", "A", "B"))
    assert [one.decision for one in game.taken(ReplyTo)] == [[["yes"], ["x", "y"]]]


def test_a_question_without_a_policy_is_shown() -> None:
    game = _begin(Game()).play(question())
    assert game.seen(QuestionAsk)[0].questions[0].header == "H"


def test_a_bare_reject_ends_the_turn_with_a_result() -> None:
    game = _begin(Game(permissions="reject")).play(permission())
    [reply] = game.taken(ReplyTo)
    game.feed(Done(reply))
    step = Message(2, more={"finish": "tool-calls"}).tool("error", error="rejected")
    game.play(step.updated(), *_IDLE).answered(step).looked(prompt(), step)
    assert game.state.error is None
    assert game.state.result is not None
    assert [one.decision for one in game.state.result.replies] == ["reject"]


def test_the_deadline_aborts_the_turn_and_its_subagents() -> None:
    game = _begin(Game(timeout_s=3.0))
    game.play(event("session.created", sessionID=CHILD, info={"id": CHILD, "parentID": SESSION})).wait(3.1)
    assert game.taken(Abort)[0].session_ids == (SESSION, CHILD)
    answer = _answer("par", more={"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}})
    game.play(*_IDLE).answered(answer).looked(prompt(), answer)
    assert _error(game, TurnTimeoutError).partial.text == "par"


def test_a_turn_that_does_not_end_after_an_abort_ends_here() -> None:
    game = _begin(Game(timeout_s=3.0)).wait(8.2)
    _error(game, TurnTimeoutError)
    assert game.aborts > 1  # the first one may have come before the turn began


def test_an_abort_is_not_sent_again_when_there_is_a_later_prompt() -> None:
    game = _begin(Game()).feed(Stop(TurnAbortedError("stop")))
    assert len(game.taken(Abort)) == 1
    game.play(prompt(3, None).updated(), prompt(3, None).part_updated()).wait(3)
    assert game.taken(Abort) == []


def test_an_abort_by_another_client_is_an_error() -> None:
    game = _begin(Game())
    answer = _answer("par", more={"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}})
    game.play(*_IDLE, answer.updated(), *_IDLE).answered(answer).looked(prompt(), answer)
    game.wait(0.6).looked(prompt(), answer)
    error = _error(game, TurnAbortedError)
    assert (error.partial.text, type(error.error).__name__) == ("par", "MessageAbortedError")


def test_a_step_that_passes_the_cost_aborts_the_turn() -> None:
    game = _begin(Game(max_cost=0.7))
    step, more = Message(2, more={"finish": "tool-calls"}), Message(3, more={"finish": "tool-calls"})
    game.play(step.updated(), Message(3, is_over=False).updated(), more.updated())
    assert game.taken(Abort) == []
    game.play(Message(4, is_over=False).updated())
    assert game.taken(Abort)
    game.answered(more).play(*_IDLE).looked(prompt(), step, more)
    _error(game, TurnBudgetError)


def test_the_cost_of_subagents_counts() -> None:
    game = _begin(Game(max_cost=0.7)).play(Message(2, is_over=False).updated())
    game.play(event("session.created", sessionID=CHILD, info={"id": CHILD, "parentID": SESSION}))
    game.play(Message(3, session=CHILD).updated(), Message(4, session=CHILD).updated())
    assert game.taken(Abort)


@pytest.mark.parametrize(("finish", "aborts"), [("tool-calls", True), ("stop", False)])
def test_the_last_allowed_step_may_end_the_turn(finish: str, aborts: bool) -> None:
    game, step = _begin(Game(max_steps=1)), Message(2, more={"finish": finish})
    game.play(step.updated())
    assert game.taken(Abort) == []
    if aborts:
        game.play(Message(3, is_over=False).updated())
        assert game.taken(Abort)
    else:
        game.answered(step).play(*_IDLE).looked(prompt(), step)
        assert game.state.error is None


def test_a_last_step_that_passes_the_cost_is_an_error() -> None:
    game, answer = _begin(Game(max_cost=0.1)), _answer()
    game.answered(answer).play(*_IDLE).looked(prompt(), answer)
    assert _error(game, TurnBudgetError).partial.text == "Hello"
    assert game.taken(Abort) == []


def test_a_deleted_session_is_lost() -> None:
    game = _begin(Game()).play(event("session.deleted", info={"id": SESSION}))
    assert _error(game, TurnLostError).stored is False
    assert game.taken(Abort)  # the server would go on with the turn


def test_a_session_that_is_not_found_is_lost() -> None:
    game = _begin(Game()).lost(_CUT).looked(error=_GONE)
    assert _error(game, TurnLostError).stored is False


def test_a_server_that_is_gone_is_lost_within_15_s() -> None:
    game = _begin(Game()).lost(_CUT)
    for _ in range(15):
        if game.looks:
            game.looked(error=ConnectError("refused", **_HTTP))
        game.wait(1)
    assert _error(game, TurnLostError).stored is None


def test_a_server_that_is_too_busy_to_respond_is_not_lost_while_the_prompt_waits() -> None:
    game = _begin(Game()).feed(Gap("cut"))
    for _ in range(120):
        if game.looks:
            game.looked(error=RequestTimeoutError("slow", **_HTTP))
        game.wait(1)
    assert game.state.error is None
    game.lost(_CUT)
    for _ in range(40):
        if game.looks:
            game.looked(error=RequestTimeoutError("slow", **_HTTP))
        game.wait(1)
    assert _error(game, TurnLostError).stored is None


def test_a_quiet_turn_is_not_polled_when_events_work() -> None:
    game = Game().feed(EventsWork()).wait(50)
    assert not game.looks
    assert game.wait(15).looks


def test_a_server_that_was_started_again_has_stored_the_prompt() -> None:
    game = _begin(Game()).lost(_CUT)
    for _ in range(5):
        if game.looks:
            game.looked(prompt(), Message(2, is_over=False))
        game.wait(1)
    assert _error(game, TurnLostError).stored is True


def test_a_prompt_that_never_arrived_is_lost() -> None:
    game = Game().lost(_CUT)
    for _ in range(10):
        if game.looks:
            game.looked()
        game.wait(1)
    assert _error(game, TurnLostError).stored is False


def test_an_instance_that_was_disposed_is_lost() -> None:
    game = _begin(Game()).play(event("server.instance.disposed", directory="/repo"))
    answer = Message(2, more={"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}})
    game.answered(answer).wait(1.1).looked(prompt(), answer)
    assert _error(game, TurnLostError).stored is True


@pytest.mark.parametrize(
    "sign",
    [methodcaller("play", event("server.instance.disposed")), methodcaller("feed", Gap("", is_end=True))],
)
def test_an_instance_may_be_known_to_be_disposed_only_after_the_answer(sign: Callable[[Game], Game]) -> None:
    game = _begin(Game())
    answer = Message(2, more={"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}})
    game.answered(answer).play(*_IDLE).looked(prompt(), answer)
    sign(game).wait(0.6).looked(prompt(), answer)
    assert _error(game, TurnLostError).stored is True


def test_a_text_that_the_server_lost_in_an_abort_is_kept() -> None:
    """1.3.2 stores no text of an aborted message."""
    game, answer = _begin(Game()), Message(2, more={"error": {"name": "MessageAbortedError", "data": {}}})
    game.play(Message(2, is_over=False).updated(), answer.text("").part_updated(text="", time={"start": 1}))
    game.play(answer.delta("a part")).answered(answer).play(*_IDLE).looked(prompt(), answer)
    game.wait(0.6).looked(prompt(), answer)
    assert _error(game, TurnAbortedError).partial.text == "a part"


def test_a_refused_connection_is_raised_as_it_is() -> None:
    _error(Game().lost(ConnectError("refused", **_HTTP)), ConnectError)


def test_a_closed_client_ends_the_turn() -> None:
    _error(Game().lost(ClientClosedError("closed")), ClientClosedError)


def test_the_reason_of_a_prompt_that_failed_is_that_of_the_event() -> None:
    game = Game().play(
        event("session.error", error={"name": "UnknownError", "data": {"message": "Model not found: x"}})
    )
    game.lost(EmptyResponseError("empty", **_HTTP, status=200))
    for _ in range(10):
        if game.looks:
            game.looked(prompt())
        game.wait(1)
    assert "Model not found: x" in str(_error(game, TurnError))


def test_a_turn_of_somebody_else_is_followed_from_its_begin() -> None:
    game = Game(key=None, follows=True)
    half = Message(2, is_over=False).text("Hel", is_over=False)
    game.looked(Message(0, "user").text("old"), prompt(1, None), half, status="busy")
    answer = _answer("Hello")
    game.play(answer.delta("lo"), answer.part_updated(), answer.updated(), *_IDLE).looked(
        prompt(1, None), answer
    )
    assert game.state.result is not None
    assert (game.state.result.text, game.texts()) == ("Hello", {"prt_002_0": "Hello"})


def test_following_a_session_at_rest_ends_with_its_last_turn() -> None:
    game = Game(key=None, follows=True).looked(prompt(1, None), _answer())
    assert game.seen(TurnFinished)[0].result.text == "Hello"


def test_a_command_is_the_first_prompt_after_those_that_were_there() -> None:
    game = Game(key=None, after=(1_001, "msg_001"))
    command, answer = prompt(2, None), _answer("done", 3, parent=2)
    game.play(command.updated(), command.part_updated(), answer.updated(), answer.part_updated())
    game.answered(answer).play(*_IDLE).looked(prompt(1, None), command, answer)
    assert game.state.result is not None
    assert (game.state.result.message_id, game.state.result.text) == ("msg_002", "done")


def test_the_key_is_found_on_any_text_part() -> None:
    game = Game()
    files = (
        Message(1, "user")
        .text("read", synthetic=True)
        .text("", ignored=True, metadata={KEY: "the key of the turn"})
    )
    answer = _answer()
    game.play(files.updated(), files.part_updated(0), files.part_updated(1))
    _stream(game, answer, "Hello")
    assert game.texts() == {"prt_002_0": "Hello"}


def test_an_empty_answer_is_a_result() -> None:
    game, answer = _begin(Game()), Message(2)
    game.play(answer.updated()).answered(answer).play(*_IDLE).looked(prompt(), answer)
    assert game.state.result is not None
    assert (game.state.result.text, game.state.error) == ("", None)
