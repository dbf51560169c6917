"""Turns whose connections break, on real servers."""

from __future__ import annotations

import pytest

from tests.live.client_pairs import SyncOrAsync
from tests.live.turns.players import Site, play
from tests.support.chaos_proxy import ChaosProxy, Fate

pytestmark = pytest.mark.live


@pytest.mark.matrix
def test_a_turn_on_a_repeatedly_cut_stream_has_its_whole_text(kind: SyncOrAsync, streaming: Site) -> None:
    with ChaosProxy(streaming.url, seed=1, most_bytes=6_000, fates=[Fate.CUT, Fate.RESET]) as proxy:
        played = play(kind, streaming, "#slow", url=proxy.url)
        assert proxy.met
    assert played.result.text.strip() == ("a slow answer " * 8).strip()
    assert list(played.texts()[played.last_message_id].values()) == [played.result.text]
    assert played.result.gaps > 0
