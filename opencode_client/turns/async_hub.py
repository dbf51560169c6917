"""Drive turns with tasks: one event connection for all turns of a client in one directory. `hub.py` uses threads.

It also drives feeds of asks. Those of all directories have another event connection.

Both are written by hand: there, threads need a lock, and timers a thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
from inspect import isawaitable
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from ..calls.async_closing import running_loop
from ..errors import ClientClosedError, OpencodeError, RequestTimeoutError
from ..streams.event_decoder import StreamGap
from ..streams.subscriber_queue import no_item_yet
from .inputs import ACTIONS, Abort, Action, Delta, Done, Input, Look, Send, Tick
from .routes import LINGER_S, OPENINGS, Routes, Run, S
from .state import TurnState
from .updates import Update

if TYPE_CHECKING:
    from ..async_client import AsyncOpencodeClient
    from .async_calls import AsyncTurnCalls

logger: logging.Logger = logging.getLogger(__package__)

_REOPEN_S = 1.0
"""The delay before a new event stream, after one has ended with an error."""


class AsyncRun(Run[S], Generic[S]):
    """One turn or feed that runs. Its user reads updates with `take`, and waits with `ended`."""

    def __init__(self, calls: AsyncTurnCalls, state: S, *, is_quiet: bool = False) -> None:
        super().__init__(state, is_quiet=is_quiet)
        self.calls = calls
        self.hub: AsyncHub
        self.actions: dict[asyncio.Task[None], Action] = {}
        self.is_left = False
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Wake the user."""
        self._changed.set()

    def post(self, item: Input) -> None:
        """Feed an input."""
        self.hub.feed(self, item)

    async def take(self, timeout_s: float | None) -> list[Update]:
        """Return the next update; none at the end. Raises StreamTimeoutError."""
        if not await self._wait(lambda: bool(self.inbox) or self.is_over or self.is_left, timeout_s):
            raise no_item_yet(timeout_s)
        return [self.inbox.take()] if self.inbox else []

    async def ended(self, timeout_s: float | None) -> bool:
        """Wait until the turn is over. Return False after the timeout."""
        return await self._wait(lambda: self.is_over or self.is_left, timeout_s)

    async def _wait(
        self, condition: Any, timeout_s: float | None
    ) -> bool:  # Any: a function without arguments
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return bool(condition())
        return True


_AnyRun: TypeAlias = AsyncRun[Any]  # Any: of a turn or a feed


class AsyncHub:
    """The event connection of a client in one directory, or in all (""), and the turns and feeds that use it.

    Opened by the first one, closed some seconds after the last turn, or by a feed that leaves last.
    """

    def __init__(self, view: AsyncOpencodeClient, directory: str) -> None:
        self._view = view
        self._routes: Routes[_AnyRun] = Routes(directory)
        self._directory = directory
        self._opening = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._timer = asyncio.Event()
        self._is_closed = False
        self._used_s = monotonic()
        self._next_s = 0.0

    async def join(self, run: _AnyRun) -> bool:
        """Start a turn. Return False if the connection was closed meanwhile."""
        async with self._opening:
            if not self._tasks and not self._is_closed:
                stream = await self._open()
                self._tasks = [
                    asyncio.create_task(self._read(stream)),
                    asyncio.create_task(self._keep_time()),
                ]
        if self._is_closed:
            return False
        run.hub = self
        self._routes.add(run)
        if not run.state.plan.follows:
            self._start(run, Send())
        self.feed(run, self._routes.first)
        self._timer.set()
        return True

    def leave(self, run: _AnyRun) -> None:
        """Stop driving a turn, which goes on on the server."""
        run.is_left = True
        self._remove(run)

    async def end(self, run: _AnyRun) -> None:
        """End a feed, with its requests. Closes the connection unless others use it."""
        self.leave(run)
        for task in list(run.actions):
            task.cancel()
            await asyncio.wait([task])
        if not self._routes.runs:
            await self.close()

    def feed(self, run: _AnyRun, item: Input) -> None:
        """Feed an input to a turn, and do what follows from it."""
        for out in run.state.feed(item, monotonic()):
            if isinstance(out, ACTIONS):
                self._start(run, out)
            elif run.inbox is not None:
                run.inbox.put(out)
                run.wake()
        run.is_over = run.state.is_over
        if run.is_over:
            self._remove(run)
        elif type(item) is not Delta:
            self._routes.claim(run)
            if run.state.wake_at_s < self._next_s:
                self._timer.set()

    async def close(self) -> None:
        """Close the connection. Turns that run end with ClientClosedError."""
        self._is_closed = True
        self._forget()
        for run in list(self._routes.runs):
            self.feed(
                run, Done(Look(True, 0), error=ClientClosedError("the client was closed during this turn"))
            )
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
                await asyncio.wait([task])

    def _forget(self) -> None:
        shared = self._view._caller.knowledge.shared  # pyright: ignore[reportPrivateUsage] # ours
        for key in [key for key, value in shared.items() if value is self]:
            del shared[key]

    def _remove(self, run: _AnyRun) -> None:
        self._routes.remove(run)
        self._used_s = monotonic()
        self._timer.set()
        run.wake()
        for task, action in run.actions.items():
            if not run.is_left and not isinstance(action, Abort):
                task.cancel()

    def _start(self, run: _AnyRun, action: Action) -> None:
        task = asyncio.create_task(self._act(run, action))
        run.actions[task] = action
        task.add_done_callback(run.actions.pop)

    async def _act(self, run: _AnyRun, action: Action) -> None:
        try:
            value = await run.calls.perform(action)
            done = Done(action, await value if isawaitable(value) else value)
        except Exception as error:  # noqa: BLE001 # raised by the turn
            done = Done(action, error=error)
        self.feed(run, done)

    async def _read(self, stream: Any) -> None:  # Any: a stream of events
        while True:
            try:
                async for item in stream:
                    self._route(item)
            except ClientClosedError:
                return
            except OpencodeError as error:
                logger.info("the event stream of turns is opened again: %s", error)
            finally:
                await stream.close()
            self._route(StreamGap(0, "no event stream", 1, OpencodeError("no event stream")))
            await asyncio.sleep(_REOPEN_S)
            stream = self._subscribe()

    async def _open(self) -> Any:  # Any: as above
        for left in reversed(range(OPENINGS)):
            stream = self._subscribe()
            try:
                await stream.__aenter__()
                return stream
            except RequestTimeoutError:
                if not left:
                    raise
        return None

    def _subscribe(self) -> Any:  # Any: a stream of events
        return self._view.event.subscribe() if self._directory else self._view.global_.event()

    def _route(self, item: object) -> None:
        for run, event in self._routes.inputs(item):
            self.feed(run, event)

    async def _keep_time(self) -> None:
        while True:
            now_s = monotonic()
            for run in [one for one in self._routes.runs if one.state.wake_at_s <= now_s]:
                self.feed(run, Tick())
            if not self._routes.runs and now_s - self._used_s >= LINGER_S:
                return await self.close()
            self._next_s = self._routes.next_wake_s(now_s)
            self._timer.clear()
            try:
                async with asyncio.timeout(max(0.0, self._next_s - monotonic())):
                    await self._timer.wait()
            except TimeoutError:
                continue


async def start(calls: AsyncTurnCalls, *, is_quiet: bool) -> AsyncRun[TurnState]:
    """Start a turn. With `is_quiet`, nobody reads its updates."""
    return await drive(AsyncRun(calls, TurnState(calls.plan, monotonic()), is_quiet=is_quiet))


async def drive(run: AsyncRun[S]) -> AsyncRun[S]:
    """Start a turn or a feed on the connection of its client and directory. Opens it if there is none."""
    calls = run.calls
    caller = calls.view._caller  # pyright: ignore[reportPrivateUsage] # ours
    key = ("hub", os.getpid(), id(running_loop()), calls.plan.directory, calls.view.options.workspace)
    while True:
        hub: AsyncHub = caller.knowledge.shared.setdefault(key, AsyncHub(calls.view, calls.plan.directory))
        caller.connections.to_close.add(hub)
        if await hub.join(run):
            return run
