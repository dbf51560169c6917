"""Answers that the server requests again because the connection to the provider broke."""

from __future__ import annotations

from opencode_client import TextReplaced
from tests.support.turn_inputs import Game, Message, prompt, status


def test_a_text_that_the_server_has_not_stored_is_removed() -> None:
    begun = Message(2, is_over=False).text("", is_over=False)
    stored = Message(2).text("", is_over=False).text("whole")
    game = Game().play(prompt().updated(), prompt().part_updated(), status("busy"), begun.updated())
    game.play(
        begun.part_updated(), begun.delta("broken "), stored.part_updated(), stored.updated(), status("idle")
    )
    game.answered(stored).polled(prompt(), stored)
    assert game.state.result is not None
    assert game.state.result.text == "whole"
    assert game.texts() == {"prt_002_0": "", "prt_002_1": "whole"}
    assert [one.text for one in game.seen(TextReplaced)] == [""]


def test_a_text_that_the_server_has_not_stored_is_kept_after_an_abort() -> None:
    more = {"error": {"name": "MessageAbortedError", "data": {"message": "Aborted"}}}
    begun = Message(2, is_over=False).text("", is_over=False)
    stored = Message(2, more=more).text("", is_over=False)
    game = Game().play(prompt().updated(), prompt().part_updated(), status("busy"), begun.updated())
    game.play(begun.part_updated(), begun.delta("broken"), stored.updated(), status("idle"))
    game.answered(stored).polled(prompt(), stored).wait(1).polled(prompt(), stored)
    assert game.state.result is not None
    assert game.state.result.text == "broken"
