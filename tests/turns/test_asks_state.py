"""The state machine of a feed of asks: when it reads lists, which asks it yields and closes. No server, no clock."""

from __future__ import annotations

from typing import Any

import pytest

from opencode_client.errors import AuthenticationError, ClientClosedError, ServerError, StatusError
from opencode_client.model import JsonObject
from opencode_client.turns.asks_state import AsksState
from opencode_client.turns.inputs import (
    Action,
    Asked,
    DirectorySeen,
    Done,
    EventsWork,
    FindDirectories,
    Gap,
    Input,
    InstanceGone,
    ListAsks,
    Poll,
    ReplyTo,
    SessionSeen,
    Snapshot,
    Tick,
    TurnPlan,
)
from opencode_client.turns.updates import AskClosed, PermissionAsk, QuestionAsk, TurnGap
from opencode_client.turns.v1 import read_event
from tests.support.turn_inputs import CHILD, DIRECTORY, SESSION, event, permission, question, status


def _ask(ask_id: str = "per_1", session_id: str = SESSION, directory: str = DIRECTORY) -> PermissionAsk:
    return PermissionAsk(
        id=ask_id, session_id=session_id, directory=directory, permission="bash", patterns=("ls",)
    )


def _error(kind: type[StatusError], status: int) -> StatusError:
    about: Any = {"operation": "permission.list", "method": "GET", "url": "http://127.0.0.1", "headers": {}}
    return kind("no", status=status, body=b"", **about)


class _Feed:
    """Plays inputs against one feed. Lists wait until the test ends them."""

    def __init__(self, session_id: str = "", directory: str = "") -> None:
        self.now_s = 100.0
        self.state = AsksState(TurnPlan(session_id=session_id, directory=directory, follows=True), self.now_s)
        self.seen: list[Any] = []
        self.actions: list[Any] = []
        self.feed(Tick())

    def feed(self, *items: Input) -> _Feed:
        for item in items:
            for out in self.state.feed(item, self.now_s):
                (self.actions if isinstance(out, Action) else self.seen).append(out)
        return self

    def play(self, *raws: JsonObject) -> _Feed:
        for raw in raws:
            found = read_event(raw, DIRECTORY)
            assert found is not None
            self.feed(found)
        return self

    def wait(self, seconds: float) -> _Feed:
        self.now_s += seconds
        return self.feed(Tick()) if self.now_s >= self.state.wake_at_s else self

    def listed(
        self, *asks: PermissionAsk, children: tuple[SessionSeen, ...] = (), error: Exception | None = None
    ) -> _Feed:
        """End the first list."""
        action = self.actions.pop(0)
        assert isinstance(action, ListAsks)
        self.now_s += 0.1
        return self.feed(Done(action, Snapshot((), children=children, asks=asks), error))

    def found(self, *directories: str) -> _Feed:
        """End the search for directories."""
        action = self.actions.pop(0)
        assert isinstance(action, FindDirectories)
        return self.feed(Done(action, list(directories)))

    @property
    def places(self) -> list[str]:
        """The directories that are being listed."""
        return [getattr(one, "directory", "?") for one in self.actions]


def _in_directory() -> _Feed:
    return _Feed(directory=DIRECTORY)


def test_an_ask_in_a_list_and_in_an_event_is_yielded_once() -> None:
    feed = _in_directory()
    feed.now_s += 0.1
    feed.play(permission("per_1"), question("que_1"))
    feed.listed(_ask("per_1"), _ask("per_2")).play(permission("per_2"))
    assert [one.id for one in feed.seen] == ["per_1", "que_1", "per_2"]
    assert isinstance(feed.seen[1], QuestionAsk)


def test_an_ask_that_was_answered_before_it_was_listed_is_not_yielded() -> None:
    feed = _in_directory().play(event("permission.replied", sessionID=SESSION, requestID="per_1"))
    assert feed.listed(_ask("per_1")).seen == []


@pytest.mark.parametrize("kind", ["permission.replied", "question.replied", "question.rejected"])
def test_an_answer_closes_an_ask_once(kind: str) -> None:
    feed = _in_directory().listed(_ask())
    feed.play(*[event(kind, sessionID=SESSION, requestID="per_1")] * 2)
    assert feed.seen[1:] == [AskClosed("per_1", SESSION)]


def test_an_answer_of_this_program_closes_the_ask() -> None:
    feed = _in_directory().listed(_ask()).feed(Done(ReplyTo(_ask(), "once")))
    feed.play(event("permission.replied", sessionID=SESSION, requestID="per_1"))
    assert feed.seen[1:] == [AskClosed("per_1", SESSION)]


def test_asks_are_listed_again_after_a_gap() -> None:
    feed = _in_directory().listed(_ask("per_1"), _ask("per_2")).feed(EventsWork(), Gap("cut"))
    feed.listed(_ask("per_2"), _ask("per_3"))
    assert feed.seen[2:] == [TurnGap("cut"), _ask("per_3"), AskClosed("per_1", SESSION)]


def test_an_ask_that_is_younger_than_the_list_stays_open() -> None:
    feed = _in_directory()
    feed.now_s += 0.1
    assert feed.feed(Asked(_ask())).listed().seen == [_ask()]


def test_a_gap_during_a_list_leads_to_another_list() -> None:
    feed = _in_directory().feed(Gap("cut"))
    assert feed.places == [DIRECTORY]
    assert feed.listed().places == [DIRECTORY]


def test_no_list_is_read_while_no_ask_waits() -> None:
    feed = _in_directory().listed().feed(EventsWork())
    assert feed.wait(21).wait(21).actions == []


def test_lists_are_read_every_20_seconds_while_an_ask_waits() -> None:
    feed = _in_directory().feed(EventsWork()).listed(_ask())
    assert feed.wait(5).actions == []
    assert feed.wait(20).listed().seen[1:] == [AskClosed("per_1", SESSION)]


def test_a_feed_without_events_polls_and_yields_one_gap() -> None:
    feed = _in_directory().listed()
    for _ in range(3):
        feed.feed(Gap("ended")).listed()
    assert feed.seen == [TurnGap("ended")]
    assert feed.wait(2.1).listed(_ask()).seen[1:] == [_ask()]
    assert feed.feed(EventsWork()).wait(2.1).listed(_ask()).wait(5).actions == []


def test_the_asks_of_an_idle_session_are_closed() -> None:
    feed = _in_directory().listed(_ask()).play(status("idle", CHILD))
    assert feed.actions == []
    feed.play(status("idle"))
    assert feed.listed().seen[1:] == [AskClosed("per_1", SESSION)]


def test_the_asks_of_a_deleted_session_are_closed_for_good() -> None:
    feed = _in_directory().listed(_ask("per_1"), _ask("per_2", CHILD))
    feed.play(event("session.deleted", info={"id": SESSION}))
    assert feed.seen[2:] == [AskClosed("per_1", SESSION)]
    feed.feed(Gap("cut")).listed(_ask("per_1"), _ask("per_2", CHILD))
    assert feed.seen[3:] == [TurnGap("cut")]


def test_the_asks_of_a_disposed_instance_are_closed_without_a_list() -> None:
    feed = _Feed().found("/a", "/b").listed(_ask("per_1", directory="/a"))
    feed.listed(_ask("per_2", directory="/b")).feed(InstanceGone("/a"))
    assert feed.seen[2:] == [AskClosed("per_1", SESSION)]
    assert feed.actions == []


def test_a_list_is_read_again_if_its_instance_was_disposed_meanwhile() -> None:
    feed = _in_directory().feed(InstanceGone(DIRECTORY)).listed(_ask())
    assert feed.listed().seen == [_ask(), AskClosed("per_1", SESSION)]


def test_all_directories_are_listed_a_few_at_a_time() -> None:
    feed = _Feed().found(*(f"/{number}" for number in range(6)))
    assert feed.places == ["/0", "/1", "/2", "/3"]
    assert feed.listed().listed().places == ["/2", "/3", "/4", "/5"]


def test_a_directory_that_an_event_names_is_listed() -> None:
    feed = _Feed().found("/a").listed().feed(DirectorySeen("/b"), Asked(_ask(directory="/b")))
    assert feed.places == ["/b"]
    assert feed.seen == [_ask(directory="/b")]


def test_directories_are_searched_again_after_a_gap() -> None:
    feed = _Feed().found("/a").listed().feed(Gap("cut"))
    assert feed.places == ["?", "/a"]
    feed.found("/a", "/b")
    assert feed.places == ["/a", "/b"]


def test_a_list_that_fails_is_read_again_later() -> None:
    feed = _Feed().feed(EventsWork()).found("/a", "/b").listed(error=_error(ServerError, 500)).listed()
    assert feed.wait(5).actions == []
    assert feed.wait(20).places == ["/a"]


@pytest.mark.parametrize(
    ("error", "raised"), [(_error(AuthenticationError, 401), True), (ClientClosedError("closed"), False)]
)
def test_a_wrong_password_and_a_closed_client_end_the_feed(error: Exception, raised: bool) -> None:
    state = _in_directory().feed(Done(Poll(is_full=True, limit=0), error=error)).state
    assert (state.is_over, state.error) == (True, error if raised else None)


def test_a_session_has_only_its_own_asks_and_those_of_its_subagents() -> None:
    feed = _Feed(SESSION, DIRECTORY).listed(_ask("per_1"), _ask("per_2", "ses_other"))
    feed.play(permission("per_3", "ses_other"))
    assert [one.id for one in feed.seen] == ["per_1"]
    feed.play(event("session.created", info={"id": CHILD, "parentID": SESSION}), permission("per_4", CHILD))
    assert [one.id for one in feed.seen] == ["per_1", "per_4"]


def test_an_ask_that_arrives_before_its_session_is_known_is_yielded() -> None:
    feed = _Feed(SESSION, DIRECTORY).play(permission("per_1", CHILD))
    feed.listed(children=(SessionSeen(CHILD, SESSION, "t"),))
    assert feed.listed(_ask("per_1", CHILD)).seen == [_ask("per_1", CHILD)]
    assert feed.actions == []
