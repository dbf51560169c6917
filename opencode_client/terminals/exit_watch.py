"""How terminals ended: heard from the event stream, as no socket of a terminal says it.

Source: `pty.exited` and `pty.deleted` on `GET /event`, which tells of both cores'; servers 1.1.31 to 1.18.33.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from attrs import define

from ..calls.operation import QUERY, Operation
from ..errors import OpencodeError
from ..model import JsonObject, is_object
from ..streams.event_decoder import StreamGap

if TYPE_CHECKING:
    from ..streams.async_stream import AsyncEventStream
    from ..streams.stream import EventStream

EVENTS: Operation[Any] = Operation("event.subscribe", "GET", "/event", "Any", scope=QUERY)
"""The event stream, not made into models: one line in a thousand is of interest."""

_END_S = 1.0
"""Limits how long leaving waits for the listening thread: one that is connecting is not woken."""


@define
class Exit:
    """What is known of one terminal: whether it is gone, its exit code, and how often events may have been missed."""

    gone: bool = False
    code: int | None = None
    gaps: int = 0


class _Exits:
    """The terminals that somebody asks about."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Exit, int]] = {}

    def add(self, pty_id: str) -> Exit:
        exit_, count = self._known.get(pty_id, (Exit(), 0))
        self._known[pty_id] = exit_, count + 1
        return exit_

    def drop(self, pty_id: str) -> bool:
        """Returns: whether this was the last of all."""
        exit_, count = self._known.pop(pty_id)
        if count > 1:
            self._known[pty_id] = exit_, count - 1
        return not self._known

    def see(self, item: object) -> bool:
        """Returns: whether it says anything of them."""
        if isinstance(item, StreamGap):
            for exit_, _ in self._known.values():
                exit_.gaps += 1
            return True
        if not is_object(item) or item.get("type") not in ("pty.exited", "pty.deleted"):
            return False
        said: JsonObject = item.get("properties") or {}
        asked = self._known.get(said.get("id", ""))
        if asked is None:
            return False
        exit_, _ = asked
        exit_.gone = True
        code: object = said.get("exitCode")
        exit_.code = code if isinstance(code, int) else exit_.code
        return True


class ExitWatch:
    """Listens while any terminal of a place is connected. Thread-safe."""

    def __init__(self, subscribe: Callable[[], EventStream[Any]]) -> None:
        self._subscribe = subscribe
        self._exits = _Exits()
        self._stream: EventStream[Any] | None = None
        self._thread = Thread()
        self.changed: Condition = Condition()

    def join(self, pty_id: str) -> Exit:
        """What is known of a terminal from now on. Raises OpencodeError: there is no event stream."""
        with self.changed:
            if self._stream is None:
                stream = self._subscribe()
                stream.__enter__()
                self._stream = stream
                self._thread = Thread(target=self._run, args=(stream,), daemon=True, name="opencode-exits")
                self._thread.start()
            return self._exits.add(pty_id)

    def leave(self, pty_id: str) -> None:
        """Of this terminal, nothing more is asked."""
        stream = None
        with self.changed:
            thread = self._thread
            if self._exits.drop(pty_id):
                stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
            thread.join(_END_S)  # it reads from a connection that the caller's `httpx.Client` may close next

    def wake(self) -> None:
        """Have all who wait look again."""
        with self.changed:
            self.changed.notify_all()

    def _run(self, stream: EventStream[Any]) -> None:
        with suppress(OpencodeError):  # what waits finds out by itself that its terminal is gone
            for item in stream:
                with self.changed:
                    if self._exits.see(item):
                        self.changed.notify_all()


class AsyncExitWatch:
    """Listens while any terminal of a place is connected."""

    def __init__(self, subscribe: Callable[[], AsyncEventStream[Any]]) -> None:
        self._subscribe = subscribe
        self._exits = _Exits()
        self._listening: tuple[AsyncEventStream[Any], asyncio.Task[None]] | None = None
        self._opening = asyncio.Lock()
        self.changed: asyncio.Condition = asyncio.Condition()

    async def join(self, pty_id: str) -> Exit:
        """What is known of a terminal from now on. Raises OpencodeError: there is no event stream."""
        async with self._opening:
            if self._listening is None:
                stream = self._subscribe()
                await stream.__aenter__()
                self._listening = stream, asyncio.create_task(self._run(stream))
            return self._exits.add(pty_id)

    async def leave(self, pty_id: str) -> None:
        """Of this terminal, nothing more is asked."""
        if self._exits.drop(pty_id) and self._listening is not None:
            (stream, task), self._listening = self._listening, None
            await stream.close()
            await asyncio.gather(task, return_exceptions=True)

    async def wake(self) -> None:
        """Have all who wait look again."""
        async with self.changed:
            self.changed.notify_all()

    async def _run(self, stream: AsyncEventStream[Any]) -> None:
        with suppress(OpencodeError):  # as above
            async for item in stream:
                if self._exits.see(item):
                    await self.wake()
