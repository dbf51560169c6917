"""Servers for turns, started once for this folder, and a check after each test that nothing is left."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from opencode_client import OpencodeClient
from tests.live.client_pairs import CLIENT_KINDS, SyncOrAsync, until
from tests.live.servers import NEW
from tests.live.turns.players import TURN_VERSIONS, Site, Sites, busy, open_site

_LEFT_S = 5.0


@pytest.fixture(scope="package")
def sites() -> Generator[Sites]:
    """Servers that are started when a test first uses their version."""
    with ExitStack() as running:

        @cache
        def start(version: str) -> Site:
            more: Any = {"agent": {"general": {"permission": {"task": "allow"}}}}  # it may start subagents
            if version == NEW:  # older servers have no limit, and no such setting
                more["subagent_depth"] = 3
            site = running.enter_context(open_site(version, permission={"bash": "ask"}, **more))
            with OpencodeClient(site.url, directory=site.directory) as client:
                client.run(
                    "begin", timeout=100
                )  # 1.18.33 aborts all turns after one that is aborted before this
            return site

        yield start


@pytest.fixture(params=TURN_VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(sites: Sites, version: str) -> Site:
    return sites(version)


@pytest.fixture
def streaming(server: Site, version: str) -> Site:
    """A server whose event stream has events. That of 1.14.48 has none, so texts come when they are complete."""
    if version == "1.14.48":
        pytest.skip("1.14.48 sends no events")
    return server


@pytest.fixture(params=CLIENT_KINDS)
def kind(request: pytest.FixtureRequest) -> SyncOrAsync:
    chosen: SyncOrAsync = request.param
    return chosen


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Generator[None]:
    """After each test no session is busy, no thread or connection of a client is left, and no prompt was sent twice.

    `client_of` and `play` check that no task is left.
    """
    site: Site | None = None
    if "version" in request.fixturenames:
        site = request.getfixturevalue("sites")(request.getfixturevalue("version"))
    yield
    if site is not None:
        site.proxy.open()
    until(lambda: not _client_threads(), _LEFT_S)
    if site is not None:
        until(lambda: not busy(site), _LEFT_S)
        until(lambda: site.proxy.connections == 0, _LEFT_S)
        assert max(site.proxy.prompts.values(), default=1) == 1


def _client_threads() -> list[str]:
    """Return the names of the threads of clients; a fake server has threads of its own."""
    names = [one.name for one in threading.enumerate()]
    return [name for name in names if name.startswith("opencode-") and "-fake" not in name]
