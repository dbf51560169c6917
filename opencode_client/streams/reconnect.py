"""What a stream does between connections: pure, the same for both worlds.

When to connect again and how soon, from where to resume, and where a gap must be told.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from time import time
from typing import Any, Generic, TypedDict, TypeVar

from ..calls.operation import Operation
from ..calls.response_shapes import reader_of_shape
from ..errors import (
    ArgumentError,
    AuthenticationError,
    ForbiddenError,
    NotFoundError,
    OpencodeError,
    RequestTimeoutError,
    UnsupportedOperationError,
)
from .event_decoder import EventDecoder, ServerHeartbeat, StreamGap, UndecodableEvent
from .sse import DEFAULT_MAX_BYTES, EventSplitter

E = TypeVar("E")

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 10.0
WATCHDOG_S = 95.0
"""Three heartbeats of 1.1.x and a little; later servers send one every 10 s."""
HEAD_S = 5.0
"""How long an answer may take to begin. A server that is starting accepts connections that it never answers."""
_FINAL = (AuthenticationError, ForbiddenError, NotFoundError, UnsupportedOperationError)


class StreamOptions(TypedDict, total=False):
    """How a stream stays connected; every one may be left out.

    `reconnect` (True): come back after a lost connection; False ends the iteration, with the error if there is one.
    `max_attempts` (None, without limit): how many connections in a row may fail before the last error is raised.
    `on_gap`: called with each `StreamGap` instead of yielding it. `heartbeats` (False): yield `ServerHeartbeat` and
    `server.connected`. `watchdog_s` (95; None: never): without a byte for so long the connection counts as lost.
    `max_event_bytes` (64 MiB): a larger event is an `EventTooLargeError`.
    """

    reconnect: bool
    max_attempts: int | None
    on_gap: Callable[[StreamGap], object]
    heartbeats: bool
    watchdog_s: float | None
    max_event_bytes: int


class StreamState(Generic[E]):
    """One stream's memory over its connections. `resumes` tells that `after` brings back what was missed."""

    def __init__(self, read: Callable[[Any], E], options: StreamOptions, *, resumes: bool) -> None:
        self.decoder: EventDecoder[E] = EventDecoder(read, heartbeats=options.get("heartbeats", False))
        self.reconnects: bool = options.get("reconnect", True)
        self.watchdog_s: float | None = options.get("watchdog_s", WATCHDOG_S)
        self.head_s: float | None = self.watchdog_s if resumes else min(self.watchdog_s or HEAD_S, HEAD_S)
        self._on_gap = options.get("on_gap")
        self._max_attempts = options.get("max_attempts")
        self._max_bytes = options.get("max_event_bytes", DEFAULT_MAX_BYTES)
        self.resumes = resumes
        self._splitter = EventSplitter(max_bytes=self._max_bytes)
        self._opened_s = 0.0
        self._last_s = 0.0
        self._lost: OpencodeError | None = None
        self._was_connected = False
        self._is_connected = False
        self._attempts = 0

    def query(self, operation: Operation[Any], asked: Mapping[str, object] | None) -> dict[str, object]:
        """The query of the next request: where the stream can be resumed, from the last event that came."""
        after = {} if self.decoder.sequence is None else {operation.resumes or "": self.decoder.sequence}
        return {**(asked or {}), **(after if operation.resumes else {})}

    @property
    def headers(self) -> Mapping[str, str]:
        """What the next request says besides."""
        last = self._splitter.last_id
        return {
            "accept": "text/event-stream",
            "cache-control": "no-store",
            **({"last-event-id": last} if last else {}),
        }

    def connected(self) -> list[StreamGap]:
        """Called when an answer has begun; the gap to yield before anything of it."""
        gap: list[StreamGap] = []
        if self._was_connected and not self.resumes:
            reason = "the stream ended" if self._lost is None else str(self._lost)
            gap = [StreamGap(int(1000 * self._last_s), reason, self._attempts, self._lost)]
        self._splitter = self._next_splitter()
        self._was_connected = self._is_connected = True
        self._opened_s = self._last_s = time()
        if gap and self._on_gap is not None:
            self._on_gap(gap[0])
            return []
        return gap

    def _next_splitter(self) -> EventSplitter:
        old = self._splitter
        new = EventSplitter(last_id=old.last_id, max_bytes=self._max_bytes)
        new.retry_ms = old.retry_ms
        return new

    def feed(self, chunk: bytes) -> list[E | ServerHeartbeat | UndecodableEvent]:
        """What the stream yields for these bytes."""
        items: list[E | ServerHeartbeat | UndecodableEvent] = []
        decode = self.decoder.decode
        for event in self._splitter.feed(chunk):  # most chunks hold one: a comprehension would cost more
            item = decode(event)
            if item is not None:
                items.append(item)
        self._last_s = time()
        if items:
            self._attempts = 0
        return items

    def delay_before_next(self, error: OpencodeError | None) -> float | None:
        """Seconds until the next connection, after this one was lost or not made; None: the stream ends here.

        Raises:
            OpencodeError: `error`, where it is final, was the first connection's, or one too many.
        """
        if self._is_connected:
            self._is_connected = False
            # what attempts fail with later only says that there is no other connection yet
            self._lost = error
            if self._last_s - self._opened_s > LONGEST_DELAY_S:
                self._attempts = 0  # it lived, if on heartbeats alone
        self._attempts += 1
        if error is not None and (self._is_final(error) or not self.reconnects):
            raise error
        if not self.reconnects:
            return None
        if self._max_attempts is not None and self._attempts > self._max_attempts:
            if error is not None:
                raise error
            return None
        first = FIRST_DELAY_S if self._splitter.retry_ms is None else self._splitter.retry_ms / 1000
        longest = min(max(LONGEST_DELAY_S, first), first * 2.0 ** min(self._attempts - 1, 16))
        return longest * (0.5 + random.random() / 2)  # noqa: S311 # no secret

    def _is_final(self, error: OpencodeError) -> bool:
        if self.resumes and isinstance(error, RequestTimeoutError):
            return False  # its answer begins with its first event: before that, silence means nothing else than later
        return not self._was_connected or isinstance(error, _FINAL)


def stream_state(operation: Operation[E], options: StreamOptions) -> StreamState[E]:
    """The state of a new stream of an operation.

    Raises:
        ArgumentError: an option that there is not.
    """
    unknown = options.keys() - StreamOptions.__annotations__.keys()
    if unknown:
        raise ArgumentError(f"{operation.id}: streams have no option {sorted(unknown)[0]!r}")
    if operation.resumes:  # it has no heartbeat, so silence says nothing
        options = {"watchdog_s": None, **options}
    return StreamState(reader_of_shape(operation.returns), options, resumes=operation.resumes is not None)
