"""The asks of a turn, without a server: policies, replies of other clients, subagents, gaps."""

from __future__ import annotations

from typing import Any

import pytest

from opencode_client import (
    AskClosed,
    ConnectionLostError,
    NotFoundError,
    PermissionAsk,
    QuestionAsk,
    Reject,
    SubagentChanged,
)
from opencode_client.models import PermissionRequest
from opencode_client.turns.inputs import Abort, Decide, Done, Gap, ReplyTo, SessionSeen
from tests.support.turn_inputs import (
    CHILD,
    IDLE,
    SESSION,
    Game,
    Message,
    begun,
    error_of,
    event,
    permission,
    prompt,
    question,
)

_HTTP: dict[str, Any] = {"operation": "session.prompt", "method": "POST", "url": "http://server"}
_STATUS: dict[str, Any] = {**_HTTP, "headers": {}, "body": b""}
_CUT = ConnectionLostError("cut", **_HTTP)
_GONE = NotFoundError("no session", **_STATUS, status=404)


def test_a_permission_is_decided_by_the_policy_at_once() -> None:
    game = begun(Game(permissions="once")).play(permission(), permission())
    [reply] = game.taken(ReplyTo)
    assert reply.decision == "once"
    assert game.updates == []
    game.feed(Done(reply)).play(
        event("permission.replied", sessionID=SESSION, requestID="per_1", reply="once")
    )
    assert game.updates == []


@pytest.mark.parametrize(
    "response", ["comes after the end", "comes before it", "reports another client's reply"]
)
def test_a_reply_is_listed_once_for_every_order_of_response_and_end(response: str) -> None:
    answer = Message(2).tool("completed").text("done")
    game = begun(Game(permissions="once")).play(permission())
    [reply] = game.taken(ReplyTo)
    game.play(event("permission.replied", sessionID=SESSION, requestID="per_1", reply="once"))
    if response != "comes after the end":
        game.feed(Done(reply, error=None if response == "comes before it" else _GONE))
    game.answered(answer).play(*IDLE).polled(prompt(), answer)
    game.feed(Done(reply))
    assert game.state.result is not None
    decisions = [one.decision for one in game.state.result.replies]
    assert decisions == ([] if response == "reports another client's reply" else ["once"])


def test_an_ask_that_another_client_answers_is_closed() -> None:
    game = begun(Game()).play(permission())
    game.play(event("permission.replied", sessionID=SESSION, requestID="per_1", reply="once"))
    assert [type(one) for one in game.updates] == [PermissionAsk, AskClosed]


def test_a_late_reply_closes_the_ask() -> None:
    game = begun(Game()).play(permission())
    game.feed(Done(ReplyTo(game.seen(PermissionAsk)[0], "once"), error=_GONE))
    assert game.seen(AskClosed)


def test_a_reply_that_failed_is_tried_again() -> None:
    game = begun(Game(permissions="once")).play(permission())
    [reply] = game.taken(ReplyTo)
    game.feed(Done(reply, error=_CUT)).wait(1.1)
    request = PermissionRequest.from_dict(permission()["properties"])
    game.polled(prompt(), status="busy", asks=[request])
    assert [one.decision for one in game.taken(ReplyTo)] == ["once"]


def test_an_ask_of_another_session_is_never_answered() -> None:
    game = begun(Game(permissions="always")).play(permission(session="ses_other"))
    assert game.taken(ReplyTo) == []


def test_an_ask_of_a_nested_subagent_is_answered() -> None:
    game = begun(Game(permissions="once"))
    for child, parent in ((CHILD, SESSION), ("ses_deep", CHILD)):
        info = {"id": child, "parentID": parent, "title": "t"}
        game.play(event("session.created", sessionID=child, info=info))
    game.play(permission("per_2", "ses_deep"))
    assert [one.ask.session_id for one in game.taken(ReplyTo)] == ["ses_deep"]
    assert [one.status for one in game.seen(SubagentChanged)] == ["started", "started"]


def test_an_ask_of_a_subagent_started_during_a_gap_is_found_by_a_poll() -> None:
    game = begun(Game(permissions="once")).feed(Gap("cut"))
    request = PermissionRequest.from_dict(permission(session=CHILD)["properties"])
    game.polled(prompt(), status="busy", asks=[request], children=[SessionSeen(CHILD, SESSION, "t")])
    assert [one.ask.session_id for one in game.taken(ReplyTo)] == [CHILD]


def test_an_ask_that_was_answered_in_a_gap_is_closed() -> None:
    game = begun(Game()).play(permission()).wait(1).feed(Gap("cut")).polled(prompt(), status="busy")
    assert game.seen(AskClosed)


def test_an_ask_that_is_younger_than_the_list_stays_open() -> None:
    game = begun(Game()).feed(Gap("cut")).wait(0.1).play(permission()).polled(prompt(), status="busy")
    assert not game.seen(AskClosed)


def test_a_policy_function_decides() -> None:
    def policy(ask: PermissionAsk) -> Reject:
        return Reject("no")

    game = begun(Game(permissions=policy)).play(permission())
    [decide] = game.taken(Decide)
    game.feed(Done(decide, decide.function(decide.ask)))
    assert [one.decision for one in game.taken(ReplyTo)] == [Reject("no")]


def test_a_policy_function_that_raises_aborts_the_turn_and_its_error_is_raised() -> None:
    def policy(_: PermissionAsk) -> str:
        return "once"

    game = begun(Game(permissions=policy)).play(permission())
    [decide] = game.taken(Decide)
    game.feed(Done(decide, error=ZeroDivisionError()))
    assert game.taken(Abort)
    answer = Message(2, more={"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}})
    game.play(*IDLE).answered(answer).polled(prompt(), answer)
    error_of(game, ZeroDivisionError)


def test_a_mapping_answers_questions_by_header_or_question() -> None:
    game = begun(Game(questions={"A": "yes", "B?": ["x", "y"]})).play(question("que_1", "A", "B"))
    assert [one.decision for one in game.taken(ReplyTo)] == [[["yes"], ["x", "y"]]]


def test_a_question_without_a_policy_is_shown() -> None:
    game = begun(Game()).play(question())
    assert game.seen(QuestionAsk)[0].questions[0].header == "H"


def test_a_reject_without_a_message_ends_the_turn_with_a_result() -> None:
    game = begun(Game(permissions="reject")).play(permission())
    [reply] = game.taken(ReplyTo)
    game.feed(Done(reply))
    step = Message(2, more={"finish": "tool-calls"}).tool("error", error="rejected")
    game.play(step.updated(), *IDLE).answered(step).polled(prompt(), step)
    assert game.state.error is None
    assert game.state.result is not None
    assert [one.decision for one in game.state.result.replies] == ["reject"]
