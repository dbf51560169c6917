"""Turns whose session, instance or server is gone, and turns that did not begin; without a server."""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller
from typing import Any

import pytest

from opencode_client import (
    ClientClosedError,
    ConnectError,
    ConnectionLostError,
    EmptyResponseError,
    NotFoundError,
    RequestTimeoutError,
    TurnAbortedError,
    TurnError,
    TurnLostError,
)
from opencode_client.turns.inputs import Abort, Done, EventsWork, Gap
from tests.support.turn_inputs import (
    IDLE,
    SESSION,
    Game,
    Message,
    answered_with,
    begun,
    error_of,
    event,
    prompt,
    streamed,
)

_HTTP: dict[str, Any] = {"operation": "session.prompt", "method": "POST", "url": "http://server"}
_STATUS: dict[str, Any] = {**_HTTP, "headers": {}, "body": b""}
_CUT = ConnectionLostError("cut", **_HTTP)
_GONE = NotFoundError("no session", **_STATUS, status=404)


@pytest.mark.parametrize("error", [None, _GONE])
def test_a_turn_in_a_deleted_session_is_lost_after_its_abort(error: Exception | None) -> None:
    game = begun(Game()).play(event("session.deleted", info={"id": SESSION}))
    [abort] = game.taken(Abort)  # the server would continue the turn
    assert not game.state.is_over  # otherwise the client could be closed before it sends the abort
    game.feed(Done(abort, error=error))
    assert error_of(game, TurnLostError).stored is False


def test_a_turn_in_a_deleted_session_is_lost_5_s_after_an_unanswered_abort() -> None:
    game = begun(Game()).play(event("session.deleted", info={"id": SESSION})).wait(5.1)
    assert error_of(game, TurnLostError).stored is False


def test_a_turn_whose_session_is_not_found_is_lost() -> None:
    game = begun(Game()).lost(_CUT).polled(error=_GONE)
    assert error_of(game, TurnLostError).stored is False


def test_a_turn_is_lost_15_s_after_its_server_refuses_connections() -> None:
    game = begun(Game()).lost(_CUT)
    for _ in range(15):
        if game.polls:
            game.polled(error=ConnectError("refused", **_HTTP))
        game.wait(1)
    assert error_of(game, TurnLostError).stored is None


def test_a_complete_answer_is_a_result_if_the_server_ends_after_it() -> None:
    game, answer = begun(Game()), answered_with("all")
    streamed(game, answer, "all").answered(answer)
    for _ in range(12):
        if game.polls:
            game.polled(error=ConnectError("refused", **_HTTP))
        game.wait(1)
    assert (game.state.error, game.state.result and game.state.result.text) == (None, "all")


def test_a_turn_is_not_lost_through_timeouts_while_its_prompt_waits() -> None:
    game = begun(Game()).feed(Gap("cut"))
    for _ in range(120):
        if game.polls:
            game.polled(error=RequestTimeoutError("slow", **_HTTP))
        game.wait(1)
    assert game.state.error is None
    game.lost(_CUT)
    for _ in range(40):
        if game.polls:
            game.polled(error=RequestTimeoutError("slow", **_HTTP))
        game.wait(1)
    assert error_of(game, TurnLostError).stored is None


def test_a_quiet_turn_is_not_polled_when_events_work() -> None:
    game = Game().feed(EventsWork()).wait(50)
    assert not game.polls
    assert game.wait(15).polls


def test_a_turn_is_lost_after_a_restart_and_its_prompt_is_stored() -> None:
    game = begun(Game()).lost(_CUT)
    for _ in range(5):
        if game.polls:
            game.polled(prompt(), Message(2, is_over=False))
        game.wait(1)
    assert error_of(game, TurnLostError).stored is True


def test_a_turn_whose_prompt_did_not_arrive_is_lost() -> None:
    game = Game().lost(_CUT)
    for _ in range(10):
        if game.polls:
            game.polled()
        game.wait(1)
    assert error_of(game, TurnLostError).stored is False


def test_a_turn_in_a_disposed_instance_is_lost() -> None:
    game = begun(Game()).play(event("server.instance.disposed", directory="/repo"))
    answer = Message(2, more={"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}})
    game.answered(answer).wait(1.1).polled(prompt(), answer)
    assert error_of(game, TurnLostError).stored is True


@pytest.mark.parametrize(
    "sign",
    [methodcaller("play", event("server.instance.disposed")), methodcaller("feed", Gap("", is_end=True))],
)
def test_the_signal_of_a_disposed_instance_may_arrive_after_the_answer(sign: Callable[[Game], Game]) -> None:
    game = begun(Game())
    answer = Message(2, more={"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}})
    game.answered(answer).play(*IDLE).polled(prompt(), answer)
    sign(game).wait(0.6).polled(prompt(), answer)
    assert error_of(game, TurnLostError).stored is True


def test_a_text_that_the_server_does_not_store_after_an_abort_is_kept() -> None:
    """1.3.2 stores no text of an aborted message."""
    game, answer = begun(Game()), Message(2, more={"error": {"name": "MessageAbortedError", "data": {}}})
    game.play(Message(2, is_over=False).updated(), answer.text("").part_updated(text="", time={"start": 1}))
    game.play(answer.delta("a part")).answered(answer).play(*IDLE).polled(prompt(), answer)
    game.wait(0.6).polled(prompt(), answer)
    assert error_of(game, TurnAbortedError).partial.text == "a part"


def test_a_refused_connection_raises_connect_error() -> None:
    error_of(Game().lost(ConnectError("refused", **_HTTP)), ConnectError)


def test_a_closed_client_ends_the_turn() -> None:
    error_of(Game().lost(ClientClosedError("closed")), ClientClosedError)


def test_the_error_of_a_failed_prompt_has_the_message_of_the_event() -> None:
    game = Game().play(
        event("session.error", error={"name": "UnknownError", "data": {"message": "Model not found: x"}})
    )
    game.lost(EmptyResponseError("empty", **_HTTP, status=200))
    for _ in range(10):
        if game.polls:
            game.polled(prompt())
        game.wait(1)
    assert "Model not found: x" in str(error_of(game, TurnError))
