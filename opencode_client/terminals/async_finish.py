"""Finish work in spite of cancellation.

Written by hand beside `finish.py`: it uses a task where that uses a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, TypeVar

_PATIENCE_S = 5.0
"""The longest time to wait for the work after a cancellation. The work goes on after that."""

_Owner = TypeVar("_Owner")
_T = TypeVar("_T")


async def finish(
    work: Callable[[], Coroutine[Any, Any, _T]], hurry: Callable[[], object] = bool
) -> _T:  # Any: as `async def` returns it
    """Return the result of `work`. Cancellation does not interrupt the work; it is raised after it.

    `hurry` is called at the first cancellation.
    """
    task = asyncio.create_task(work())
    cancelled: asyncio.CancelledError | None = None
    deadline: float | None = None
    while not task.done() and (deadline is None or deadline > monotonic()):
        try:
            await asyncio.wait([task], timeout=None if deadline is None else deadline - monotonic())
        except asyncio.CancelledError as error:
            if cancelled is None:
                hurry()
                cancelled, deadline = error, monotonic() + _PATIENCE_S
    if cancelled is None:
        return task.result()
    task.add_done_callback(_retrieve)
    raise cancelled


def close_at_exit(owner: _Owner, close: Callable[[_Owner], object]) -> None:
    """Do nothing: asyncio closes what is suspended before it ends, and there are no threads to wait for."""


def _retrieve(task: asyncio.Task[Any]) -> None:  # Any: of any work
    if not task.cancelled():
        task.exception()  # else asyncio would log it
