"""The errors of turns without an answer."""

from __future__ import annotations

from opencode_client import TurnError, TurnLostError
from opencode_client.turns.inputs import MessageSeen
from opencode_client.turns.outcome import unanswered
from opencode_client.turns.transcript import Transcript


def test_the_error_of_a_turn_without_an_answer_names_its_directory() -> None:
    error = unanswered(Transcript("key", None), "", None, "/nope")
    assert isinstance(error, TurnLostError)
    assert "does the server have the directory '/nope'?" in str(error)
    assert error.stored is False


def test_an_answer_without_parts_counts_as_no_answer() -> None:
    """1.18.33 stores such a message if the directory does not exist."""
    transcript = Transcript("key", None)
    transcript.adopt("msg_1")
    transcript.see_message(MessageSeen("ses_1", "msg_1", {}, is_user=True))
    transcript.see_message(MessageSeen("ses_1", "msg_2", {}, parent_id="msg_1"))
    assert len(transcript.answers) == 1
    error = unanswered(transcript, "", None, "/nope")
    assert "'/nope'" in str(error)
    assert isinstance(error, TurnLostError)
    assert error.stored is True


def test_an_error_of_the_session_is_in_the_message() -> None:
    error = unanswered(Transcript("key", None), "no such model", None, "/repo")
    assert type(error) is TurnError
    assert str(error) == "the turn did not begin: no such model"
