"""Work in the background, and waiting for it, in tasks of asyncio. `background.py` has the same names for threads.

Both are written by hand: tasks switch only at an `await`, and can be cancelled; threads switch anywhere, and Ctrl-C can
interrupt the main thread at any step. The code that uses these classes is written once, for tasks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from ..calls.async_closing import running_loop
from .deadline import NEVER, Deadline

_PATIENCE_S = 5.0
"""The longest time to wait for the work after a cancellation. The work goes on after that."""

_Owner = TypeVar("_Owner")
_T = TypeVar("_T")


def here() -> object:
    """Return the event loop, which a forked child does not have. Raises EventLoopError."""
    return running_loop()


class AsyncWaiters:
    """The tasks that wait for some condition."""

    def __init__(self) -> None:
        self._woken: list[asyncio.Event] = []

    def wake(self) -> None:
        """Let all waiters check their condition again."""
        for woken in self._woken:
            woken.set()

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until the condition is true, and return True; return False after the timeout."""
        if condition():
            return True
        woken = asyncio.Event()
        self._woken.append(woken)
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    await woken.wait()
                    woken.clear()
        except TimeoutError:
            return condition()
        finally:
            self._woken.remove(woken)
        return True


class AsyncBackground:
    """Work in a task of its own."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        """Start the work."""
        self._task = asyncio.create_task(work(), name=name)

    async def end(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Call `close`, which makes the work end, and wait for the end. Cancellation does not interrupt this."""
        await finish(partial(self._end, close))

    def cancel(self) -> None:
        """Cancel the work soon, but not before its first step: else its `finally` would not run."""
        self._task.get_loop().call_soon(self._task.cancel)

    async def _end(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await close()
        await asyncio.wait([self._task])


class AsyncWorkers:
    """Tasks for small jobs."""

    def __init__(self, name: str) -> None:
        self._name = name

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncBackground:
        """Start a job, and return it. Keep a reference to it until it ends, unless it never waits."""
        return AsyncBackground(work, self._name)

    def end(self) -> None:
        """Do nothing: a task ends with its work."""


# Any: as `async def` returns it
async def finish(work: Callable[[], Coroutine[Any, Any, _T]], hurry: Callable[[], object] = bool) -> _T:
    """Return the result of `work`. Cancellation does not interrupt the work; it is raised after it.

    `hurry` is called at the first cancellation.
    """
    task = running_loop().create_task(work())
    cancelled: asyncio.CancelledError | None = None
    deadline = NEVER
    while not task.done() and deadline.left_s() != 0:
        try:
            await asyncio.wait([task], timeout=deadline.left_s())
        except asyncio.CancelledError as error:
            if cancelled is None:
                hurry()
                cancelled, deadline = error, Deadline(_PATIENCE_S)
    if cancelled is None:
        return task.result()
    task.add_done_callback(_retrieve)
    raise cancelled


async def end_connection(network_stream: Any) -> None:  # Any: of httpcore; importing its type takes time
    """End a connection. A task that reads from it gets an error."""
    await network_stream.aclose()


def reader(network_stream: Any) -> Callable[[int, float | None], Coroutine[Any, Any, bytes]]:  # Any: as above
    """Return a function that takes a number of bytes and a timeout in seconds, and reads at most that many bytes."""
    return network_stream.read  # type: ignore[no-any-return] # of httpcore


def close_at_exit(owner: _Owner, close: Callable[[_Owner], object]) -> None:
    """Do nothing: asyncio closes suspended generators before it ends, and there are no threads to wait for."""


def _retrieve(task: asyncio.Task[Any]) -> None:  # Any: of any work
    if not task.cancelled():
        task.exception()  # else asyncio would log it
