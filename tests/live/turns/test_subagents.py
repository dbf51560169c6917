"""Subagents of turns, on real servers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from opencode_client import OpencodeClient, SubagentChanged
from tests.live.client_pairs import SyncOrAsync, until
from tests.live.turns.players import HOOKS, Played, Site, play, run

pytestmark = pytest.mark.live


def _check_ask(played: Played, levels: int) -> None:
    """Check that a subagent `levels` levels below the turn's session has requested a permission."""
    parents = {one.session_id: one.parent_id for one in played.of(SubagentChanged)}
    asks = [reply.ask for reply in played.result.replies]
    [session_id] = {ask.session_id for ask in asks if getattr(ask, "permission", "") == "bash"}
    for _ in range(levels):
        session_id = parents[session_id]
    assert session_id == played.result.session_id


@pytest.mark.parametrize("prompt", ["#task#bash", "#task#task#bash"])
def test_permissions_of_subagents_are_answered(kind: SyncOrAsync, server: Site, prompt: str) -> None:
    played = play(kind, server, prompt, permissions="once", timeout=90)
    assert played.result.text == "done"
    _check_ask(played, levels=prompt.count("#task"))


@pytest.mark.matrix
def test_the_result_has_the_cost_of_subagents(kind: SyncOrAsync, server: Site) -> None:
    result = run(kind, server, "#task#bash", permissions="once", timeout=90)
    assert result.subagent_cost > 0
    assert result.subagent_tokens.input > 0


@pytest.mark.matrix
@pytest.mark.parametrize(
    "prompt", ["#call:{} #task#bash", "#call:{} #task#task#bash", "#task #call:{} #task#bash"]
)
def test_permissions_of_subagents_started_during_a_gap_are_answered(
    kind: SyncOrAsync, streaming: Site, monkeypatch: pytest.MonkeyPatch, prompt: str
) -> None:
    name = uuid4().hex
    monkeypatch.setitem(HOOKS, name, streaming.proxy.shut)
    with OpencodeClient(streaming.server.url, directory=streaming.directory) as other:

        def open_when_it_waits() -> None:
            until(lambda: other.permission.list(), 60)
            streaming.proxy.open()

        with ThreadPoolExecutor(1) as threads:
            opened = threads.submit(open_when_it_waits)
            played = play(kind, streaming, prompt.format(name), permissions="once", timeout=60)
            opened.result()
    assert played.result.text == "done"
    assert played.result.gaps >= 1
    _check_ask(played, levels=prompt.count("#task"))
