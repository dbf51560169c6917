# The source of exit_watch.py, which `make generate` writes.
"""Read the exit codes of terminals from an event stream, in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from .._spec import VERSION_PATH
from ..calls.operation import QUERY, Operation
from ..errors import ClientClosedError, OpencodeError
from ..logs import fields
from ..streams.async_background import AsyncBackground, AsyncWaiters, finish
from .exits import Exit, Exits

if TYPE_CHECKING:
    from ..streams.async_stream import AsyncEventStream

logger: logging.Logger = logging.getLogger(__package__)

EVENTS: Operation[Any] = Operation("event.subscribe", "GET", "/event", "Any", scope=QUERY)
"""The event stream without models: few of its events are needed here."""

HAS_EXITS = VERSION_PATH == "/global/health"
"""True for opencode 1.x, which sends exit codes in an event. For 2.x this is not known."""
_AGAIN_S = 1.0
_LONGEST_AGAIN_S = 30.0
"""The first and the longest delay before a new event stream. It doubles while streams fail."""


class _Reading:
    """The event stream that a watch reads, until `stopped` is set."""

    def __init__(self, stream: AsyncEventStream[Any]) -> None:
        self.stream = stream
        self.stopped: bool = False
        self.waiters: AsyncWaiters = AsyncWaiters()
        self.background: AsyncBackground | None = None

    async def close(self) -> None:
        """Close the stream. This ends the background work."""
        self.stopped = True
        self.waiters.wake()
        await self.stream.close()


class AsyncExitWatch:
    """Reads one event stream while terminals of one directory are connected. Tasks may share it."""

    def __init__(self, subscribe: Callable[[], AsyncEventStream[Any]]) -> None:
        self._subscribe = subscribe
        self._exits = Exits()
        self._reading: _Reading | None = None
        self._joining = asyncio.Lock()  # held while the first terminal opens the stream
        self._using = Lock()  # held while the exits are changed; a lock for threads: nothing waits in it
        self.waiters: AsyncWaiters = AsyncWaiters()

    async def join(self, pty_id: str) -> Exit:
        """Start to watch a terminal, and return its exit. Raises OpencodeError if the event stream cannot be opened."""
        async with self._joining:
            if self._reading is None:
                reading = _Reading(self._subscribe())
                try:
                    await reading.stream.__aenter__()
                    reading.background = AsyncBackground(partial(self._run, reading), "opencode-exits")
                except BaseException:
                    await finish(reading.close)
                    raise
                self._reading = reading
            with self._using:
                return self._exits.add(pty_id)

    async def leave(self, exit_: Exit) -> None:
        """Stop watching an exit. The last one closes the event stream."""
        reading = None
        async with self._joining:
            with self._using:
                if self._exits.remove(exit_):
                    reading, self._reading = self._reading, None
        if reading is not None and reading.background is not None:
            await reading.background.end(reading.close)

    async def _run(self, reading: _Reading) -> None:
        again_s = _AGAIN_S
        while not reading.stopped:  # read after `stream` is set: `close` closes only the stream it finds
            try:
                async for item in reading.stream:
                    if again_s > _AGAIN_S:  # the first item of a new stream
                        again_s = _AGAIN_S
                        self._update(None)
                    self._update(item)
            except ClientClosedError:
                return
            except OpencodeError as error:
                text = "the event stream with exit codes is opened again in %g s: %s"
                logger.info(text, again_s, error, extra=fields(EVENTS.id))
            self._update(None)
            if await reading.waiters.wait_until(lambda: reading.stopped, again_s):
                return
            again_s = min(2 * again_s, _LONGEST_AGAIN_S)
            reading.stream = self._subscribe()

    def _update(self, item: object) -> None:
        """Read an item. None: events may have been lost."""
        with self._using:
            changed = self._exits.add_gap() if item is None else self._exits.update(item)
        if changed:
            self.waiters.wake()
