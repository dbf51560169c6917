"""Drive turns with threads: one event connection for all turns of a client in one directory.

`async_hub.py` uses tasks. Here one thread reads the events. Another one feeds what other threads post, and wakes turns
in time. Each action has a thread of its own, so a request or a function of the user blocks no turn. Only these threads
take the lock while turns run, so Ctrl-C, which the main thread gets, does not leave it locked.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Event, RLock, Thread, current_thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from ..errors import ClientClosedError, OpencodeError, RequestTimeoutError
from ..streams.event_decoder import StreamGap
from ..streams.subscriber_queue import no_item_yet
from .inputs import ACTIONS, Action, Delta, Done, Input, Look, Send, Tick
from .routes import LINGER_S, OPENINGS, Routes, Run, S
from .state import TurnState
from .updates import Update

if TYPE_CHECKING:
    from ..client import OpencodeClient
    from .calls import TurnCalls

logger: logging.Logger = logging.getLogger(__package__)

_REOPEN_S = 1.0
"""The delay before a new event stream, after one has ended with an error."""
_JOIN_S = 1.0
"""The longest time to wait for a thread that ends: closing a stream does not wake it while it connects."""


class SyncRun(Run[S], Generic[S]):
    """One turn or feed that runs. Its user reads updates with `take`, and waits with `ended`."""

    def __init__(self, calls: TurnCalls, state: S, *, is_quiet: bool = False) -> None:
        super().__init__(state, is_quiet=is_quiet)
        self.calls = calls
        self.hub: Hub
        self.is_left = False
        self.threads: set[Thread] = set()  # of its actions
        self._wakes: SimpleQueue[None] = SimpleQueue()  # Ctrl-C cannot leave it locked
        self._waits = False

    def wake(self) -> None:
        """Wake the user."""
        if self._waits:
            self._waits = False
            self._wakes.put(None)

    def post(self, item: Input) -> None:
        """Feed an input soon."""
        self.hub.post(self, item)

    def take(self, timeout_s: float | None) -> list[Update]:
        """Return the next update; none at the end. Raises StreamTimeoutError."""
        if not self._wait(lambda: bool(self.inbox) or self.is_over or self.is_left, timeout_s):
            raise no_item_yet(timeout_s)
        return [self.inbox.take()] if self.inbox else []

    def ended(self, timeout_s: float | None) -> bool:
        """Wait until the turn is over. Return False after the timeout."""
        return self._wait(lambda: self.is_over or self.is_left, timeout_s)

    def _wait(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        end_s = None if timeout_s is None else monotonic() + timeout_s
        while not condition():
            self._waits = True
            if condition():
                break
            try:
                self._wakes.get(timeout=None if end_s is None else max(0.0, end_s - monotonic()))
            except Empty:
                return condition()
        return True


_AnyRun: TypeAlias = SyncRun[Any]  # Any: of a turn or a feed


class Hub:
    """The event connection of a client in one directory, or in all (""), and the turns and feeds that use it.

    Opened by the first one, closed some seconds after the last turn, or by a feed that leaves last. Thread-safe.
    """

    def __init__(self, view: OpencodeClient, directory: str) -> None:
        self._view = view
        self._routes: Routes[_AnyRun] = Routes(directory)
        self._directory = directory
        self._lock = RLock()
        self._posts: SimpleQueue[tuple[_AnyRun, Input] | None] = SimpleQueue()
        self._stream: Any = None  # Any: a stream of events
        self._threads: list[Thread] = []
        self._is_closed = False
        self._closing = Event()
        self._used_s = monotonic()
        self._next_s = 0.0

    def join(self, run: _AnyRun) -> bool:
        """Start a turn. Return False if the connection was closed meanwhile."""
        with self._lock:
            if self._stream is None and not self._is_closed:
                self._stream = self._open()
                for work in (self._read, self._serve):
                    thread = Thread(target=work, daemon=True, name="opencode-turns")
                    self._threads.append(thread)
                    thread.start()
            if self._is_closed:
                return False
            run.hub = self
            self._routes.add(run)
        if not run.state.plan.follows:
            self._start(run, Send())
        self.post(run, self._routes.first)
        return True

    def post(self, run: _AnyRun, item: Input) -> None:
        """Feed an input to a turn soon. Any thread may call this."""
        self._posts.put((run, item))

    def leave(self, run: _AnyRun) -> None:
        """Stop driving a turn, which goes on on the server."""
        run.is_left = True
        self.post(run, Tick())

    def end(self, run: _AnyRun) -> None:
        """End a feed, with its requests. Closes the connection unless others use it."""
        run.is_left = True
        with self._lock:
            self._feed(run, Tick())
            is_unused = not self._routes.runs
            self._is_closed = self._is_closed or is_unused
        if is_unused:
            self.close()
        for thread in list(run.threads):
            thread.join(_JOIN_S)

    def close(self) -> None:
        """Close the connection. Turns that run end with ClientClosedError."""
        with self._lock:
            self._is_closed = True
            self._forget()
            for run in list(self._routes.runs):
                self._feed(
                    run,
                    Done(Look(True, 0), error=ClientClosedError("the client was closed during this turn")),
                )
        self._posts.put(None)
        self._closing.set()
        if self._stream is not None:
            self._stream.close()
        for thread in self._threads:
            if thread is not current_thread():
                thread.join(_JOIN_S)

    def _forget(self) -> None:
        shared = self._view._caller.knowledge.shared  # pyright: ignore[reportPrivateUsage] # ours
        for key in [key for key, value in list(shared.items()) if value is self]:
            shared.pop(key, None)

    def _feed(self, run: _AnyRun, item: Input) -> None:
        """Feed an input to a turn, and do what follows from it. The caller has the lock."""
        for out in () if run.is_left else run.state.feed(item, monotonic()):
            if isinstance(out, ACTIONS):
                self._start(run, out)
            elif run.inbox is not None:
                run.inbox.put(out)
                run.wake()
        run.is_over = run.state.is_over
        if run.is_over or run.is_left:
            self._routes.remove(run)
            self._used_s = monotonic()
            run.wake()
            self._posts.put(None)
        elif type(item) is not Delta:
            self._routes.claim(run)
            if run.state.wake_at_s < self._next_s:
                self._posts.put(None)

    def _start(self, run: _AnyRun, action: Action) -> None:
        work = copy_context().run
        thread = Thread(target=work, args=(self._act, run, action), daemon=True, name="opencode-turn")
        run.threads.add(thread)
        thread.start()

    def _act(self, run: _AnyRun, action: Action) -> None:
        try:
            done = Done(action, run.calls.perform(action))
        except Exception as error:  # noqa: BLE001 # raised by the turn
            done = Done(action, error=error)
        run.threads.discard(current_thread())
        self.post(run, done)

    def _read(self) -> None:
        while not self._is_closed:
            try:
                for item in self._stream:
                    self._route(item)
            except ClientClosedError:
                return
            except OpencodeError as error:
                logger.info("the event stream of turns is opened again: %s", error)
            self._stream.close()
            if self._is_closed:
                return
            self._route(StreamGap(0, "no event stream", 1, OpencodeError("no event stream")))
            if not self._closing.wait(_REOPEN_S):
                self._stream = self._subscribe()
        self._stream.close()

    def _open(self) -> Any:  # Any: as above
        for left in reversed(range(OPENINGS)):
            stream = self._subscribe()
            try:
                stream.__enter__()
                return stream
            except RequestTimeoutError:
                if not left:
                    raise
        return None

    def _subscribe(self) -> Any:  # Any: a stream of events
        return self._view.event.subscribe() if self._directory else self._view.global_.event()

    def _route(self, item: object) -> None:
        with self._lock:
            for run, event in self._routes.inputs(item):
                self._feed(run, event)

    def _serve(self) -> None:
        while not self._is_closed:
            try:
                post = self._posts.get(timeout=max(0.0, self._next_s - monotonic()))
            except Empty:
                post = None
            with self._lock:
                if post is not None:
                    self._feed(*post)
                now_s = monotonic()
                for run in [one for one in self._routes.runs if one.state.wake_at_s <= now_s]:
                    self._feed(run, Tick())
                is_unused = not self._routes.runs and now_s - self._used_s >= LINGER_S
                self._is_closed = self._is_closed or is_unused
                self._next_s = self._routes.next_wake_s(now_s)
            if is_unused:
                return self.close()
        return None


def start(calls: TurnCalls, *, is_quiet: bool) -> SyncRun[TurnState]:
    """Start a turn. With `is_quiet`, nobody reads its updates."""
    return drive(SyncRun(calls, TurnState(calls.plan, monotonic()), is_quiet=is_quiet))


def drive(run: SyncRun[S]) -> SyncRun[S]:
    """Start a turn or a feed on the connection of its client and directory. Opens it if there is none."""
    calls = run.calls
    caller = calls.view._caller  # pyright: ignore[reportPrivateUsage] # ours
    key = ("hub", os.getpid(), calls.plan.directory, calls.view.options.workspace)
    while True:
        hub: Hub = caller.knowledge.shared.setdefault(key, Hub(calls.view, calls.plan.directory))
        caller.connections.to_close.add(hub)
        if hub.join(run):
            return run
