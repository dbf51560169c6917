"""Programs that are killed, and connections that break, while a prompt is sent to real servers."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from opencode_client import OpencodeClient, TurnLostError, TurnResult
from tests.live.client_pairs import SyncOrAsync, client_of, until
from tests.live.turns.players import Site, busy
from tests.support.killable import Killable
from tests.support.prompt_proxy import KillingProxy

pytestmark = [pytest.mark.live, pytest.mark.matrix]

_WHOLE_BYTES = 1_000_000


def _edges(server: Site, kind: SyncOrAsync) -> list[int]:
    """Numbers of bytes that are sent: a part of the head, the head, a part of the body, all but one, all, and more."""
    with (
        KillingProxy(server.server.url, after_bytes=_WHOLE_BYTES, kill=lambda: None) as proxy,
        client_of(kind, proxy.url, directory=server.directory) as client,
    ):
        client.run("hi", timeout=60)
    head, whole = proxy.passed.index(b"\r\n\r\n") + 4, len(proxy.passed)
    return [60, head, head + 40, whole - 1, whole, whole + 1]


def _stored(server: Site, session_id: str) -> int:
    """The number of prompts that a session has."""
    with OpencodeClient(server.server.url, directory=server.directory) as client:
        return sum(one.info.role == "user" for one in client.session.messages(session_id))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the programs are forks")
def test_a_program_that_is_killed_has_sent_its_prompt_at_most_once(kind: SyncOrAsync, server: Site) -> None:
    with Killable() as programs:
        for after_bytes in _edges(server, kind):
            with KillingProxy(server.server.url, after_bytes=after_bytes, kill=programs.kill) as proxy:
                programs.start(kind, base_url=proxy.url, directory=str(server.directory))
                programs.wait()
            assert proxy.posts == 1
            until(lambda: not busy(server))
            assert _stored(server, proxy.session_id) <= 1


def test_a_prompt_whose_connection_breaks_is_not_sent_again(kind: SyncOrAsync, server: Site) -> None:
    def play(after_bytes: int) -> tuple[int, int, TurnResult[Any] | TurnLostError]:
        with KillingProxy(server.server.url, after_bytes=after_bytes, kill=lambda: None) as proxy:
            with client_of(kind, proxy.url, directory=server.directory) as client:
                try:
                    end: TurnResult[Any] | TurnLostError = client.run("hi", timeout=60)
                except TurnLostError as error:
                    end = error
            return proxy.posts, _stored(server, proxy.session_id), end

    edges = _edges(server, kind)
    with ThreadPoolExecutor(len(edges)) as threads:
        for posts, stored, end in threads.map(play, edges):
            assert (posts, stored) == (1, 0 if isinstance(end, TurnLostError) else 1)
            assert getattr(end, "stored", True) is (stored == 1)
            assert getattr(end, "text", "echo: hi") == "echo: hi"
