"""Texts, reasoning, tools and other contents of turns, on real servers."""

from __future__ import annotations

import pickle

import pytest

from opencode_client import (
    OpencodeClient,
    ReasoningDelta,
    SlashCommand,
    StepFinished,
    TextDelta,
    TodoChanged,
    TurnFinished,
)
from opencode_client.models import FilePartInput
from opencode_client.testing import MODEL
from tests.live.client_pairs import SyncOrAsync, client_of
from tests.live.turns.players import Site, busy, play, run

pytestmark = pytest.mark.live


def test_a_turn_returns_plain_text(kind: SyncOrAsync, server: Site) -> None:
    result = run(kind, server, "hello", model=MODEL, agent="build", title="t", timeout=60)
    assert (result.text, result.finish, result.tokens.input) == ("echo: hello", "stop", 11)
    assert result.cost > 0
    assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301 # ours
    assert busy(server) == []


@pytest.mark.parametrize("prompt", ["hello", "#slow", "#todo"])
def test_the_messages_are_the_ones_that_the_server_has_stored(
    kind: SyncOrAsync, server: Site, prompt: str
) -> None:
    result = run(kind, server, prompt, timeout=60)
    with OpencodeClient(server.url, directory=server.directory) as client:
        stored = client.session.messages(result.session_id)
    assert [one.to_dict() for one in result.messages[1:]] == [one.to_dict() for one in stored[1:]]
    assert result.messages[0].parts == stored[0].parts


@pytest.mark.matrix
def test_the_next_turn_continues_the_session(kind: SyncOrAsync, server: Site) -> None:
    with client_of(
        kind, server.url
    ) as client:  # the session's directory is looked up where the server can do that
        given = client.with_options(directory=server.directory) if kind == "sync" else client
        if kind == "async":
            first = run(kind, server, "one")
            second = run(kind, server, "two", session_id=first.session_id)
        else:
            first = given.run("one")
            second = given.run("two", session_id=first.session_id)
    assert (second.session_id, second.text, len(second.messages)) == (first.session_id, "echo: two", 2)


@pytest.mark.matrix
def test_a_fork_does_not_change_the_session(kind: SyncOrAsync, server: Site) -> None:
    first = run(kind, server, "one")
    forked = run(kind, server, "two", session_id=first.session_id, fork=True)
    assert forked.session_id != first.session_id
    with OpencodeClient(server.url, directory=server.directory) as client:
        assert len(client.session.messages(first.session_id)) == 2
        assert len(client.session.messages(forked.session_id)) == 4


def test_reasoning_and_text_are_streamed_separately(kind: SyncOrAsync, server: Site, version: str) -> None:
    played = play(kind, server, "#slow")
    assert played.result.text.strip() == ("a slow answer " * 8).strip()
    assert played.result.reasoning == "Let me think."
    assert list(played.texts()[played.of(StepFinished)[-1].message_id].values()) == [played.result.text]
    if version != "1.14.48":  # its stream has no events
        assert len(played.of(TextDelta)) > 1
    assert "".join(one.text for one in played.of(ReasoningDelta)) == "Let me think."
    assert isinstance(played.updates[-1], TurnFinished)


@pytest.mark.matrix
def test_tasks_are_shown(kind: SyncOrAsync, server: Site, version: str) -> None:
    played = play(kind, server, "#todo")
    if version != "1.14.48":
        assert [todo.content for todo in played.of(TodoChanged)[0].todos] == ["c"]
    assert played.result.text == "done"


@pytest.mark.matrix
def test_an_empty_answer_returns_an_empty_text(kind: SyncOrAsync, server: Site) -> None:
    assert run(kind, server, "#empty").text == ""


@pytest.mark.matrix
def test_a_prompt_may_be_only_a_file(kind: SyncOrAsync, server: Site) -> None:
    url = (server.directory / "a.txt").as_uri()
    result = run(kind, server, [FilePartInput(mime="text/plain", url=url, filename="a.txt")])
    assert "hello" in result.text
    users = [one for one in server.model.requests[-1]["messages"] if one["role"] == "user"]
    assert "opencode_client" not in str(users)


@pytest.mark.matrix
def test_a_command_returns_its_answer(kind: SyncOrAsync, server: Site) -> None:
    result = run(kind, server, SlashCommand("init"))
    assert "AGENTS.md" in result.text
    assert result.message_id
