"""Turns that are stopped, left, or followed, on real servers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from opencode_client import OpencodeClient, TextDelta, TurnAbortedError, TurnBudgetError, TurnTimeoutError
from tests.live.client_pairs import SyncOrAsync, client_of, until
from tests.live.turns.players import Site, busy, failure, play, run

pytestmark = pytest.mark.live


def test_a_turn_that_hangs_is_aborted_at_the_deadline(kind: SyncOrAsync, server: Site) -> None:
    error = failure(kind, server, TurnTimeoutError, "#hang", timeout=3)
    assert error.partial.text in ("", "a part")
    assert busy(server) == []


@pytest.mark.matrix
def test_an_exception_in_the_loop_aborts_the_turn(kind: SyncOrAsync, streaming: Site) -> None:
    def leave(_turn: object, one: object) -> None:
        if isinstance(one, TextDelta):
            raise ZeroDivisionError

    played = play(kind, streaming, "#hang", leave)
    assert isinstance(played.error, ZeroDivisionError)
    assert busy(streaming) == []


@pytest.mark.matrix
def test_aborting_ends_the_turn_with_an_error(kind: SyncOrAsync, streaming: Site) -> None:
    played = play(
        kind, streaming, "#hang", lambda turn, one: turn.abort() if isinstance(one, TextDelta) else None
    )
    assert isinstance(played.error, TurnAbortedError)
    assert getattr(played.error.partial, "text", None) == "a part"


@pytest.mark.matrix
def test_a_session_works_after_an_abort_from_another_client(kind: SyncOrAsync, streaming: Site) -> None:
    def abort(turn: Any, one: object) -> None:
        if isinstance(one, TextDelta):
            with OpencodeClient(streaming.url, directory=streaming.directory) as other:
                assert other.abort(turn.session_id)

    played = play(kind, streaming, "#hang", abort)
    assert isinstance(played.error, TurnAbortedError)
    partial = played.error.partial
    assert partial is not None
    assert run(kind, streaming, "next", session_id=partial.session_id).text.startswith("echo")


@pytest.mark.matrix
def test_abort_does_nothing_in_an_idle_session(kind: SyncOrAsync, server: Site) -> None:
    session_id = run(kind, server, "hello").session_id
    with client_of(kind, server.url, directory=server.directory) as client:
        assert client.abort(session_id) is False


@pytest.mark.matrix
def test_a_step_above_the_limit_aborts_the_turn(kind: SyncOrAsync, server: Site) -> None:
    failure(kind, server, TurnBudgetError, "#todo", max_steps=1)
    error = failure(kind, server, TurnBudgetError, "#todo", max_cost=1e-6)
    assert error.partial.cost > 1e-6
    assert busy(server) == []


def test_a_turn_that_another_client_began_can_be_followed(kind: SyncOrAsync, server: Site) -> None:
    with OpencodeClient(server.url, directory=server.directory) as client, ThreadPoolExecutor(1) as threads:
        session_id = client.session.create().id
        first = threads.submit(client.run, "#slow", session_id=session_id)
        until(lambda: len(client.session.messages(session_id)) == 2)
        played = play(kind, server, None, follow=True, session_id=session_id)
        assert played.result.text == first.result().text
    assert list(played.texts()[played.last_message_id].values()) == [played.result.text]


@pytest.mark.matrix
def test_leaving_a_followed_turn_does_not_abort_it(kind: SyncOrAsync, server: Site) -> None:
    def leave(_turn: object, one: object) -> None:
        raise ZeroDivisionError

    with OpencodeClient(server.url, directory=server.directory) as client, ThreadPoolExecutor(1) as threads:
        session_id = client.session.create().id
        first = threads.submit(client.run, "#slow", session_id=session_id)
        until(lambda: len(client.session.messages(session_id)) == 2)
        play(kind, server, None, leave, follow=True, session_id=session_id)
        assert "slow answer" in first.result().text


@pytest.mark.matrix
def test_a_detached_turn_continues(kind: SyncOrAsync, server: Site) -> None:
    sessions: list[str] = []

    def detach(turn: Any, one: object) -> None:
        sessions.append(turn.session_id)
        turn.detach()

    play(kind, server, "#slow", detach)
    assert busy(server) == sessions[:1]
    played = play(kind, server, None, follow=True, session_id=sessions[0])
    assert "slow answer" in played.result.text
