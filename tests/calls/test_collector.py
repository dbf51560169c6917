"""The garbage collector is paused while a large response is read, and only then."""

from __future__ import annotations

import gc
from collections.abc import Generator

import httpx
import pytest

from opencode_client import ResponseDecodeError
from opencode_client.models import Project
from tests.support.both_clients import ClientKind

_ITEM = b'{"id":"p","worktree":"/","time":{"created":1,"updated":1},"sandboxes":[]}'
_LARGE = b"[" + b",".join([_ITEM] * 20_000) + b"]"


@pytest.fixture(autouse=True)
def enabled() -> Generator[None]:
    """Switch the collector on, with the threshold of Python 3.11 on every version."""
    before = gc.get_threshold()
    gc.set_threshold(700, *before[1:])
    gc.enable()
    yield
    gc.enable()
    gc.set_threshold(*before)


def _collections(client_kind: ClientKind, body: bytes) -> int:
    """Return the number of collections while a response is read."""
    phases: list[str] = []

    def note(phase: str, _: dict[str, int]) -> None:
        phases.append(phase)

    client = client_kind.mocked(
        lambda _: httpx.Response(200, content=body, headers={"content-type": "application/json"})
    )
    gc.callbacks.append(note)  # gc.get_stats() leaves out most of the incremental steps of 3.14
    try:
        found = client_kind.call(client.project.list)
    finally:
        gc.callbacks.remove(note)
    assert isinstance(found[0], Project)
    return phases.count("start")


def test_a_large_response_is_read_without_collections(client_kind: ClientKind) -> None:
    assert _collections(client_kind, b"[" + b",".join([_ITEM] * 12_000) + b"]") > 10
    assert _collections(client_kind, _LARGE) <= 10
    assert gc.isenabled()


def test_a_collector_that_was_switched_off_stays_off(client_kind: ClientKind) -> None:
    gc.disable()
    _collections(client_kind, _LARGE)
    assert not gc.isenabled()


def test_the_collector_is_on_again_after_a_failed_read(client_kind: ClientKind) -> None:
    body = b"[" + b" " * 1_000_001
    client = client_kind.mocked(
        lambda _: httpx.Response(200, content=body, headers={"content-type": "application/json"})
    )
    with pytest.raises(ResponseDecodeError):
        client_kind.call(client.project.list)
    assert gc.isenabled()
