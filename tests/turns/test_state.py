"""The state machine of a turn, without a server: orders of inputs seen at real servers, lost inputs, other clients."""

from __future__ import annotations

from typing import Any

import pytest

from opencode_client import (
    ConnectionLostError,
    ServerError,
    TurnError,
    TurnFinished,
    TurnGap,
)
from opencode_client.turns.inputs import Asked, EventsWork, Gap, InstanceGone, SessionFailed, SessionSeen
from opencode_client.turns.v1 import KEY, permission_ask
from tests.support.turn_inputs import (
    DIRECTORY,
    IDLE,
    SESSION,
    Game,
    Message,
    answered_with,
    begun,
    error_of,
    permission,
    prompt,
    status,
    streamed,
)

_HTTP: dict[str, Any] = {"operation": "session.prompt", "method": "POST", "url": "http://server"}
_STATUS: dict[str, Any] = {**_HTTP, "headers": {}, "body": b""}
_CUT = ConnectionLostError("cut", **_HTTP)


def test_a_turn_is_over_when_it_has_an_answer_and_its_session_is_idle() -> None:
    game, answer = begun(Game()), answered_with()
    streamed(game, answer, "Hel", "lo").answered(answer)
    assert not game.polls
    game.play(*IDLE).polled(prompt(), answer)
    result = game.state.result
    assert result is not None
    assert (result.text, result.finish, result.cost, result.tokens.input) == ("Hello", "stop", 0.5, 10)
    assert (result.message_id, len(result.messages), repr(result.subagent_cost)) == ("msg_001", 2, "0.0")
    assert [type(one).__name__ for one in game.updates] == ["TextDelta", "TextDelta", "TurnFinished"]


def test_a_turn_with_complete_events_needs_no_poll() -> None:
    step, answer = Message(2, more={"finish": "tool-calls"}).tool("completed"), answered_with("Hello", 3)
    game = begun(Game()).feed(EventsWork()).play(step.updated(), step.part_updated())
    streamed(game, answer, "Hel", "lo").answered(answer).play(*IDLE)
    assert not game.polls
    assert game.state.result is not None
    assert (game.state.result.text, len(game.state.result.messages)) == ("Hello", 3)
    assert game.texts() == {"prt_003_0": "Hello"}


@pytest.mark.parametrize(
    "missed",
    [
        Gap("cut"),
        Asked(permission_ask(permission()["properties"], DIRECTORY)),
        SessionSeen("ses_child", SESSION, ""),
        SessionFailed(SESSION, "broken"),
        InstanceGone(DIRECTORY),
        Message(2).tool("running").seen()[1][0],
        Message(2, is_over=False).seen()[0],
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_turn_with_possibly_missed_events_is_polled(missed: Any) -> None:  # Any: an input
    game, answer = begun(Game()).feed(EventsWork()), answered_with("Hello", 3)
    streamed(game.feed(missed), answer, "Hello").answered(answer).play(*IDLE)
    assert game.polls
    assert game.state.result is None


def test_an_answer_to_another_prompt_causes_a_poll() -> None:
    game, answer = begun(Game()).feed(EventsWork()), answered_with()
    streamed(game, answer, "Hello").answered(answered_with("Other", 4, parent=3)).play(*IDLE)
    assert game.polls


def test_events_after_the_end_change_nothing() -> None:
    game, answer = begun(Game()), answered_with()
    streamed(game, answer, "Hello").answered(answer).play(*IDLE).polled(prompt(), answer)
    count = len(game.updates)
    game.play(*IDLE, answer.delta("more"))
    assert (len(game.updates), game.actions) == (count, [])


def test_a_turn_without_events_ends_with_its_answer() -> None:
    game, answer = Game(), answered_with()
    game.answered(answer).wait(0.6).polled(prompt(), answer)
    assert game.state.result is not None
    assert game.texts() == {"prt_002_0": "Hello"}


def test_a_poll_waits_longer_for_the_last_events_if_events_work() -> None:
    game = begun(Game()).feed(EventsWork())
    answer = answered_with()
    streamed(game, answer, "Hello").answered(answer).wait(2.5)
    assert not game.polls
    assert game.wait(0.6).polls


def test_idle_before_busy_does_not_end_the_turn() -> None:
    game = Game().play(*IDLE).wait(0.9)
    assert game.state.result is None
    assert not game.polls


def test_a_late_idle_event_of_an_earlier_turn_does_not_end_the_turn() -> None:
    game = begun(Game()).play(*IDLE).wait(0.5)
    assert game.state.result is None
    answer = answered_with()
    game.play(status("busy"))
    streamed(game, answer, "Hello").answered(answer).play(*IDLE).polled(prompt(), answer)
    assert game.state.error is None


def test_a_gap_between_the_prompt_and_busy_does_not_end_the_turn() -> None:
    game = Game().feed(Gap("cut")).polled(status="idle").wait(4)
    assert game.state.result is None
    assert game.seen(TurnGap)


def test_without_events_the_session_is_polled_until_the_answer_is_complete() -> None:
    game, answer = Game(), answered_with()
    game.wait(1.1).polled(prompt(), answered_with("", is_over=False), status="busy").wait(2.2)
    game.polled(prompt(), answer, status="busy").answered(answer).wait(0.6).polled(
        prompt(), answer, status="idle"
    )
    assert game.state.result is not None
    assert game.texts() == {"prt_002_0": "Hello"}


def test_a_lost_answer_is_read_from_the_messages() -> None:
    game, answer = begun(Game()), answered_with()
    game.lost(_CUT).polled(prompt(), status="busy")
    streamed(game, answer, "Hello").play(*IDLE).polled(prompt(), answer).wait(1.2).polled(prompt(), answer)
    assert game.state.error is None
    assert game.state.result is not None
    assert game.state.result.text == "Hello"


def test_a_proxy_that_answers_504_does_not_end_the_turn() -> None:
    game = (
        begun(Game()).lost(ServerError("504", **_STATUS, status=504)).polled(prompt(), status="busy").wait(5)
    )
    assert game.state.result is None


def test_an_answer_to_another_prompt_is_not_in_the_result() -> None:
    game, mine, theirs = begun(Game()), answered_with("mine"), answered_with("theirs", 4, parent=3)
    streamed(game, mine, "mine").play(prompt(3, None).updated(), prompt(3, None).part_updated())
    game.play(theirs.updated(), theirs.part_updated()).polled(
        prompt(), mine, prompt(3, None), theirs, status="busy"
    )
    assert game.state.result is not None
    assert (game.state.result.text, len(game.state.result.messages)) == ("mine", 2)
    assert game.texts() == {"prt_002_0": "mine"}


def test_a_prompt_that_is_answered_together_with_a_later_one_is_an_error() -> None:
    game, theirs = begun(Game()), answered_with("theirs", 4, parent=3)
    game.answered(theirs).play(*IDLE).polled(prompt(), prompt(3, None), theirs)
    assert "together with a later one" in str(error_of(game, TurnError))


def test_following_a_running_turn_yields_its_whole_text() -> None:
    game = Game(key=None, follows=True)
    half = Message(2, is_over=False).text("Hel", is_over=False)
    game.polled(Message(0, "user").text("old"), prompt(1, None), half, status="busy")
    answer = answered_with("Hello")
    game.play(answer.delta("lo"), answer.part_updated(), answer.updated(), *IDLE).polled(
        prompt(1, None), answer
    )
    assert game.state.result is not None
    assert (game.state.result.text, game.texts()) == ("Hello", {"prt_002_0": "Hello"})


def test_a_turn_that_begins_before_the_first_poll_ends_is_followed() -> None:
    game, begins, answer = Game(key=None, follows=True), prompt(1, None), answered_with("Hello")
    half = Message(2, is_over=False)
    game.play(begins.updated(), begins.part_updated(), status("busy"), half.updated())
    game.polled(begins, half, status="busy")
    game.play(answer.part_updated(), answer.updated(), *IDLE).polled(begins, answer)
    assert game.state.result is not None
    assert (game.state.result.text, game.texts()) == ("Hello", {"prt_002_0": "Hello"})


def test_following_an_idle_session_returns_its_last_turn() -> None:
    game = Game(key=None, follows=True).polled(prompt(1, None), answered_with())
    assert game.seen(TurnFinished)[0].result.text == "Hello"


def test_the_prompt_of_a_command_is_the_first_new_one() -> None:
    game = Game(key=None, after=(1_001, "msg_001"))
    command, answer = prompt(2, None), answered_with("done", 3, parent=2)
    game.play(command.updated(), command.part_updated(), answer.updated(), answer.part_updated())
    game.answered(answer).play(*IDLE).polled(prompt(1, None), command, answer)
    assert game.state.result is not None
    assert (game.state.result.message_id, game.state.result.text) == ("msg_002", "done")


def test_the_key_is_found_on_any_text_part() -> None:
    game = Game()
    files = (
        Message(1, "user")
        .text("read", synthetic=True)
        .text("", ignored=True, metadata={KEY: "the key of the turn"})
    )
    answer = answered_with()
    game.play(files.updated(), files.part_updated(0), files.part_updated(1))
    streamed(game, answer, "Hello")
    assert game.texts() == {"prt_002_0": "Hello"}


def test_an_empty_answer_is_a_result() -> None:
    game, answer = begun(Game()), Message(2)
    game.play(answer.updated()).answered(answer).play(*IDLE).polled(prompt(), answer)
    assert game.state.result is not None
    assert (game.state.result.text, game.state.error) == ("", None)
