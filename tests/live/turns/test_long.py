"""Turns of more than six minutes, on real servers: all at the same time. Runtimes and proxies have limits of 300 s."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from opencode_client import AsyncOpencodeClient, OpencodeClient, TurnResult
from opencode_client.model import JsonObject
from opencode_client.testing import Reply
from tests.live.turns.players import TURN_VERSIONS, open_site

pytestmark = [pytest.mark.live, pytest.mark.matrix]

_LONG_S = 370.0
_PIECES = 10
_REPLIES = {
    "#silent": Reply(text="late", delay_s=_LONG_S / 2),  # servers abort a provider's request after 300 s
    "#dripping": Reply(text="0123456789", chunks=_PIECES, delay_s=_LONG_S / _PIECES),
}


def _script(request: JsonObject) -> Reply | None:
    text = str(request["messages"][-1])
    return next((reply for name, reply in _REPLIES.items() if name in text), None)


@pytest.mark.timeout(900)
@pytest.mark.skipif("TURN_VERSIONS" not in os.environ, reason="`make test-turns` has the time")
def test_turns_may_run_for_more_than_six_minutes() -> None:
    with ExitStack() as running, ThreadPoolExecutor(3 * len(TURN_VERSIONS)) as threads:
        sites = {version: running.enter_context(open_site(version, _script)) for version in TURN_VERSIONS}
        ends: dict[tuple[str, ...], Any] = {}
        for version, site in sites.items():
            for prompt in _REPLIES:
                ends[version, "sync", prompt] = threads.submit(_run, site.url, str(site.directory), prompt)
        for version, site in sites.items():
            ends[version, "async"] = threads.submit(_run_async, site.url, str(site.directory))
        found = {case: end.result() for case, end in ends.items()}
        assert all(max(site.proxy.prompts.values()) == 1 for site in sites.values())
    wanted = {case: ["late", "0123456789"] if case[1] == "async" else _REPLIES[case[2]].text for case in ends}
    assert found == wanted


def _run(url: str, directory: str, prompt: str) -> str:
    with OpencodeClient(url, directory=directory) as client:
        return _checked(client.run(prompt, timeout=500))


def _run_async(url: str, directory: str) -> list[str]:
    async def run_all() -> list[str]:
        async with AsyncOpencodeClient(url, directory=directory) as client:
            found = await asyncio.gather(*(client.run(prompt, timeout=500) for prompt in _REPLIES))
            return [_checked(one) for one in found]

    return asyncio.run(run_all())


def _checked(result: TurnResult[Any]) -> str:
    assert result.duration_s > 360
    return result.text
