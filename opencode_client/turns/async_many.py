# The source of many.py, which `make generate` writes.
"""Run many turns, some of them at the same time: `client.run_many()`."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence, Sized
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from attrs import define, field

from ..errors import ArgumentError, TurnAbortedError
from ..streams.async_background import AsyncBackground, AsyncWaiters, finish, here
from ..streams.async_items import AsyncItems
from ..streams.checks import is_flag, is_whole
from ..streams.subscriber_queue import no_item_yet
from .async_calls import prepare
from .async_hub import AsyncRun, new_owner, start
from .inputs import Stop
from .progress import TurnProgress
from .result import TurnResult
from .specs import AsyncSpecs, TurnOutcome, TurnSpec, check_spec, options_of
from .state import STOPPING_S, TurnState

if TYPE_CHECKING:
    from ..async_client import AsyncOpencodeClient

_READING_S = 1.0
"""The longest time that `close` waits for the iterable of specs, in seconds."""
_END = object()


@define(eq=False)
class _Entry:
    """A spec whose turn is not over. `run` is the turn; None until its prompt is sent."""

    spec: TurnSpec
    position: int
    run: AsyncRun[TurnState] | None = None
    work: AsyncBackground = field(init=False)


class AsyncManyTurns(AsyncItems[TurnOutcome]):
    """Many turns, some of them at the same time. Yields an outcome for each one, in the order in which they end.

    Opened by `async with`, which starts the first turns. If you leave `async with` early, no more turns start, and
    running turns are aborted on the server. You can still read the unread outcomes after that. Not reusable.
    One task at a time reads outcomes.
    """

    def __init__(
        self, client: AsyncOpencodeClient, specs: AsyncSpecs, *, concurrency: int, progress: bool
    ) -> None:
        if not is_whole(concurrency, 1):
            raise ArgumentError(f"concurrency takes a number of turns, at least 1, not {concurrency!r}")
        if not is_flag(progress):
            raise ArgumentError(f"progress takes True or False, not {progress!r}")
        for position, spec in enumerate(specs if isinstance(specs, Sequence) else ()):
            check_spec(spec, position)
        iterate: Any = iter  # Any: a function that makes either kind of iterator
        if hasattr(specs, "__aiter__"):  # the sync twin has no such line
            iterate = aiter  # the sync twin has no such line
        try:
            self._specs: Any = iterate(specs)  # Any: as above
        except TypeError as error:
            raise ArgumentError(f"specs takes an iterable of TurnSpecs, not {specs!r:.60}") from error
        total = len(specs) if isinstance(specs, Sized) else None
        self._progress = TurnProgress(total) if progress else None
        self._client = client
        self._concurrency = concurrency
        self._waiters = AsyncWaiters()
        self._reader: AsyncBackground | None = None
        self._running: set[_Entry] = set()
        self._unread: deque[TurnOutcome] = deque()
        self._error: BaseException | None = None  # of the iterable
        self._is_read = self._is_leaving = self._is_closed = False

    async def __aenter__(self) -> Self:
        if self._reader is not None:
            raise ArgumentError("these turns were begun before: call client.run_many() again")
        if self._progress is not None:
            self._progress.start()
        self._owner = new_owner()
        self._reader = AsyncBackground(self._read, "opencode-turns")
        return self

    async def take(self, timeout_s: float | None) -> list[TurnOutcome]:
        """Return the next outcome; none at the end. Programs use `get`."""
        if self._reader is None:
            raise ArgumentError("open it first: `async with client.run_many(...) as outcomes`")
        self._owner.enter(here())
        if not await self._waiters.wait_until(self._has_news, timeout_s):
            raise no_item_yet(timeout_s)
        if self._unread:
            outcome = self._unread.popleft()
            self._waiters.wake()
            return [outcome]
        if self._error is not None:
            raise self._error
        return []

    async def close(self) -> None:
        """Start no more turns, abort running turns on the server, and wait for their end: about 7 seconds at most."""
        if self._reader is not None and self._owner.is_here(here()):
            await finish(partial(self._leave, self._reader))

    def _has_news(self) -> bool:
        is_over = self._is_closed or (self._is_read and not self._running)
        return is_over or bool(self._unread)

    def _may_read(self) -> bool:
        has_place = len(self._running) < self._concurrency and len(self._unread) < self._concurrency
        return has_place or self._is_leaving

    async def _read(self) -> None:
        """Read specs, and start their turns."""
        position = 0
        try:
            while await self._waiters.wait_until(self._may_read, None) and not self._is_leaving:
                self._client._caller.connections.enter()  # pyright: ignore[reportPrivateUsage] # ours
                spec = await self._next()
                if spec is _END:
                    break
                if not isinstance(spec, TurnSpec):
                    check_spec(spec, position)  # raises
                self._begin(_Entry(spec, position))
                position += 1
        except BaseException as error:  # noqa: BLE001 # raised by `take`
            if not self._is_leaving:
                self._error = error
                await self._stop()
        finally:
            self._specs = None  # so that a generator is closed
            self._is_read = True
            self._waiters.wake()

    async def _next(self) -> Any:  # Any: checked by the caller
        if hasattr(self._specs, "__anext__"):  # the sync twin has no such line
            return await anext(self._specs, _END)  # the sync twin has no such line
        return next(self._specs, _END)

    def _begin(self, entry: _Entry) -> None:
        self._running.add(entry)
        try:
            entry.work = AsyncBackground(partial(self._run, entry), "opencode-turns")
        except RuntimeError:  # the system has no more threads
            self._running.discard(entry)
            raise

    async def _run(self, entry: _Entry) -> None:
        """Run a turn to its end, and add its outcome."""
        result: TurnResult[Any] | None = None  # Any: the structured output
        error: Exception | None = TurnAbortedError("the turn was not sent: run_many ended before")
        spec = entry.spec
        try:
            check_spec(spec, entry.position)
            began_s = monotonic()
            calls = await prepare(self._client, spec.prompt, options_of(spec), may_ask=False)
            if not self._is_leaving:
                run = AsyncRun(calls, TurnState(calls.plan, began_s), is_quiet=True)
                entry.run = await start(run)
                if self._is_leaving:  # set since the check above
                    self._abort(run)
                await run.ended(None)
                result, error = run.state.result, run.state.error
        except Exception as failed:  # noqa: BLE001 # the outcome has it
            error = failed
        finally:
            outcome = TurnOutcome(spec, result if error is None else None, error)
            if self._progress is not None:
                self._progress.add(outcome)
            self._unread.append(outcome)
            self._running.discard(entry)  # after the append, so that `_has_news` does not miss the outcome
            self._waiters.wake()

    async def _leave(self, reader: AsyncBackground) -> None:
        reader.cancel()  # the sync twin has no such line
        await self._stop()
        await self._waiters.wait_until(lambda: self._is_read and not self._running, _READING_S)
        self._is_closed = True
        self._waiters.wake()
        if self._progress is not None:
            self._progress.stop()

    async def _stop(self) -> None:
        """Start no more turns, abort those that run, and wait for their end."""
        self._is_leaving = True
        self._waiters.wake()
        for entry in self._running.copy():
            if entry.run is not None:
                self._abort(entry.run)
        await self._waiters.wait_until(lambda: not self._running, STOPPING_S + 1)
        for entry in self._running.copy():  # the sync twin has no such line
            entry.work.cancel()  # the sync twin has no such line

    def _abort(self, run: AsyncRun[TurnState]) -> None:
        run.post(Stop(TurnAbortedError("the turn was aborted: run_many ended before it")))
