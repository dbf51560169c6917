"""A program that is killed while it sends its prompt has sent it at most once."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from opencode_client.testing import FakeServer
from tests.support.both_clients import ClientKind
from tests.support.killable import Killable
from tests.support.prompt_proxy import KillingProxy
from tests.support.sizes import small_and_full

_ENOUGH = 1_000_000


@pytest.fixture
def server() -> Generator[FakeServer]:
    with FakeServer() as fake:
        yield fake


@pytest.fixture(scope="module")
def programs() -> Generator[Killable]:
    """Programs of one process for all tests, as it takes a second to import the client."""
    with Killable() as made:
        yield made


def _play(programs: Killable, kind: str, server: FakeServer, after_bytes: int) -> KillingProxy:
    with KillingProxy(server.url, after_bytes=after_bytes, kill=programs.kill) as proxy:
        programs.start(kind, base_url=proxy.url)
        programs.wait()
    return proxy


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the programs are forks")
@small_and_full("step", 256, 64)
def test_a_prompt_is_sent_at_most_once(
    client_kind: ClientKind, programs: Killable, server: FakeServer, step: int
) -> None:
    kind = "async" if client_kind.is_async else "sync"
    whole = _play(programs, kind, server, _ENOUGH).passed
    head, all_bytes = whole.index(b"\r\n\r\n") + 4, len(whole)
    edges = [edge + more for edge in (head, all_bytes) for more in (-1, 0, 1)]
    cuts = {0, 1, *range(step, all_bytes, step), *edges, all_bytes + 100}
    for programs_before, after_bytes in enumerate(cuts, start=1):
        proxy = _play(programs, kind, server, after_bytes)
        assert (proxy.posts, len(proxy.passed)) == (1, min(after_bytes, all_bytes))
        # the server may still read the request of an earlier program
        assert len(server.calls("session.prompt")) <= programs_before + 1
