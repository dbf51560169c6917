"""Exit watches: they read the exit codes of terminals from the event stream, because the WebSocket has none.

Source: `pty.exited` and `pty.deleted` on `GET /event`, for terminals of `pty` and of `v2.pty`;
servers 1.1.31 to 1.18.33.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from attrs import define, evolve

from ..calls.operation import QUERY, Operation
from ..errors import OpencodeError
from ..model import JsonObject, is_object
from ..streams.event_decoder import StreamGap

if TYPE_CHECKING:
    from ..streams.async_stream import AsyncEventStream
    from ..streams.stream import EventStream

EVENTS: Operation[Any] = Operation("event.subscribe", "GET", "/event", "Any", scope=QUERY)
"""The event stream without models: few of its events are needed here."""

_JOIN_S = 1.0
"""The longest time to wait for the reading thread: closing the stream does not wake it while it connects."""


@define(eq=False)
class Exit:
    """The exit of one terminal, as one connection knows it.

    `gone` is True after the end; it is set after `code`. `gaps` counts the times when the events may have been lost.
    """

    pty_id: str
    gone: bool = False
    code: int | None = None
    gaps: int = 0


class Exits:
    """The exits that a watch looks for. No I/O."""

    def __init__(self) -> None:
        self._exits: list[Exit] = []

    def add(self, pty_id: str) -> Exit:
        """Return a new exit. It starts with the facts that another connection to the same terminal has."""
        known = next((one for one in self._exits if one.pty_id == pty_id), Exit(pty_id))
        self._exits.append(evolve(known))
        return self._exits[-1]

    def remove(self, exit_: Exit) -> bool:
        """Remove an exit. Return True if it was the last one, False if others are left or it was removed before."""
        if exit_ not in self._exits:
            return False
        self._exits.remove(exit_)
        return not self._exits

    def update(self, item: object) -> bool:
        """Read an item of the event stream. Return True if an exit changed."""
        if isinstance(item, StreamGap):
            for exit_ in self._exits:
                exit_.gaps += 1
            return True
        if not is_object(item) or item.get("type") not in ("pty.exited", "pty.deleted"):
            return False
        properties: JsonObject = item.get("properties") or {}
        code: object = properties.get("exitCode")
        changed = [exit_ for exit_ in self._exits if exit_.pty_id == properties.get("id")]
        for exit_ in changed:
            exit_.code = code if isinstance(code, int) else exit_.code
            exit_.gone = True
        return bool(changed)


class ExitWatch:
    """Reads one event stream while terminals of one place are connected. Thread-safe."""

    def __init__(self, subscribe: Callable[[], EventStream[Any]]) -> None:
        self._subscribe = subscribe
        self._exits = Exits()
        self._reading: tuple[EventStream[Any], Thread] | None = None
        self._changed = Condition()

    def join(self, pty_id: str) -> Exit:
        """Start to watch a terminal, and return its exit. Raises OpencodeError if the event stream cannot be opened."""
        with self._changed:
            if self._reading is None:
                stream = self._subscribe()
                stream.__enter__()
                thread = Thread(target=self._run, args=(stream,), daemon=True, name="opencode-exits")
                self._reading = stream, thread
                thread.start()
            return self._exits.add(pty_id)

    def leave(self, exit_: Exit) -> None:
        """Stop watching an exit. The last one closes the event stream."""
        reading = None
        with self._changed:
            if self._exits.remove(exit_):
                reading, self._reading = self._reading, None
        if reading is not None:
            stream, thread = reading
            stream.close()
            thread.join(_JOIN_S)  # it reads from a connection that the caller's `httpx.Client` may close next

    def wake(self) -> None:
        """Let all waiters check their condition again."""
        with self._changed:
            self._changed.notify_all()

    def wait_until(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until the condition is true, and return True; return False after the timeout."""
        with self._changed:
            return self._changed.wait_for(condition, timeout_s)

    def _run(self, stream: EventStream[Any]) -> None:
        with suppress(OpencodeError):  # `wait` also ends with the WebSocket, so losing this stream is safe
            for item in stream:
                with self._changed:
                    if self._exits.update(item):
                        self._changed.notify_all()


class AsyncExitWatch:
    """Reads one event stream while terminals of one place are connected."""

    def __init__(self, subscribe: Callable[[], AsyncEventStream[Any]]) -> None:
        self._subscribe = subscribe
        self._exits = Exits()
        self._reading: tuple[AsyncEventStream[Any], asyncio.Task[None]] | None = None
        self._opening = asyncio.Lock()
        self._changed = asyncio.Condition()

    async def join(self, pty_id: str) -> Exit:
        """Start to watch a terminal, and return its exit. Raises OpencodeError if the event stream cannot be opened."""
        async with self._opening:
            if self._reading is None:
                stream = self._subscribe()
                await stream.__aenter__()
                self._reading = stream, asyncio.create_task(self._run(stream))
            return self._exits.add(pty_id)

    async def leave(self, exit_: Exit) -> None:
        """Stop watching an exit. The last one closes the event stream."""
        if self._exits.remove(exit_) and self._reading is not None:
            (stream, task), self._reading = self._reading, None
            await stream.close()
            await asyncio.gather(task, return_exceptions=True)

    async def wake(self) -> None:
        """Let all waiters check their condition again."""
        async with self._changed:
            self._changed.notify_all()

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until the condition is true, and return True; return False after the timeout."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                return await self._changed.wait_for(condition)
        except TimeoutError:
            return False

    async def _run(self, stream: AsyncEventStream[Any]) -> None:
        with suppress(OpencodeError):  # as in `ExitWatch`
            async for item in stream:
                if self._exits.update(item):
                    await self.wake()
