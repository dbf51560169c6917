"""Feeds of asks, on real servers."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from opencode_client import (
    AskClosed,
    OpencodeClient,
    PermissionAsk,
    QuestionAsk,
    Reject,
    StreamTimeoutError,
    TurnGap,
)
from tests.live.client_pairs import SyncOrAsync, client_of, until
from tests.live.servers import NEW
from tests.live.turns.players import Site, Sites, open_site

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def sites() -> Generator[Sites]:
    """Servers whose subagents may start subagents, started when a test first uses their version."""
    with ExitStack() as running:

        @cache
        def start(version: str) -> Site:
            depth: Any = {"subagent_depth": 3} if version == NEW else {}  # Any: opencode's configuration
            agents = {"general": {"permission": {"task": "allow"}}}
            return running.enter_context(
                open_site(version, permission={"bash": "ask"}, agent=agents, **depth)
            )

        yield start


@pytest.fixture
def other(server: Site) -> Generator[OpencodeClient]:
    """Another program. Its asks are gone after the test."""
    with OpencodeClient(server.server.url, directory=server.directory) as client:
        yield client
        client.instance.dispose()


@pytest.fixture
def elsewhere(other: OpencodeClient, tmp_path: Path) -> Generator[OpencodeClient]:
    """The other program in another directory."""
    client = other.with_options(directory=tmp_path)
    yield client
    client.instance.dispose()


@contextmanager
def _feed(
    kind: SyncOrAsync, server: Site, session_id: str | None = None, **options: Any
) -> Generator[Any]:  # Any: a feed of either client
    with client_of(kind, server.url) as client:
        asks: Any = client.asks(session_id, **options)
        (asks.__enter__ if kind == "sync" else asks.__aenter__)()
        try:
            yield asks
        finally:
            asks.close()


def _ask(client: OpencodeClient, prompt: str = "#bash") -> str:
    """Begin a turn that waits, and return its session."""
    session_id = client.session.create().id
    client.session.prompt_async(session_id, parts=[{"type": "text", "text": prompt}])
    until(lambda: client.permission.list() or client.question.list(), 60)
    return session_id


def _rests(client: OpencodeClient, session_id: str) -> bool:
    return bool(until(lambda: session_id not in client.session.status()))


def _next(asks: Any, timeout: float = 60) -> Any:
    """Return the next item that is not a gap."""
    while isinstance(item := asks.get(timeout=timeout), TurnGap):
        pass
    return item


def _assert_nothing_follows(asks: Any) -> None:
    with pytest.raises(StreamTimeoutError):
        _next(asks, 1)


def test_waiting_and_new_asks_are_yielded_once_and_answered(
    kind: SyncOrAsync, server: Site, other: OpencodeClient
) -> None:
    first = _ask(other)
    with _feed(kind, server) as asks:
        ask = _next(asks)
        assert isinstance(ask, PermissionAsk)
        assert (ask.session_id, ask.directory, ask.patterns) == (first, str(server.directory), ("echo hi",))
        second = _ask(other, "#question")
        question = _next(asks)
        assert isinstance(question, QuestionAsk)
        assert question.session_id == second
        asks.answer(question, "A")
        assert _next(asks) == AskClosed(question.id, second)
        asks.reply(ask, Reject("not now"))
        assert _next(asks) == AskClosed(ask.id, first)
        _assert_nothing_follows(asks)
    assert _rests(other, first)
    assert _rests(other, second)


@pytest.mark.matrix
@pytest.mark.parametrize("scope", ["all", "directory", "session"])
def test_an_ask_that_another_process_answers_is_closed(
    kind: SyncOrAsync, server: Site, other: OpencodeClient, scope: str
) -> None:
    session_id = _ask(other)
    directory = server.directory if scope == "directory" else None
    with _feed(kind, server, session_id if scope == "session" else None, directory=directory) as asks:
        ask = _next(asks)
        with OpencodeClient(server.server.url) as third:
            third.permission.reply(ask.id, reply="once", directory=ask.directory)
        assert _next(asks) == AskClosed(ask.id, session_id)
        asks.reply(ask, "once")  # too late, which is not an error
        _assert_nothing_follows(asks)


@pytest.mark.matrix
def test_a_waiting_ask_in_another_directory_is_yielded(
    kind: SyncOrAsync, server: Site, elsewhere: OpencodeClient, version: str
) -> None:
    if version == "1.1.31":
        pytest.skip("it has no operation that names the directories of sessions")
    session_id = _ask(elsewhere)
    with _feed(kind, server) as asks:
        assert _next(asks).session_id == session_id


@pytest.mark.matrix
def test_an_ask_in_a_later_directory_is_yielded(
    kind: SyncOrAsync, server: Site, elsewhere: OpencodeClient, tmp_path: Path
) -> None:
    with _feed(kind, server) as asks:
        session_id = _ask(elsewhere)
        ask = _next(asks)
        assert (ask.session_id, ask.directory) == (session_id, str(tmp_path))
        asks.reply(ask, "once")
        assert _next(asks) == AskClosed(ask.id, session_id)


@pytest.mark.matrix
def test_a_directory_has_only_its_own_asks(
    kind: SyncOrAsync, server: Site, other: OpencodeClient, elsewhere: OpencodeClient
) -> None:
    with _feed(kind, server, directory=server.directory) as asks:
        _ask(elsewhere)
        session_id = _ask(other)
        assert _next(asks).session_id == session_id
        _assert_nothing_follows(asks)


@pytest.mark.matrix
def test_a_session_has_the_asks_of_its_subagents(
    kind: SyncOrAsync, server: Site, other: OpencodeClient
) -> None:
    _ask(other)  # of another session
    session_id = other.session.create().id
    with _feed(kind, server, session_id) as asks:
        other.session.prompt_async(session_id, parts=[{"type": "text", "text": "#task#task#bash"}])
        ask = _next(asks)
        asks.reply(ask, "once")
        assert _next(asks) == AskClosed(ask.id, ask.session_id)
    parents = {one.id: one.parent_id for one in other.session.list()}
    assert parents[parents[ask.session_id] or ""] == session_id


@pytest.mark.matrix
def test_asks_of_already_waiting_subagents_are_yielded(
    kind: SyncOrAsync, server: Site, other: OpencodeClient
) -> None:
    session_id = _ask(other, "#task#bash")
    with _feed(kind, server, session_id) as asks:
        ask = _next(asks)
        assert ask.session_id != session_id
        asks.reply(ask, "once")
        assert _next(asks) == AskClosed(ask.id, ask.session_id)


@pytest.mark.matrix
@pytest.mark.parametrize("end", ["abort", "delete", "dispose"])
def test_an_ask_of_an_ended_turn_is_closed(
    kind: SyncOrAsync, server: Site, other: OpencodeClient, end: str
) -> None:
    session_id = _ask(other)
    with _feed(kind, server) as asks:
        ask = _next(asks)
        if end == "abort":
            other.session.abort(session_id)
        elif end == "delete":
            other.session.delete(session_id)
        else:
            other.instance.dispose()
        assert _next(asks) == AskClosed(ask.id, session_id)


@pytest.mark.matrix
def test_a_policy_of_a_turn_of_the_same_client_answers(
    kind: SyncOrAsync, server: Site, other: OpencodeClient
) -> None:
    with client_of(kind, server.url, directory=server.directory) as client:
        asks: Any = client.asks(directory=server.directory)
        (asks.__enter__ if kind == "sync" else asks.__aenter__)()
        result = client.run("#bash", permissions="once", timeout=60)
        assert result.text == "done"
        found: list[Any] = []
        with suppress(StreamTimeoutError):
            while True:
                found.append(_next(asks, 3))
        assert [type(one) for one in found] in ([PermissionAsk, AskClosed], [])
        asks.close()


@pytest.mark.matrix
def test_asks_are_listed_again_after_a_gap(kind: SyncOrAsync, server: Site, other: OpencodeClient) -> None:
    answered = _ask(other)
    with _feed(kind, server) as asks:
        ask = _next(asks)
        server.proxy.shut()
        other.permission.reply(ask.id, reply="once")
        assert _rests(other, answered)
        session_id = _ask(other)
        server.proxy.open()
        assert isinstance(asks.get(timeout=60), TurnGap)
        found = [_next(asks), _next(asks)]
        assert AskClosed(ask.id, answered) in found
        assert session_id in [one.session_id for one in found if isinstance(one, PermissionAsk)]
