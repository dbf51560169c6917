"""Exit watches: they read the exit codes of terminals from the event stream, because the WebSocket has none.

Source: `pty.exited` and `pty.deleted` on `GET /event`, for terminals of `pty` and of `v2.pty`;
servers 1.1.31 to 1.18.33.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from attrs import define, evolve

from ..calls.operation import QUERY, Operation
from ..errors import ClientClosedError, OpencodeError
from ..model import is_object
from ..streams.event_decoder import StreamGap
from .async_finish import finish
from .state import Deadline

if TYPE_CHECKING:
    from ..streams.async_stream import AsyncEventStream
    from ..streams.stream import EventStream

logger: logging.Logger = logging.getLogger(__package__)

EVENTS: Operation[Any] = Operation("event.subscribe", "GET", "/event", "Any", scope=QUERY)
"""The event stream without models: few of its events are needed here."""

_JOIN_S = 1.0
"""The longest time to wait for the reading thread: closing the stream does not wake it while it connects."""
_AGAIN_S = 1.0
_LONGEST_AGAIN_S = 30.0
"""The delays before a new event stream. They double while there is none."""


@define(eq=False)
class Exit:
    """The exit of one terminal. Each connection to the terminal has its own `Exit`.

    The events `pty.exited` and `pty.deleted` set `gone` to True, after they set `code`. `code` is the exit code, or
    None if it is not known. `gaps` counts the gaps of the event stream: each may have lost one of these events.
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
            return self.add_gap()
        if not is_object(item) or item.get("type") not in ("pty.exited", "pty.deleted"):
            return False
        properties: object = item.get("properties")
        if not is_object(properties):
            return False
        code: object = properties.get("exitCode")
        changed = [exit_ for exit_ in self._exits if exit_.pty_id == properties.get("id")]
        for exit_ in changed:
            exit_.code = code if isinstance(code, int) else exit_.code
            exit_.gone = True
        return bool(changed)

    def add_gap(self) -> bool:
        """Count a time when events may have been lost. Return True: each exit changed."""
        for exit_ in self._exits:
            exit_.gaps += 1
        return True


class _Reading:
    """The event stream that a watch reads, and the thread that reads it until `stopped`."""

    def __init__(self, stream: EventStream[Any]) -> None:
        self.stream = stream
        self.stopped = Event()
        self.thread: Thread


class ExitWatch:
    """Reads one event stream while terminals of one place are connected. Thread-safe."""

    def __init__(self, subscribe: Callable[[], EventStream[Any]]) -> None:
        self._subscribe = subscribe
        self._exits = Exits()
        self._reading: _Reading | None = None
        self._lock = Lock()  # not a Condition, which Ctrl-C may leave locked
        self._waiters: list[SimpleQueue[None]] = []

    def join(self, pty_id: str) -> Exit:
        """Start to watch a terminal, and return its exit. Raises OpencodeError if the event stream cannot be opened."""
        with self._lock:
            if self._reading is None:
                reading = _Reading(self._subscribe())
                try:
                    reading.stream.__enter__()
                    reading.thread = Thread(
                        target=self._run, args=(reading,), daemon=True, name="opencode-exits"
                    )
                    reading.thread.start()
                except BaseException:
                    reading.stopped.set()
                    reading.stream.close()
                    raise
                self._reading = reading
            return self._exits.add(pty_id)

    def leave(self, exit_: Exit) -> None:
        """Stop watching an exit. The last one closes the event stream."""
        reading = None
        with self._lock:
            if self._exits.remove(exit_):
                reading, self._reading = self._reading, None
        if reading is not None:
            reading.stopped.set()
            reading.stream.close()
            reading.thread.join(
                _JOIN_S
            )  # it reads from a connection that the caller's `httpx.Client` may close next

    def wake(self) -> None:
        """Let all waiters check their condition again."""
        for waiter in tuple(self._waiters):
            waiter.put(None)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until the condition is true, and return True; return False after the timeout."""
        deadline, waiter = Deadline(timeout_s), SimpleQueue[None]()
        self._waiters.append(waiter)
        try:
            while not condition():
                waiter.get(timeout=deadline.left_s())
        except Empty:
            return condition()
        finally:
            self._waiters.remove(waiter)
        return True

    def _run(self, reading: _Reading) -> None:
        again_s = _AGAIN_S
        while (
            not reading.stopped.is_set()
        ):  # read after the assignment: `leave` closes the stream that it finds
            try:
                for item in reading.stream:
                    if again_s > _AGAIN_S:  # the first item of a new stream
                        again_s = _AGAIN_S
                        self._update(None)
                    self._update(item)
            except ClientClosedError:
                return
            except OpencodeError as error:
                _log(error, again_s)
            self._update(None)
            if reading.stopped.wait(again_s):
                return
            again_s = min(2 * again_s, _LONGEST_AGAIN_S)
            reading.stream = self._subscribe()

    def _update(self, item: object) -> None:
        """Read an item. None: events may have been lost."""
        with self._lock:
            changed = self._exits.add_gap() if item is None else self._exits.update(item)
        if changed:
            self.wake()


class _AsyncReading:
    """The event stream that a watch reads, and the task that reads it."""

    def __init__(self, stream: AsyncEventStream[Any]) -> None:
        self.stream = stream
        self.task: asyncio.Task[None]

    async def end(self) -> None:
        """Stop reading, and close the stream."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.stream.close()


class AsyncExitWatch:
    """Reads one event stream while terminals of one place are connected."""

    def __init__(self, subscribe: Callable[[], AsyncEventStream[Any]]) -> None:
        self._subscribe = subscribe
        self._exits = Exits()
        self._reading: _AsyncReading | None = None
        self._opening = asyncio.Lock()
        self._waiters: list[asyncio.Event] = []

    async def join(self, pty_id: str) -> Exit:
        """Start to watch a terminal, and return its exit. Raises OpencodeError if the event stream cannot be opened."""
        async with self._opening:
            if self._reading is None:
                stream = self._subscribe()
                try:
                    await stream.__aenter__()
                except BaseException:
                    await finish(stream.close)
                    raise
                self._reading = _AsyncReading(stream)
                self._reading.task = asyncio.create_task(self._run(self._reading))
            return self._exits.add(pty_id)

    async def leave(self, exit_: Exit) -> None:
        """Stop watching an exit. The last one closes the event stream."""
        if self._exits.remove(exit_) and self._reading is not None:
            reading, self._reading = self._reading, None
            await finish(reading.end)

    def wake(self) -> None:
        """Let all waiters check their condition again."""
        for waiter in self._waiters:
            waiter.set()

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until the condition is true, and return True; return False after the timeout."""
        waiter = asyncio.Event()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    await waiter.wait()
                    waiter.clear()
        except TimeoutError:
            return condition()
        finally:
            self._waiters.remove(waiter)
        return True

    async def _run(self, reading: _AsyncReading) -> None:
        again_s = _AGAIN_S
        while True:
            try:
                async for item in reading.stream:
                    if again_s > _AGAIN_S:  # the first item of a new stream
                        again_s = _AGAIN_S
                        self._update(None)
                    self._update(item)
            except ClientClosedError:
                return
            except OpencodeError as error:
                _log(error, again_s)
            self._update(None)
            await asyncio.sleep(again_s)
            again_s = min(2 * again_s, _LONGEST_AGAIN_S)
            reading.stream = self._subscribe()

    def _update(self, item: object) -> None:
        """Read an item. None: events may have been lost."""
        if self._exits.add_gap() if item is None else self._exits.update(item):
            self.wake()


def _log(error: OpencodeError, again_s: float) -> None:
    logger.info("the event stream with exit codes is opened again in %g s: %s", again_s, error)
