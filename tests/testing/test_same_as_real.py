"""A fake server does what real servers do: the same scenes, compared as whole typed values and events.

Offline with what a client saw of real servers (`python -m tests.testing.scenarios --write`), live with real servers: a
sample of the scenes, as that command plays all of them.
"""

from __future__ import annotations

from functools import cache

import pytest

from opencode_client.model import JsonObject
from tests.testing.scenarios import VERSIONS, differences, play_fake, play_real, recorded
from tests.testing.stage import SCENES

_SAMPLE = ("server", "unknown", "text", "permission_once", "aborted", "terminals")


@cache
def _played(version: str) -> JsonObject:
    return play_fake(version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", SCENES)
def test_the_fake_gives_the_same_results_as_the_recorded_server(version: str, name: str) -> None:
    assert not differences({name: recorded(version)[name]}, _played(version))


@pytest.mark.live
@pytest.mark.parametrize("version", VERSIONS)
def test_the_fake_gives_the_same_results_as_a_real_server(version: str) -> None:
    assert not differences(play_real(version, _SAMPLE), play_fake(version, _SAMPLE))
