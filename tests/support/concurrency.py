"""Servers, threads and event loops for tests of many calls and of closing."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import httpx
import pytest

from tests.support.busy_server import PATIENCE_S, BusyServer
from tests.support.faulty_server import http

T = TypeVar("T")


PROMPTS = 150
CLOSING_S = 2.0
_TURN_S = 0.01
NO_WAITING = httpx.Timeout(5, pool=0.05)
EMPTY_LIST = http(b"[]")
HALF = http(b"[", headers={"content-type": "application/json", "content-length": "2"})


@pytest.fixture
def busy() -> Iterator[BusyServer]:
    """A server that responds to prompts when `answer_prompts` is called."""
    with BusyServer() as server:
        yield server


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give clients one connection for ordinary calls: if a call does not return it, the next call finds none."""
    for module in ("async_pool", "pool"):
        monkeypatch.setattr(f"opencode_client.calls.{module}.ORDINARY_CONNECTIONS", 1)


class Threads:
    """Threads that all call one function, each with its number."""

    def __init__(self, count: int, work: Callable[[int], object]) -> None:
        self._outcomes: list[object] = []
        self._work = work
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(count)]
        for thread in self._threads:
            thread.start()

    def join(self, patience_s: float = PATIENCE_S) -> list[object]:
        """Return their results and errors. Raises AssertionError if a thread does not end."""
        for thread in self._threads:
            thread.join(patience_s)
            assert not thread.is_alive(), "a call does not end"
        return self._outcomes

    def _run(self, number: int) -> None:
        try:
            self._outcomes.append(self._work(number))
        except Exception as error:  # noqa: BLE001 # the test checks it
            self._outcomes.append(error)


class Turns(selectors.DefaultSelector):
    """A selector for an event loop. At the n-th turn of the loop it calls a function."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0
        self.then: Callable[[], object] = bool

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.left > 0 and (timeout is None or timeout > _TURN_S):
            timeout = _TURN_S
        events = super().select(timeout)
        self.left -= 1
        if self.left == 0:
            self.then()
        return events


def run_turns(turns: Turns, body: Coroutine[Any, Any, T]) -> T:  # Any: as `async def` returns it
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(turns)) as runner:
        return runner.run(body)
