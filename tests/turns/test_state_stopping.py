"""A turn that is stopped, without a server: deadlines, aborts, limits of cost and steps."""

from __future__ import annotations

import pytest

from opencode_client import (
    TurnAbortedError,
    TurnBudgetError,
    TurnTimeoutError,
)
from opencode_client.turns.inputs import Abort, Stop
from tests.support.turn_inputs import (
    CHILD,
    IDLE,
    SESSION,
    Game,
    Message,
    answered_with,
    begun,
    error_of,
    event,
    permission,
    prompt,
    question,
)


def test_the_deadline_aborts_the_turn_and_its_subagents() -> None:
    game = begun(Game(timeout_s=3.0))
    game.play(event("session.created", sessionID=CHILD, info={"id": CHILD, "parentID": SESSION})).wait(3.1)
    assert game.taken(Abort)[0].session_ids == (SESSION, CHILD)
    answer = answered_with(
        "par", more={"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}}
    )
    game.play(*IDLE).answered(answer).polled(prompt(), answer)
    assert error_of(game, TurnTimeoutError).partial.text == "par"


def test_the_error_of_a_deadline_names_the_known_asks() -> None:
    game = begun(Game(timeout_s=3.0)).play(permission(), question("que_1", "Colour")).wait(8.2)
    message = str(error_of(game, TurnTimeoutError))
    assert (
        "it waited for an answer to the permission 'bash' (per_1), the question 'Colour' (que_1)" in message
    )


def test_a_turn_that_continues_after_an_abort_raises_turn_timeout_error() -> None:
    game = begun(Game(timeout_s=3.0)).wait(8.2)
    error_of(game, TurnTimeoutError)
    assert game.aborts > 1  # the first one may have arrived before the turn began


def test_an_abort_is_not_sent_again_when_there_is_a_later_prompt() -> None:
    game = begun(Game()).feed(Stop(TurnAbortedError("stop")))
    assert len(game.taken(Abort)) == 1
    game.play(prompt(3, None).updated(), prompt(3, None).part_updated()).wait(3)
    assert game.taken(Abort) == []


def test_an_abort_by_another_client_is_an_error() -> None:
    game = begun(Game())
    answer = answered_with(
        "par", more={"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}}
    )
    game.play(*IDLE, answer.updated(), *IDLE).answered(answer).polled(prompt(), answer)
    game.wait(0.6).polled(prompt(), answer)
    error = error_of(game, TurnAbortedError)
    assert (error.partial.text, type(error.error).__name__) == ("par", "MessageAbortedError")


def test_a_step_that_passes_the_cost_aborts_the_turn() -> None:
    game = begun(Game(max_cost=0.7))
    step, more = Message(2, more={"finish": "tool-calls"}), Message(3, more={"finish": "tool-calls"})
    game.play(step.updated(), Message(3, is_over=False).updated(), more.updated())
    assert game.taken(Abort) == []
    game.play(Message(4, is_over=False).updated())
    assert game.taken(Abort)
    game.answered(more).play(*IDLE).polled(prompt(), step, more)
    error_of(game, TurnBudgetError)


def test_the_cost_of_subagents_counts() -> None:
    game = begun(Game(max_cost=0.7)).play(Message(2, is_over=False).updated())
    game.play(event("session.created", sessionID=CHILD, info={"id": CHILD, "parentID": SESSION}))
    game.play(Message(3, session=CHILD).updated(), Message(4, session=CHILD).updated())
    assert game.taken(Abort)


@pytest.mark.parametrize(("finish", "aborts"), [("tool-calls", True), ("stop", False)])
def test_the_last_allowed_step_may_end_the_turn(finish: str, aborts: bool) -> None:
    game, step = begun(Game(max_steps=1)), Message(2, more={"finish": finish})
    game.play(step.updated())
    assert game.taken(Abort) == []
    if aborts:
        game.play(Message(3, is_over=False).updated())
        assert game.taken(Abort)
    else:
        game.answered(step).play(*IDLE).polled(prompt(), step)
        assert game.state.error is None


def test_a_last_step_that_passes_the_cost_is_an_error() -> None:
    game, answer = begun(Game(max_cost=0.1)), answered_with()
    game.answered(answer).play(*IDLE).polled(prompt(), answer)
    assert error_of(game, TurnBudgetError).partial.text == "Hello"
    assert game.taken(Abort) == []
