"""Threads that are reused for small tasks."""

from __future__ import annotations

from contextvars import ContextVar
from queue import SimpleQueue
from threading import Event, current_thread
from threading import enumerate as threads_of_this_process

import pytest

from opencode_client.streams.background import Workers

_NAME = "workers of this test"
_S = 10


def _until_idle(workers: Workers, count: int) -> None:
    while len(workers._idle) < count:  # pyright: ignore[reportPrivateUsage] # no public attribute shows it
        pass


def test_an_idle_thread_takes_the_next_task() -> None:
    workers, seen = Workers(_NAME), SimpleQueue[str]()
    threads: set[object] = set()

    def work() -> None:
        threads.add(current_thread())
        seen.put("done")

    for _ in range(3):
        workers.start(work)
        assert seen.get(timeout=_S) == "done"
        _until_idle(workers, 1)
    workers.end()
    assert len(threads) == 1


def test_a_waiting_task_does_not_block_others() -> None:
    workers, going_on, seen = Workers(_NAME), Event(), SimpleQueue[str]()

    def wait() -> None:
        going_on.wait(_S)
        seen.put("first")

    workers.start(wait)
    workers.start(lambda: seen.put("second"))
    assert seen.get(timeout=_S) == "second"
    going_on.set()
    assert seen.get(timeout=_S) == "first"
    workers.end()


@pytest.mark.parametrize("ends_first", [True, False])
def test_threads_end_after_their_task(ends_first: bool) -> None:
    workers, going_on = Workers(f"{_NAME} {ends_first}"), Event()

    def wait() -> None:
        going_on.wait(_S)

    workers.start(wait)
    [thread] = [one for one in threads_of_this_process() if one.name == f"{_NAME} {ends_first}"]
    if ends_first:
        workers.end()
        going_on.set()
    else:
        going_on.set()
        _until_idle(workers, 1)
        workers.end()
    thread.join(_S)
    assert not thread.is_alive()


def test_a_task_has_the_context_of_its_caller() -> None:
    workers, seen, text = Workers(_NAME), SimpleQueue[str](), ContextVar("text", default="")
    for value in ("first", "second"):
        text.set(value)
        workers.start(lambda: seen.put(text.get()))
        assert seen.get(timeout=_S) == value
    workers.end()
