# The source of hub.py, which `make generate` writes.
"""Drive turns and feeds of asks. Those of one client in one directory share an event connection.

Views with other headers, and feeds of all directories, have other event connections. One background job reads the
events, and another one feeds ticks of the clock. Each action is a job of its own, so a request or a function of the
user blocks no turn. While turns run, only these jobs feed their states, under a lock. So Ctrl-C, which only the main
thread gets, cannot interrupt that.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext
from functools import partial
from inspect import isawaitable  # the sync twin has no such line
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from ..calls.operation import Arguments
from ..calls.options import headers_key
from ..errors import ClientClosedError, OpencodeError, RequestTimeoutError, StreamClosedError
from ..logs import fields
from ..streams.async_background import AsyncBackground, AsyncWaiters, AsyncWorkers, here
from ..streams.async_stream import AsyncEventStream
from ..streams.event_decoder import StreamGap
from ..streams.owner import Owner
from ..streams.subscriber_queue import no_item_yet
from .dispatch import ALL_EVENTS, EVENTS, LINGER_S, OPENINGS, Routes, Run, S
from .inputs import (
    Abort,  # the sync twin has no such line
    Action,
    Delta,
    Done,
    Input,
    Poll,
    Send,
    Tick,
)
from .state import TurnState
from .updates import Update

if TYPE_CHECKING:
    from ..async_client import AsyncOpencodeClient
    from ..calls.observer import TurnObserver
    from .async_calls import AsyncTurnCalls

logger: logging.Logger = logging.getLogger(__package__)

_REOPEN_S = 1.0
"""The delay before a new event stream, after one has ended with an error."""
_END_S = 1.0
"""The longest time to wait for the requests of a feed that ends: a thread cannot be stopped."""


def new_owner() -> Owner:
    """Return the owner of a turn or feed that begins here. A forked child cannot use it: no job runs there."""
    text = "it was opened in another process or event loop; here, join a turn with client.follow()"
    owner = Owner(lambda: StreamClosedError(text))
    owner.enter(here())
    return owner


class AsyncRun(Run[S], Generic[S]):
    """One running turn or feed. Its user reads updates with `take`, and waits with `ended`."""

    def __init__(self, calls: AsyncTurnCalls, state: S, *, is_quiet: bool = False) -> None:
        super().__init__(state, is_quiet=is_quiet)
        self.owner: Owner = new_owner()
        self.calls = calls
        self.hub: AsyncHub
        self.waiters: AsyncWaiters = AsyncWaiters()
        self.actions: dict[int, tuple[Action, Any]] = {}  # Any: the work of an action
        """The actions that are being performed, by their `id`."""
        observer, plan = calls.view.options.observer, calls.plan
        self.observer: TurnObserver | None = None
        if observer is not None and isinstance(state, TurnState):
            self.observer = observer.turn(plan.session_id, plan.directory, plan.body)

    def post(self, item: Input) -> None:
        """Feed an input soon."""
        self.hub.post(self, item)

    async def take(self, timeout_s: float | None) -> list[Update]:
        """Return the next update; none at the end. Raises StreamTimeoutError."""
        self.owner.enter(here())
        if not self.inbox and not await self.waiters.wait_until(self._has_news, timeout_s):
            raise no_item_yet(timeout_s)
        return [self.inbox.take()] if self.inbox else []

    async def ended(self, timeout_s: float | None) -> bool:
        """Wait until the turn is over. Return False after the timeout."""
        if not self.is_over:
            self.owner.enter(here())
        return await self.waiters.wait_until(lambda: self.is_over or self.is_left, timeout_s)

    def _has_news(self) -> bool:
        return bool(self.inbox) or self.is_over or self.is_left


_AnyRun: TypeAlias = AsyncRun[Any]  # Any: of a turn or a feed


class AsyncHub:
    """The event connection of a client in one directory, or in all (""), and the turns and feeds that use it.

    Opened by the first one, closed some seconds after the last turn, or by a feed that leaves last. Tasks may share it.
    """

    def __init__(self, view: AsyncOpencodeClient, directory: str) -> None:
        self._view = view
        self._directory = directory
        self._routes: Routes[_AnyRun] = Routes(directory)
        self._opening = asyncio.Lock()  # held while the first one opens the stream
        self._using = RLock()  # held while a state is fed, during which nothing waits
        self._stream: AsyncEventStream[Any]  # Any: JSON
        self._jobs: list[AsyncBackground] = []
        self._workers = AsyncWorkers("opencode-turn")
        self._waiters = AsyncWaiters()  # of the jobs
        self._is_due = self._is_closed = False
        self._used_s = monotonic()
        self._next_s = 0.0

    async def join(self, run: _AnyRun) -> bool:
        """Start a turn or a feed. Return False if the connection was closed meanwhile."""
        async with self._opening:
            if not self._jobs and not self._is_closed:
                await self._open(run.calls.plan.timeout_s)
                self._jobs = [
                    AsyncBackground(work, "opencode-turns") for work in (self._read, self._keep_time)
                ]
        with self._using:
            if self._is_closed:
                return False
            run.hub = self
            self._routes.add(run)
            if not run.state.plan.follows:
                self._start(run, Send())
            self._feed(run, self._routes.first)
        return True

    def post(self, run: _AnyRun, item: Input) -> None:
        """Feed an input to a turn soon."""
        self._workers.start(partial(self._feed_one, run, item))

    def leave(self, run: _AnyRun) -> None:
        """Stop driving a turn. It continues on the server."""
        with self._using:
            run.is_left = True
            self._remove(run)

    async def end(self, run: _AnyRun) -> None:
        """End a feed, with its requests. Closes the connection unless others use it."""
        with self._using:
            self.leave(run)
            is_unused = not self._routes.runs
            self._is_closed = self._is_closed or is_unused
            for _, work in run.actions.values():  # the sync twin has no such line
                work.cancel()  # the sync twin has no such line
        if is_unused:
            await self.close()
        await run.waiters.wait_until(lambda: not run.actions, _END_S)

    async def close(self) -> None:
        """Close the connection. Turns that run end with ClientClosedError."""
        self._is_closed = True
        self._forget()
        closed = ClientClosedError("the client was closed during this turn")
        with self._using:
            for run in self._routes.runs.copy():
                self._feed(run, Done(Poll(True, 0), error=closed))
        for job in self._jobs:
            await job.end(self._end_jobs)

    async def _end_jobs(self) -> None:
        self._workers.end()
        self._waiters.wake()
        await self._stream.close()

    def _forget(self) -> None:
        hubs = self._view._caller.knowledge.hubs  # pyright: ignore[reportPrivateUsage] # ours
        for key in [key for key, value in list(hubs.items()) if value is self]:
            hubs.pop(key, None)

    async def _feed_one(self, run: _AnyRun, item: Input) -> None:
        with self._using:
            self._feed(run, item)

    def _feed(self, run: _AnyRun, item: Input) -> None:
        """Feed an input to a turn, and handle its updates and actions. The caller holds the lock."""
        for out in () if run.is_left else run.state.feed(item, monotonic()):
            if isinstance(out, Action):
                self._start(run, out)
                continue
            if run.observer is not None:
                run.observer.updated(out)
            if run.inbox is not None:
                run.inbox.put(out)
                run.waiters.wake()
        if type(item) is Delta:
            return
        run.is_over = run.state.is_over
        if run.is_over or run.is_left:
            self._remove(run)
            return
        self._routes.claim(run)
        if run.state.wake_at_s < self._next_s:
            self._next_s = run.state.wake_at_s
            self._is_due = True
            self._waiters.wake()

    def _remove(self, run: _AnyRun) -> None:
        self._routes.remove(run)
        self._used_s = monotonic()
        if run.observer is not None:
            run.observer.ended(None)
        run.waiters.wake()
        for action, work in run.actions.values():  # the sync twin has no such line
            if not run.is_left and not isinstance(action, Abort):  # the sync twin has no such line
                work.cancel()  # the sync twin has no such line

    def _start(self, run: _AnyRun, action: Action) -> None:
        run.actions[id(action)] = action, self._workers.start(partial(self._act, run, action))

    async def _act(self, run: _AnyRun, action: Action) -> None:
        done: Done | None = None  # stays None if the action is cancelled
        try:
            with nullcontext() if run.observer is None else run.observer.active():
                value = await run.calls.perform(action)
                if isawaitable(value):  # the sync twin has no such line
                    value = await value  # the sync twin has no such line
            done = Done(action, value)
        except BaseException as error:  # noqa: BLE001 # raised by the turn; a policy may raise SystemExit
            failed: Any = error  # Any: no Exception
            done = Done(action, error=failed)
            task = asyncio.current_task()  # the sync twin has no such line
            if task is not None and task.cancelling():  # the sync twin has no such line
                done = None  # the sync twin has no such line
        finally:
            with self._using:
                del run.actions[id(action)]
                if done is not None:
                    self._feed(run, done)
            if run.is_left:  # `end` may wait for it
                run.waiters.wake()

    async def _read(self) -> None:
        while not self._is_closed:
            try:
                while items := await self._stream.take_all():
                    with self._using:
                        for run, event in self._routes.inputs(items):
                            self._feed(run, event)
            except ClientClosedError:
                return
            except OpencodeError as error:
                text = "the event stream of turns is opened again: %s"
                logger.info(text, error, extra=fields(EVENTS.id))
            finally:
                await self._stream.close()
            if self._is_closed or self._view._caller.connections.closed:  # pyright: ignore[reportPrivateUsage] # ours
                return
            with self._using:
                for run, event in self._routes.inputs([StreamGap(0, "no event stream", 1, OpencodeError())]):
                    self._feed(run, event)
            if not await self._waiters.wait_until(lambda: self._is_closed, _REOPEN_S):
                self._stream = self._subscribe()

    async def _open(self, timeout_s: float | None) -> None:
        began_s = monotonic()
        for left in reversed(range(OPENINGS)):
            self._stream = self._subscribe()
            try:
                await self._stream.__aenter__()
                return
            except RequestTimeoutError:
                if not left or (timeout_s is not None and monotonic() - began_s >= timeout_s):
                    raise

    def _subscribe(self) -> AsyncEventStream[Any]:  # Any: JSON
        caller = self._view._caller  # pyright: ignore[reportPrivateUsage] # ours
        return AsyncEventStream(caller, EVENTS if self._directory else ALL_EVENTS, Arguments(), {})

    async def _keep_time(self) -> None:
        try:
            while not self._is_closed:
                now_s, self._is_due = monotonic(), False
                with self._using:
                    for run in [one for one in self._routes.runs if one.state.wake_at_s <= now_s]:
                        self._feed(run, Tick())
                    self._next_s = self._routes.next_wake_s(now_s)
                    if not self._routes.runs and now_s - self._used_s >= LINGER_S:
                        self._is_closed = True
                delay_s = max(0.0, self._next_s - monotonic())
                await self._waiters.wait_until(lambda: self._is_due or self._is_closed, delay_s)
        finally:
            self._forget()
            await self._end_jobs()


async def start(run: AsyncRun[S]) -> AsyncRun[S]:
    """Start a turn or a feed on the connection of its client and directory. Opens it if there is none."""
    calls = run.calls
    caller = calls.view._caller  # pyright: ignore[reportPrivateUsage] # ours
    options = calls.view.options
    key = (here(), calls.plan.directory, options.workspace, headers_key(options))
    while True:
        hubs: dict[Any, AsyncHub] = caller.knowledge.hubs  # Any: a key
        hub = hubs.get(key) or hubs.setdefault(key, AsyncHub(calls.view, calls.plan.directory))
        caller.connections.to_close.add(hub)
        try:
            if await hub.join(run):
                return run
        except BaseException as error:
            if run.observer is not None:
                run.observer.ended(error)
            raise
