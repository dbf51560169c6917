"""`StreamState` decides when a stream connects again, where it resumes, and where it has a gap. `StreamOptions`: how.

No I/O: shared by `receiver.py` and `async_receiver.py`. It reads the clock, draws random delays and calls `on_gap`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from time import time
from typing import Generic, TypedDict, TypeVar

from attrs import evolve

from ..calls.operation import Arguments, Operation
from ..calls.response import event_reader
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
"""A little more than three heartbeats of 1.1.x. Later servers send one every 10 s."""
HEAD_S = 5.0
"""The time that a response may take to begin. A server that is starting accepts connections without responding."""
_FINAL = (AuthenticationError, ForbiddenError, NotFoundError, UnsupportedOperationError)
"""Errors that another attempt would only repeat."""


class StreamOptions(TypedDict, total=False):
    """Options of a stream. All may be left out.

    `reconnect` (True): connect again after the connection is lost. False ends the iteration, with the error if there is
    one. `max_attempts` (None, without limit): after so many failed connections in a row the last error is raised.
    `on_gap`: called with each `StreamGap`, which is not yielded then. `heartbeats` (False): also yield
    `ServerHeartbeat` and `server.connected`. `watchdog_s` (95; None: never): after so many seconds without a byte the
    connection counts as lost. `max_event_bytes` (64 MiB): a larger event is an `EventTooLargeError`.
    """

    reconnect: bool
    max_attempts: int | None
    on_gap: Callable[[StreamGap], object]
    heartbeats: bool
    watchdog_s: float | None
    max_event_bytes: int


class StreamState(Generic[E]):
    """The state of one stream over all its connections.

    Raises:
        ArgumentError: an option does not exist.
    """

    def __init__(self, operation: Operation[E], options: StreamOptions) -> None:
        unknown = options.keys() - StreamOptions.__annotations__.keys()
        if unknown:
            raise ArgumentError(f"{operation.id}: streams have no option {sorted(unknown)[0]!r}")
        self.resumes: str | None = operation.resumes
        """The query parameter by which a new connection gets the missed events; None if the server cannot do that."""
        # a stream that resumes has no heartbeats: without an event, it is silent
        self.watchdog_s: float | None = options.get("watchdog_s", None if self.resumes else WATCHDOG_S)
        self.head_s: float | None = (
            self.watchdog_s if self.resumes else min(self.watchdog_s or HEAD_S, HEAD_S)
        )
        self._decoder: EventDecoder[E] = EventDecoder(
            event_reader(operation.returns), heartbeats=options.get("heartbeats", False)
        )
        self._reconnects = options.get("reconnect", True)
        self._on_gap = options.get("on_gap")
        self._max_attempts = options.get("max_attempts")
        self._splitter = EventSplitter(max_bytes=options.get("max_event_bytes", DEFAULT_MAX_BYTES))
        self._opened_s = 0.0
        self._last_s = 0.0
        self._lost: OpencodeError | None = None
        self._was_connected = False
        self._is_connected = False
        self._attempts = 0

    def next_arguments(self, arguments: Arguments) -> Arguments:
        """Return the arguments of the next request: those of the user, and where to resume."""
        headers = {"accept": "text/event-stream", "cache-control": "no-store"}
        if self._splitter.last_id:
            headers["last-event-id"] = self._splitter.last_id
        query = dict(arguments.query or {})
        if self.resumes and self._decoder.sequence is not None:
            query[self.resumes] = self._decoder.sequence
        headers.update(arguments.headers or {})
        return evolve(arguments, timeout=None, headers=headers, query=query)

    def connected(self) -> list[StreamGap]:
        """Note that a response has begun. Return the gap to yield before its first event, if there is one."""
        gaps: list[StreamGap] = []
        if self._was_connected and not self.resumes:
            reason = "the stream ended" if self._lost is None else str(self._lost)
            gaps.append(StreamGap(int(1000 * self._last_s), reason, self._attempts, self._lost))
        self._splitter = self._splitter.for_next_connection()
        self._was_connected = self._is_connected = True
        self._opened_s = self._last_s = time()
        if self._on_gap is None:
            return gaps
        for gap in gaps:
            self._on_gap(gap)
        return []

    def feed(self, chunk: bytes) -> list[E | ServerHeartbeat | UndecodableEvent]:
        """Return the items that these bytes complete."""
        items: list[E | ServerHeartbeat | UndecodableEvent] = []
        decode = self._decoder.decode
        for event in self._splitter.feed(
            chunk
        ):  # most chunks hold one event: a comprehension would be slower
            item = decode(event)
            if item is not None:
                items.append(item)
        self._last_s = time()
        if items:
            self._attempts = 0
        return items

    def delay_before_next(self, error: OpencodeError | None) -> float | None:
        """Return the seconds until the next connection, after one was lost or failed; None if the stream ends here.

        Raises:
            OpencodeError: `error`, if it is final, if the first connection failed, or after too many attempts.
        """
        if self._is_connected:
            self._is_connected = False
            self._lost = (
                error  # the reason of the gap: errors of later attempts only mean that there is no connection
            )
            if self._last_s - self._opened_s > LONGEST_DELAY_S:
                self._attempts = 0  # the connection worked, even if it brought only heartbeats
        self._attempts += 1
        too_many = self._max_attempts is not None and self._attempts > self._max_attempts
        if error is not None and (self._is_final(error) or too_many or not self._reconnects):
            raise error
        if too_many or not self._reconnects:
            return None
        first = FIRST_DELAY_S if self._splitter.retry_ms is None else self._splitter.retry_ms / 1000
        longest = min(max(LONGEST_DELAY_S, first), first * 2.0 ** min(self._attempts - 1, 16))
        return longest * (0.5 + random.random() / 2)  # noqa: S311 # no secret

    def _is_final(self, error: OpencodeError) -> bool:
        if self.resumes and isinstance(error, RequestTimeoutError):
            return False  # the response begins with the first event: no bytes only means that no event has happened yet
        return not self._was_connected or isinstance(error, _FINAL)
