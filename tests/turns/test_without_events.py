"""Servers without events (1.14.48): a turn has only the response of its POST and the lists."""

from __future__ import annotations

from opencode_client import AskClosed, PermissionAsk
from opencode_client.models import PermissionRequest
from opencode_client.testing import partial
from tests.support.turn_inputs import Game, Message, permission, prompt


def test_a_prompt_missing_in_the_list_is_identified_by_its_answer() -> None:
    answer = Message(2, more={"structured": {"a": 1}}).text("ok")
    game = Game().answered(answer).wait(1).polled(answer)
    assert game.state.result is not None
    assert game.state.error is None
    assert game.state.result.text == "ok"
    assert game.state.result.structured == {"a": 1}
    assert game.state.result.message_id == "msg_001"


def test_an_ask_that_another_client_answered_is_closed_at_the_end() -> None:
    ask = partial(PermissionRequest, permission()["properties"])
    begun, ended = Message(2, is_over=False), Message(2).text("done")
    game = Game().wait(1.1).polled(prompt(), begun, status="busy", asks=[ask])
    assert len(game.seen(PermissionAsk)) == 1
    game.answered(ended).wait(1).polled(prompt(), ended)
    assert game.state.result is not None
    assert len(game.seen(AskClosed)) == 1
