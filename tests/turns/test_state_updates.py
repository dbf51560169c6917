"""The updates of a turn, without a server: texts, tools, steps, compactions."""

from __future__ import annotations

from opencode_client import (
    Compacting,
    ReasoningDelta,
    Retrying,
    StepFinished,
    TextDelta,
    TextReplaced,
    TodoChanged,
    ToolUpdate,
)
from opencode_client.turns.inputs import EventsWork, Gap, StatusSeen
from tests.support.turn_inputs import (
    IDLE,
    SESSION,
    Game,
    Message,
    answered_with,
    begun,
    event,
    prompt,
    status,
    streamed,
)


def test_a_text_with_a_missing_delta_is_replaced() -> None:
    game, answer = begun(Game()), answered_with("Hello, world")
    streamed(game, answer, "Hello, ", "ld")
    assert game.seen(TextReplaced)[0].text == "Hello, world"
    assert game.texts() == {"prt_002_0": "Hello, world"}


def test_deltas_of_a_part_of_unknown_kind_wait_for_the_part() -> None:
    game, answer = begun(Game()), Message(2).text("hm", kind="reasoning")
    game.play(Message(2, is_over=False).updated(), answer.delta("h"), answer.delta("m"))
    assert game.updates == []
    game.play(answer.part_updated())
    assert game.texts(ReasoningDelta) == {"prt_002_0": "hm"}


def test_a_poll_does_not_remove_a_text_in_progress() -> None:
    game, answer = begun(Game()), answered_with("Hello")
    game.play(
        Message(2, is_over=False).updated(),
        answer.part_updated(text="", time={"start": 1}),
        answer.delta("Hel"),
    )
    game.feed(Gap("cut")).polled(prompt(), Message(2, is_over=False).text("", is_over=False), status="busy")
    game.play(answer.delta("lo"))
    assert game.texts() == {"prt_002_0": "Hello"}
    assert not game.seen(TextReplaced)


def test_cumulative_texts_of_old_servers_become_deltas() -> None:
    game, answer = begun(Game()), answered_with("Hello")
    game.play(Message(2, is_over=False).updated())
    for text in ("", "He", "Hell", "Hello"):
        game.play(answer.part_updated(text=text, time={"start": 1}))
    assert [one.text for one in game.seen(TextDelta)] == ["He", "ll", "o"]


def test_synthetic_and_ignored_texts_are_not_shown() -> None:
    game, answer = begun(Game()), Message(2).text("a", synthetic=True).text("b", ignored=True).text("c")
    game.answered(answer).wait(0.6).polled(prompt(), answer)
    assert game.state.result is not None
    assert (game.state.result.text, game.texts()) == ("c", {"prt_002_2": "c"})


def test_several_steps_are_one_turn() -> None:
    game = begun(Game())
    step = Message(2, more={"finish": "tool-calls"}).tool("completed", output="a.txt")
    last = answered_with("done", 3)
    game.play(step.updated(), step.part_updated()).play(*IDLE)
    assert not game.polls
    streamed(game, last, "done").answered(last).play(status("busy"), *IDLE).polled(prompt(), step, last)
    assert game.state.result is not None
    assert (game.state.result.text, game.state.result.cost) == ("done", 1.0)
    assert [call.tool for call in game.state.result.tool_calls] == ["bash"]


def test_a_repeated_retry_event_is_shown_once() -> None:
    seen = StatusSeen(SESSION, "retry", 1, "too fast", 5)
    game = begun(Game()).feed(seen, seen, StatusSeen(SESSION, "retry", 2, "too fast", 9))
    assert [one.attempt for one in game.seen(Retrying)] == [1, 2]


def test_a_tool_shows_each_state_once() -> None:
    game = begun(Game()).play(Message(2, is_over=False).updated())
    for state in ("pending", "pending", "running", "completed", "running"):  # the last one is late
        game.play(Message(2).tool(state).part_updated())
    assert [one.status for one in game.seen(ToolUpdate)] == ["pending", "running", "completed"]


def test_a_step_that_ends_is_shown_with_its_cost() -> None:
    game, answer = begun(Game()), Message(2)
    answer.with_part({"type": "step-finish", "reason": "stop", "cost": 0.25, "tokens": {"input": 3}})
    game.play(answer.updated(), answer.part_updated(), answer.part_updated())
    assert [(one.finish, one.cost, one.tokens.input) for one in game.seen(StepFinished)] == [
        ("stop", 0.25, 3)
    ]


def test_a_compaction_continues_the_turn() -> None:
    """The order of 1.18.33 for a conversation that is too long."""
    game = begun(Game())
    failed = Message(2, more={"finish": None})
    compaction = Message(3, "user").with_part({"type": "compaction", "auto": True})
    summary = answered_with("a summary", 4, parent=3, more={"summary": True})
    goes_on = Message(5, "user").text("Continue", synthetic=True)
    last = answered_with("done", 6, parent=5)
    for one in (failed, compaction, summary, goes_on, last):
        game.play(one.updated(), *(one.part_updated(index) for index in range(len(one.parts))))
    game.answered(last).play(*IDLE).polled(prompt(), failed, compaction, summary, goes_on, last)
    assert game.state.result is not None
    assert (game.state.result.text, game.state.result.cost) == ("done", 1.5)
    assert game.texts() == {"prt_006_0": "done"}
    assert len(game.seen(Compacting)) == 1


def test_a_retry_is_shown() -> None:
    game = begun(Game()).play(status("retry", attempt=2, message="boom", next=5))
    assert game.seen(Retrying) == [Retrying(2, "boom", 5)]


def test_the_tasks_are_shown_when_they_change() -> None:
    todos = [{"content": "c", "status": "pending", "priority": "high"}]
    game = begun(Game()).play(*[event("todo.updated", sessionID=SESSION, todos=todos)] * 2)
    assert [one.todos[0].content for one in game.seen(TodoChanged)] == ["c"]


def test_an_answer_before_the_last_events_is_shown_after_them() -> None:
    game, answer = begun(Game()).feed(EventsWork()), answered_with(number=3)
    game.play(Message(2, is_over=False).updated(), Message(2).tool("running").part_updated())
    game.answered(answer)
    game.play(Message(2).tool("completed").part_updated(), Message(2).updated())
    streamed(game, answer, "Hello").play(*IDLE)
    assert game.state.result is not None
    shown = [getattr(one, "status", "") or getattr(one, "text", "") for one in game.updates]
    assert [one for one in shown if one] == ["running", "completed", "Hello"]


def test_an_answer_without_its_events_is_shown_before_the_end() -> None:
    game, answer = begun(Game()).feed(EventsWork()), answered_with()
    game.answered(answer)
    assert game.updates == []
    game.wait(3.1).polled(prompt())
    assert [type(one).__name__ for one in game.updates][:1] == ["TextDelta"]
    assert game.texts() == {"prt_002_0": "Hello"}
