"""Turns that fail, on real servers."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest

from opencode_client import (
    AgentNotFoundError,
    ModelNotFoundError,
    NotFoundError,
    OpencodeClient,
    Retrying,
    TextDelta,
    TurnAuthenticationError,
    TurnContextError,
    TurnLostError,
    TurnProviderError,
    TurnResult,
    TurnTimeoutError,
)
from opencode_client.testing import MODEL
from tests.live.client_pairs import SyncOrAsync
from tests.live.turns.players import Site, busy, failure, open_site, play, run

pytestmark = pytest.mark.live


def test_a_wrong_key_of_the_provider_raises_turn_authentication_error(
    kind: SyncOrAsync, server: Site
) -> None:
    error = failure(kind, server, TurnAuthenticationError, "#401")
    assert (error.status, error.retryable, error.error.name) == (401, False, "APIError")
    assert error.partial.session_id


@pytest.mark.matrix
def test_an_error_of_the_provider_raises_turn_provider_error(kind: SyncOrAsync, server: Site) -> None:
    error = failure(kind, server, TurnProviderError, "#400")
    assert (error.status, "bad thing" in str(error)) == (400, True)


@pytest.mark.matrix
def test_a_too_long_conversation_returns_a_result_or_raises_an_error_with_one(
    kind: SyncOrAsync, version: str, server: Site
) -> None:
    if version in ("1.1.31", "1.2.27"):
        failure(kind, server, TurnContextError, "#long", timeout=60)
        return
    result: Any
    try:
        result = run(kind, server, "#long", timeout=60)
    except (TurnContextError, TurnProviderError) as error:
        result = error.partial
    assert result.session_id


@pytest.mark.matrix
def test_a_turn_with_endless_provider_errors_ends_at_the_deadline(kind: SyncOrAsync, server: Site) -> None:
    started = time.monotonic()
    played = play(kind, server, "#500", timeout=8)  # a busy machine needs seconds for the first attempt
    assert isinstance(played.error, TurnTimeoutError)
    assert time.monotonic() - started < 24
    assert played.of(Retrying)
    assert busy(server) == []


def test_too_many_requests_are_repeated_by_the_server(kind: SyncOrAsync, server: Site, version: str) -> None:
    before = server.proxy.posts
    played = play(kind, server, f"#once:429:{uuid4().hex}", timeout=60)
    assert played.result.text == "a whole answer"
    assert list(played.texts()[played.last_message_id].values()) == ["a whole answer"]
    assert server.proxy.posts == before + 1
    retries = played.of(Retrying)
    assert all(one.attempt >= 1 for one in retries)
    if version != "1.14.48":  # polling does not see each status
        # A busy machine adds retries of its own: the server's connection to the model is cut.
        assert sum("too fast" in one.message for one in retries) == 1


def stored(server: Site, partial: TurnResult[Any]) -> str:
    """The text of the last message of a session, as the server has it."""
    with OpencodeClient(server.server.url, directory=server.directory) as client:
        return client.session.messages(partial.session_id)[-1].text


@pytest.mark.matrix
@pytest.mark.parametrize("fault", ["cut", "cutthought", "cuttool"])
@pytest.mark.parametrize("times", ["once", "always"])
def test_a_broken_answer_of_the_provider_ends_with_the_stored_text(
    kind: SyncOrAsync, server: Site, times: str, fault: str
) -> None:
    played = play(kind, server, f"#{times}:{fault}:{uuid4().hex}", timeout=20, permissions="once")
    [end] = played.end
    result = end if isinstance(end, TurnResult) else played.error.partial
    assert isinstance(end, TurnResult | TurnProviderError | TurnTimeoutError)
    if isinstance(end, TurnTimeoutError):
        assert times == "always"
    else:
        assert result.text == stored(server, result)
    shown = played.texts().get(str(result.messages[-1].info.id), {})
    assert "".join(shown.values()) == result.text


def test_unknown_models_agents_and_sessions_raise_errors(kind: SyncOrAsync, server: Site) -> None:
    wrong = failure(kind, server, ModelNotFoundError, "hi", model="scripted/scripted-2")
    assert wrong.nearest == (MODEL,)
    assert failure(kind, server, AgentNotFoundError, "hi", agent="biuld").nearest[0] == "build"
    failure(kind, server, NotFoundError, "hi", session_id="ses_0000000000000000000000")


@pytest.mark.matrix
def test_a_turn_in_a_deleted_session_is_lost(kind: SyncOrAsync, streaming: Site) -> None:
    def delete(turn: Any, one: object) -> None:
        if isinstance(one, TextDelta):
            with OpencodeClient(streaming.url, directory=streaming.directory) as other:
                other.session.delete(turn.session_id)

    played = play(kind, streaming, "#hang", delete, timeout=30)
    assert isinstance(played.error, TurnLostError)
    assert played.error.stored is False


@pytest.mark.matrix
def test_a_turn_in_a_disposed_instance_is_lost(kind: SyncOrAsync, streaming: Site) -> None:
    def dispose(_turn: object, one: object) -> None:
        if isinstance(one, TextDelta):
            with OpencodeClient(streaming.url, directory=streaming.directory) as other:
                other.instance.dispose()

    played = play(kind, streaming, "#hang", dispose, timeout=60)
    assert isinstance(played.error, TurnLostError)
    assert played.error.stored is True


@pytest.mark.matrix
def test_a_turn_on_a_killed_server_is_lost(kind: SyncOrAsync, version: str, streaming: Site) -> None:
    with open_site(version) as server:
        started: list[float] = []

        def kill(_turn: object, one: object) -> None:
            if isinstance(one, TextDelta):
                server.kill()
                started.append(time.monotonic())

        played = play(kind, server, "#hang", kill, url=server.server.url, timeout=60)
    assert isinstance(played.error, TurnLostError)
    assert played.error.stored is None
    assert time.monotonic() - started[0] < 17
