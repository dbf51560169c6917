"""The errors of turns whose end is not known."""

from __future__ import annotations

from opencode_client import TurnError, TurnLostError
from opencode_client.turns.outcome import unanswered
from opencode_client.turns.transcript import Transcript


def test_a_turn_without_an_answer_asks_for_its_directory() -> None:
    error = unanswered(Transcript("key", None), "", None, "/nope")
    assert isinstance(error, TurnLostError)
    assert "does the server have the directory '/nope'?" in str(error)
    assert error.stored is False


def test_the_error_of_the_session_is_the_reason() -> None:
    error = unanswered(Transcript("key", None), "no such model", None, "/repo")
    assert type(error) is TurnError
    assert str(error) == "the turn did not begin: no such model"
