"""Turns and feeds of asks belong to the process and the event loop that opened them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Generator
from typing import Any

import pytest

from opencode_client import AsyncOpencodeClient, StreamClosedError, TurnSpec
from opencode_client.models import TextPartInput
from opencode_client.testing import FakeServer, Reply
from tests.streams.test_fork import in_child
from tests.support.both_clients import ClientKind

_OPENINGS: dict[str, Callable[[Any, str], Any]] = {  # Any: either client, and what it opens
    "turn": lambda client, _: client.turn("Hi."),
    "follow": lambda client, session_id: client.follow(session_id),
    "run_many": lambda client, _: client.run_many([TurnSpec("Hi.")]),
    "asks": lambda client, _: client.asks(),
}
_PROMPT = [TextPartInput(text="Hi.")]
"""Its turn does not end, so that `follow` does not end either."""
every_opening = pytest.mark.parametrize("open_", _OPENINGS.values(), ids=_OPENINGS)


@pytest.fixture
def fake() -> Generator[FakeServer]:
    with FakeServer(script=lambda _: Reply(text="Hello.", hang=True)) as server:
        yield server


def _refuses(kind: ClientKind, opened: Any) -> None:  # Any: see _OPENINGS
    """Check that reading it here raises, and that closing it here does nothing."""
    uses = [opened.get, opened.__anext__ if kind.is_async else opened.__next__]
    uses += [getattr(opened, name) for name in ("result", "abort") if hasattr(opened, name)]
    for use in uses:
        with pytest.raises(StreamClosedError, match="another process or event loop"):
            kind.call(use)
    kind.call(opened.close)


@every_opening
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_process_cannot_read_or_close_turns_and_feeds_of_its_parent(
    fake: FakeServer, client_kind: ClientKind, open_: Callable[[Any, str], Any]
) -> None:
    client = client_kind.client(fake.url)
    session_id = client_kind.call(client.session.create).id
    client_kind.call(client.session.prompt_async, session_id, parts=_PROMPT)
    opened = open_(client, session_id)
    client_kind.call(opened.__aenter__ if client_kind.is_async else opened.__enter__)
    assert in_child(lambda: _refuses(ClientKind(client_kind.is_async), opened)) is None
    assert not fake.calls("session.abort")
    client_kind.call(opened.close)


@every_opening
def test_another_event_loop_cannot_read_or_close_turns_and_feeds(
    fake: FakeServer, open_: Callable[[Any, str], Any]
) -> None:
    async def opened() -> tuple[AsyncOpencodeClient, Any]:  # Any: as above
        client = fake.async_client()
        session = await client.session.create()
        await client.session.prompt_async(session.id, parts=_PROMPT)
        it = open_(client, session.id)
        await it.__aenter__()
        return client, it

    with asyncio.Runner() as first:
        client, it = first.run(opened())
        second = ClientKind(is_async=True)
        _refuses(second, it)
        second.close()
        first.run(it.close())
        first.run(client.close())
