"""A turn ends with the right text if events are lost, repeated, reordered, or separated by gaps."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from opencode_client.model import JsonObject
from opencode_client.turns.inputs import Done, Gap, Poll, ReplyTo
from opencode_client.turns.updates import ReasoningDelta, TurnFinished
from tests.support.sizes import small_and_full
from tests.support.turn_inputs import SESSION, Game, Message, event, permission, prompt, status

_THINKS = (
    Message(2, more={"finish": "tool-calls"})
    .text("Let me see", kind="reasoning")
    .tool("completed", output="x")
)
_SAYS = Message(3).text("It is done, ").text("all of it.")
_THEIRS = Message(5, parent=4).text("for another client")
_STORED = (prompt(), _THINKS, _SAYS, prompt(4, None), _THEIRS)


def _events() -> list[JsonObject]:
    """The events of 1.18.33 for a turn of two steps and a later turn of another client."""
    events = [prompt().updated(), prompt().part_updated(), status("busy")]
    for message in (_THINKS, _SAYS):
        events.append(Message(message.number, is_over=False).updated())
        for index, part in enumerate(message.parts):
            if "text" in part:
                events.append(message.part_updated(index, text="", time={"start": 1}))
                events += [
                    message.delta(part["text"][at : at + 4], index) for at in range(0, len(part["text"]), 4)
                ]
            events.append(message.part_updated(index))
        events += [message.updated(), message.updated()]
    events.insert(9, permission())
    events += [
        prompt(4, None).updated(),
        prompt(4, None).part_updated(),
        _THEIRS.updated(),
        _THEIRS.part_updated(),
    ]
    return [*events, status("idle"), event("session.idle", sessionID=SESSION)]


_EVENTS = _events()
_Steps = st.lists(
    st.one_of(st.integers(0, len(_EVENTS) - 1), st.sampled_from(["gap", "wait", "poll"])), max_size=80
)


def _poll(game: Game) -> None:
    if game.polls:
        game.polled(*_STORED, status="busy")


def _play(game: Game, steps: list[int | str]) -> None:
    for step in steps:
        if step == "gap":
            game.feed(Gap("cut"))
        elif step == "wait":
            game.wait(1.5)
        elif step == "poll":
            _poll(game)
        elif isinstance(step, int):
            game.play(_EVENTS[step])
        for reply in game.taken(ReplyTo):
            game.feed(Done(reply))


def _end(game: Game) -> None:
    """Answer the prompt, and let the turn read the session until it is over."""
    game.answered(_THEIRS)
    for _ in range(20):
        if game.state.result is None:
            if game.polls:
                game.polled(*_STORED)
            game.wait(1)


def _check(game: Game) -> None:
    result = game.state.result
    assert result is not None
    assert game.state.error is None
    assert result.text == "It is done, all of it."
    assert result.reasoning == "Let me see"
    assert game.texts() == {"prt_003_0": "It is done, ", "prt_003_1": "all of it."}
    assert game.texts(ReasoningDelta) == {"prt_002_0": "Let me see"}
    assert (result.cost, result.message_id) == (1.0, "msg_001")
    assert [type(one) for one in game.updates].count(TurnFinished) == 1
    assert isinstance(game.updates[-1], TurnFinished)
    assert not game.taken(Poll) or game.state.result is not None


@small_and_full("examples", 40, 300)
def test_the_text_is_the_stored_one_for_every_order_of_events(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(_Steps)
    def check(steps: list[int | str]) -> None:
        game = Game(permissions="once")
        _play(game, steps)
        _end(game)
        _check(game)

    check()


@small_and_full("examples", 40, 300)
def test_the_text_is_the_stored_one_if_events_are_lost_or_repeated(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(st.sets(st.integers(0, len(_EVENTS) - 1)), st.integers(1, 3))
    def check(lost: set[int], times: int) -> None:
        game = Game(permissions="once")
        _play(game, [index for index in range(len(_EVENTS)) for _ in range(times) if index not in lost])
        _end(game)
        _check(game)

    check()


def test_the_same_inputs_give_the_same_updates() -> None:
    games = [Game(permissions="once"), Game(permissions="once")]
    for game in games:
        _play(game, list(range(len(_EVENTS))))
        _end(game)
    assert games[0].updates == games[1].updates
