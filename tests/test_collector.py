"""The garbage collector waits while a large answer is read, and only then."""

from __future__ import annotations

import gc
from collections.abc import Generator

import httpx
import pytest

from opencode_client import ResponseDecodeError
from opencode_client.models import Project
from tests.worlds import World

_ITEM = b'{"id":"p","worktree":"/","time":{"created":1,"updated":1},"sandboxes":[]}'
_LARGE = b"[" + b",".join([_ITEM] * 20_000) + b"]"


@pytest.fixture(autouse=True)
def enabled() -> Generator[None]:
    gc.enable()
    yield
    gc.enable()


def _collections(world: World, body: bytes) -> int:
    """How often the collector ran while an answer was read."""
    before = _runs()
    client = world.mocked(
        lambda _: httpx.Response(200, content=body, headers={"content-type": "application/json"})
    )
    found = world.call(client.project.list)
    assert isinstance(found[0], Project)
    return _runs() - before


def _runs() -> int:
    return sum(int(one["collections"]) for one in gc.get_stats())


def test_a_large_answer_is_read_without_collections(world: World) -> None:
    assert _collections(world, b"[" + b",".join([_ITEM] * 12_000) + b"]") > 10
    assert _collections(world, _LARGE) <= 10
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off(world: World) -> None:
    gc.disable()
    _collections(world, _LARGE)
    assert not gc.isenabled()


def test_it_collects_again_when_reading_failed(world: World) -> None:
    body = b"[" + b" " * 1_000_001
    client = world.mocked(
        lambda _: httpx.Response(200, content=body, headers={"content-type": "application/json"})
    )
    with pytest.raises(ResponseDecodeError):
        world.call(client.project.list)
    assert gc.isenabled()
