"""Small works in threads that are used again."""

from __future__ import annotations

from contextvars import ContextVar
from queue import SimpleQueue
from threading import Event, current_thread
from threading import enumerate as threads_of_this_process

import pytest

from opencode_client.streams.background import Crew

_NAME = "crew of this test"
_S = 10


def _until_idle(crew: Crew, count: int) -> None:
    while len(crew._idle) < count:  # pyright: ignore[reportPrivateUsage] # no work tells it
        pass


def test_a_thread_without_work_takes_the_next_one() -> None:
    crew, seen = Crew(_NAME), SimpleQueue[str]()
    threads: set[object] = set()

    def work() -> None:
        threads.add(current_thread())
        seen.put("done")

    for _ in range(3):
        crew.start(work)
        assert seen.get(timeout=_S) == "done"
        _until_idle(crew, 1)
    crew.end()
    assert len(threads) == 1


def test_works_that_wait_do_not_hold_up_others() -> None:
    crew, going_on, seen = Crew(_NAME), Event(), SimpleQueue[str]()

    def wait() -> None:
        going_on.wait(_S)
        seen.put("first")

    crew.start(wait)
    crew.start(lambda: seen.put("second"))
    assert seen.get(timeout=_S) == "second"
    going_on.set()
    assert seen.get(timeout=_S) == "first"
    crew.end()


@pytest.mark.parametrize("ends_first", [True, False])
def test_threads_end_after_their_work(ends_first: bool) -> None:
    crew, going_on = Crew(f"{_NAME} {ends_first}"), Event()

    def wait() -> None:
        going_on.wait(_S)

    crew.start(wait)
    [thread] = [one for one in threads_of_this_process() if one.name == f"{_NAME} {ends_first}"]
    if ends_first:
        crew.end()
        going_on.set()
    else:
        going_on.set()
        _until_idle(crew, 1)
        crew.end()
    thread.join(_S)
    assert not thread.is_alive()


def test_a_work_has_the_context_of_its_caller() -> None:
    crew, seen, text = Crew(_NAME), SimpleQueue[str](), ContextVar("text", default="")
    for value in ("first", "second"):
        text.set(value)
        crew.start(lambda: seen.put(text.get()))
        assert seen.get(timeout=_S) == value
    crew.end()
