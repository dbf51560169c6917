"""`StreamState` decides when a stream reconnects, where it resumes, and where it has a gap, by its `StreamOptions`.

No I/O: shared by `receiver.py` and `async_receiver.py`. It reads the clock, draws random delays and calls `on_gap`.
"""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Callable
from time import time
from typing import TYPE_CHECKING, Generic, TypedDict, TypeVar

from ..calls.operation import Arguments, Operation
from ..calls.response import event_reader, only_class
from ..errors import (
    ConnectError,
    ConnectionLostError,
    EventTooLargeError,
    OpencodeError,
    RequestTimeoutError,
    ServerError,
    StatusError,
)
from ..model import OpencodeModel
from .checks import STREAM_OPTIONS, check_options
from .event_decoder import EventDecoder, ServerHeartbeat, StreamGap, StreamItem, UndecodableEvent
from .sse import DEFAULT_MAX_BYTES, EventSplitter, TooLargeEvent

if TYPE_CHECKING:
    from ..calls.observer import ConnectionObserver, Observer

E = TypeVar("E")

FIRST_DELAY_S = 0.25
"""The first delay, and the shortest one: a server can only make clients wait longer (`retry`)."""
LONGEST_DELAY_S = 10.0
LONGEST_RETRY_S = 60.0
"""The longest delay that a server can set."""
WATCHDOG_S = 95.0
"""A little more than three heartbeats of 1.1.x. Later servers send one every 10 s."""
HEAD_S = 5.0
"""The seconds until a response must begin. A server that is starting accepts connections, but does not respond yet."""
OPENING_S = 20.0
"""The seconds to connect and to wait for the server's subscription, on a connection without timeouts of httpx."""
_PASSING = (ConnectError, ConnectionLostError, RequestTimeoutError, ServerError)
_PASSING_STATUS = (408, 425, 429)
"""Temporary errors: another attempt may succeed. After any other error, it would fail in the same way."""
_ID = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,998}[\x21-\x7e])?")
"""An id that a header can have. Other ids are not sent; no server reads them."""


class StreamOptions(TypedDict, total=False):
    """Options of a stream. All are optional; the defaults are in brackets.

    `reconnect` (True): reconnect after the connection is lost. False ends the iteration, with the error if there is
    one. `max_attempts` (None, no limit): if more connections than this fail in a row, the last error is raised; if the
    server ended them without an error, the iteration ends. `on_gap`: function to call with each `StreamGap`; gaps are
    then not yielded. `heartbeats` (False): also yield `ServerHeartbeat` and `server.connected`. `watchdog_s` (95; None:
    never): after this many seconds without a byte the connection counts as lost. `max_event_bytes` (64 MiB): a larger
    event raises an `EventTooLargeError`.
    """

    reconnect: bool
    max_attempts: int | None
    on_gap: Callable[[StreamGap], object]
    heartbeats: bool
    watchdog_s: float | None
    max_event_bytes: int


class StreamState(Generic[E]):
    """The state of one stream over all its connections, and the items that were received but not taken yet.

    Raises:
        ArgumentError: an option does not exist, or its value is wrong.
    """

    def __init__(self, operation: Operation[E], options: StreamOptions) -> None:
        scope = ("directory", "workspace") if operation.scope else ()
        others = [*scope, "headers", *([operation.resumes] if operation.resumes else [])]
        check_options(operation.id, options, STREAM_OPTIONS, others)
        self.failure: OpencodeError | None = None
        """The error of an event that ends the stream."""
        self.observer: Observer | None = None
        self._observed: ConnectionObserver | None = None  # from the first connection to the end
        self.connections: int = 0
        """The number of responses that have begun."""
        self.is_http1: bool = False
        """True after a response over HTTP/1: then the stream does not share its connection."""
        self.only_event: type[OpencodeModel] | None = only_class(operation.returns)
        """The class of all events of the stream; None if they have several."""
        self._operation_id = operation.id
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
        self._max_bytes = options.get("max_event_bytes", DEFAULT_MAX_BYTES)
        self._splitter = EventSplitter(max_bytes=self._max_bytes)
        self._events: deque[bytes | TooLargeEvent] = deque()
        self._items: deque[E | StreamGap | ServerHeartbeat | UndecodableEvent | EventTooLargeError] = deque()
        self._opened_s = 0.0
        self._last_s = 0.0
        self._lost: OpencodeError | None = None
        self._is_connected = False
        self._attempts = 0
        self._received: int | None = None  # the last sequence number whose event was decoded

    def next_arguments(self, arguments: Arguments) -> Arguments:
        """Return the arguments of the next request: those of the user, and where to resume."""
        # a compressing proxy holds events back until it has enough of them
        headers = {
            "accept": "text/event-stream",
            "accept-encoding": "identity",
            "cache-control": "no-store",
        }
        if _ID.fullmatch(self._splitter.last_id):
            headers["last-event-id"] = self._splitter.last_id
        query = dict(arguments.query or {})
        if self.resumes:
            after = query.get(self.resumes)
            if self._received is None and type(after) is int:
                self._decoder.sequence = after
            if self._received is not None:
                query[self.resumes] = self._received
        headers.update(arguments.headers or {})
        return arguments.changed(timeout=None, headers=headers, query=query)

    def connected(self) -> None:
        """Note that a response has begun. Adds the gap before its first event, if there is one."""
        gap: StreamGap | None = None
        if self.connections and not self.resumes:
            reason = "the stream ended" if self._lost is None else str(self._lost)
            gap = StreamGap(int(1000 * self._last_s), reason, self._attempts, self._lost)
        self._splitter = self._splitter.for_next_connection()
        self.connections += 1
        self._is_connected = True
        self._opened_s = self._last_s = time()
        if self.observer is not None:
            self._observed = self._observed or self.observer.stream(self._operation_id)
            self._observed.connected(is_again=self.connections > 1, has_gap=gap is not None)
        if gap is not None:
            if self._on_gap is None:
                self._items.append(gap)
            else:
                self._on_gap(gap)

    def ended(self, error: OpencodeError | None) -> None:
        """Note that the stream was closed, or has ended."""
        observed, self._observed = self._observed, None
        if observed is not None:
            observed.ended(error)

    def feed(self, chunk: bytes) -> None:
        """Add bytes. Complete events are kept, and decoded only when they are read: decoded items need more memory."""
        self._events += self._splitter.feed(chunk)
        self._last_s = time()

    def next_item(self) -> StreamItem[E] | None:
        """Return the next item. Return None if more bytes are needed, or if there is a `failure` now.

        Raises:
            EventTooLargeError: an event was dropped here, because it is too large.
        """
        item = self._items.popleft() if self._items else self._decode()
        if type(item) is EventTooLargeError:
            raise item
        return item  # type: ignore[return-value] # no such error

    def _decode(self) -> StreamItem[E] | EventTooLargeError | None:
        """Decode events until one of them is an item, and return it. Return None if none is left, or after an error."""
        events, decoder = self._events, self._decoder
        while events:
            event = events[0]  # it stays there if Ctrl-C interrupts the next line
            try:
                item = decoder.decode(event) if isinstance(event, bytes) else self._dropped(event)
            except OpencodeError as error:
                self.failure = error
                events.clear()
                return None
            self._received = decoder.sequence
            events.popleft()
            if item is not None:
                self._attempts = 0
                return item
        return None

    def _dropped(self, event: TooLargeEvent) -> EventTooLargeError:
        self._decoder.drop(event.head)
        return EventTooLargeError(self._too_large)

    def delay_before_next(self, error: OpencodeError | None) -> float | None:
        """Return the seconds until the next connection, after one was lost or failed; None if the stream ends here.

        Raises:
            OpencodeError: `error`, if it is final, if the first connection failed, or after too many attempts.
        """
        while (item := self._decode()) is not None:  # an item shows that the connection worked
            self._items.append(item)
        if self._is_connected:
            self._is_connected = False
            # the reason of the gap: errors of later attempts only mean that there is no connection
            self._lost = error
            if self._last_s - self._opened_s > LONGEST_DELAY_S:
                self._attempts = 0  # the connection worked, even if it brought only heartbeats
        self._attempts += 1
        too_many = self._max_attempts is not None and self._attempts > self._max_attempts
        is_last = too_many or not self._reconnects
        if error is not None and (is_last or self._is_final(error)):
            self.ended(error)
            raise error
        if is_last:
            self.ended(None)
            return None
        first = max(FIRST_DELAY_S, min((self._splitter.retry_ms or 0) / 1000, LONGEST_RETRY_S))
        longest = min(max(LONGEST_DELAY_S, first), first * 2.0 ** min(self._attempts - 1, 16))
        return longest * (0.5 + random.random() / 2)  # noqa: S311 # no secret

    def _is_final(self, error: OpencodeError) -> bool:
        if self.resumes and isinstance(error, RequestTimeoutError):
            return False  # the response begins with the first event: no bytes only means that no event has happened yet
        is_passing_status = isinstance(error, StatusError) and error.status in _PASSING_STATUS
        return not self.connections or not (is_passing_status or isinstance(error, _PASSING))

    @property
    def _too_large(self) -> str:
        limit = f"larger than {self._max_bytes} bytes (max_event_bytes) and was dropped"
        return f"{self._operation_id}: an event is {limit}; read on to get the events after it"
