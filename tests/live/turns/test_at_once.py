"""Several turns at the same time, on real servers."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from opencode_client import AsyncOpencodeClient, OpencodeClient, SessionBusyError, SlashCommand, TurnResult
from tests.live.client_pairs import SyncOrAsync, until
from tests.live.turns.players import Site, busy, run

pytestmark = pytest.mark.live


def test_two_runs_in_one_session_run_one_after_the_other(kind: SyncOrAsync, server: Site) -> None:
    with OpencodeClient(server.url, directory=server.directory) as client, ThreadPoolExecutor(2) as threads:
        session_id = client.session.create().id
        first = threads.submit(run, kind, server, "#slower one", session_id=session_id)
        until(lambda: session_id in client.session.status())
        until(lambda: len(client.session.messages(session_id)) == 2)
        with pytest.raises(SessionBusyError):
            run(kind, server, SlashCommand("init"), session_id=session_id)
        second = run(kind, server, "two", session_id=session_id)
        assert "slow answer" in first.result().text
    assert "two" in second.text
    assert first.result().message_id != second.message_id


@pytest.mark.matrix
@pytest.mark.parametrize(("sessions", "directories"), [(50, 10), (100, 1)])
def test_many_turns_run_at_the_same_time(
    kind: SyncOrAsync, server: Site, sessions: int, directories: int
) -> None:
    places = [server.directory / f"place{number}" for number in range(directories)]
    for place in places:
        place.mkdir(exist_ok=True)
    at = [places[number % directories] for number in range(sessions)]
    options: Any = {"permissions": "once", "timeout": 250}

    async def run_all() -> list[TurnResult[Any]]:
        async with AsyncOpencodeClient(server.url) as client:
            return await asyncio.gather(*(client.run("#bash", directory=place, **options) for place in at))

    if kind == "async":
        results = asyncio.run(run_all())
    else:
        with OpencodeClient(server.url) as client, ThreadPoolExecutor(sessions) as threads:

            def run_one(place: Path) -> TurnResult[Any]:
                return client.run("#bash", directory=place, **options)

            results = list(threads.map(run_one, at))
    assert [result.text for result in results] == ["done"] * sessions
    assert len({result.session_id for result in results}) == sessions
    assert [busy(server, place) for place in places] == [[]] * directories
