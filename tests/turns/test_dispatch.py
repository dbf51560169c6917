"""Batches of events, and the turns and feeds that receive them."""

from __future__ import annotations

from typing import Any

from opencode_client.turns.dispatch import Routes, Run
from opencode_client.turns.inputs import Delta, TurnPlan
from opencode_client.turns.state import TurnState
from tests.support.turn_inputs import CHILD, DIRECTORY, SESSION, Message, event, permission, status


def _routes() -> tuple[Routes[Run[Any]], Run[Any]]:
    routes: Routes[Run[Any]] = Routes(DIRECTORY)
    run = Run(TurnState(TurnPlan(session_id=SESSION, directory=DIRECTORY), 0.0), is_quiet=True)
    routes.add(run)
    return routes, run


def _texts(*events: object) -> list[str]:
    routes, _ = _routes()
    return [one.text if isinstance(one, Delta) else type(one).__name__ for _, one in routes.inputs(events)]


def test_successive_deltas_of_one_part_are_merged() -> None:
    first, second = Message(2).text(""), Message(3).text("")
    texts = _texts(first.delta("a"), first.delta("b"), second.delta("c"), first.delta("d"), first.delta("e"))
    assert texts == ["ab", "c", "de"]


def test_an_event_between_two_deltas_keeps_its_place() -> None:
    message = Message(2).text("")
    texts = _texts(message.delta("a"), status("busy"), message.delta("b"), {"type": "message.part.delta"})
    assert texts == ["a", "EventsWork", "StatusSeen", "b"]


def test_a_subagent_and_its_first_ask_may_arrive_in_one_batch() -> None:
    routes, run = _routes()
    born = event("session.created", sessionID=CHILD, info={"id": CHILD, "parentID": SESSION, "title": "t"})
    asked: list[str] = []
    for owner, item in routes.inputs([born, permission(session=CHILD)]):
        owner.state.feed(item, 0.0)
        routes.claim(owner)  # as the drivers do after each input
        asked.append(type(item).__name__)
    assert asked[-1] == "Asked"
    assert run.state.subagents.is_ours(CHILD)
