"""Event streams that stay connected: `EventStream`.

A stream has a connection of its own, so it takes none that calls need, and it can be shut down from outside: a thread
that waits for bytes is woken by nothing less than the end of its socket.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from threading import Event
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

import httpx
from attrs import evolve

from ..calls.error_mapping import error_from_httpx, response_or_error
from ..calls.operation import Arguments, Operation
from ..calls.request_builder import Prepared
from ..errors import OpencodeError, StreamClosedError
from .abort import Wire, begun, is_stream, traced
from .chunked_body import chunks
from .event_decoder import ServerHeartbeat, StreamGap, UndecodableEvent
from .fan_out import DEFAULT_MAX_QUEUE, SharedStream
from .filter import keeper
from .filtered_stream import FilteredStream
from .reconnect import StreamOptions, StreamState, stream_state

if TYPE_CHECKING:
    from ..calls.caller import Caller

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


class EventStream(Generic[E]):
    """The events of one stream operation, in order: typed, reconnecting, a `StreamGap` wherever some may be missing.

    Opened by `with`, or by the first event where the server sends nothing before (`v2.session.events`). Closed by the
    end of `with` or by `close`, which any thread may call and which ends an iteration at once. Iterated by one thread
    at a time, once.
    """

    def __init__(
        self, caller: Caller, operation: Operation[E], arguments: Arguments, options: StreamOptions
    ) -> None:
        self._caller = caller
        self._operation = operation
        self._arguments = arguments
        self._state: StreamState[E] = stream_state(operation, options)
        self._closed = Event()
        self._wire = Wire()
        self._open: tuple[Prepared, bytes, Iterator[bytes]] | None = None
        self._release: Callable[[], None] | None = None
        self._items = self._run()
        caller.connections.to_close.add(self)

    def __enter__(self) -> Self:
        self._check_open()
        if self._state.resumes or self._open is not None:
            return self
        try:
            self._open = self._opened()
        except OpencodeError:
            self._check_open()  # else it was closed meanwhile
            raise
        finally:
            if self._open is None:
                self._disconnect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Generator[E | StreamGap | ServerHeartbeat | UndecodableEvent]:
        return self._items

    def __next__(self) -> E | StreamGap | ServerHeartbeat | UndecodableEvent:
        return next(self._items)

    @overload
    def filter(self, /, *, session_id: str | None = None, children: bool = False) -> FilteredStream[E]: ...
    @overload
    def filter(
        self, a: type[A], /, *, session_id: str | None = None, children: bool = False
    ) -> FilteredStream[A]: ...
    @overload
    def filter(
        self, a: type[A], b: type[B], /, *, session_id: str | None = None, children: bool = False
    ) -> FilteredStream[A | B]: ...
    @overload
    def filter(
        self, a: type[A], b: type[B], c: type[C], /, *, session_id: str | None = None, children: bool = False
    ) -> FilteredStream[A | B | C]: ...
    @overload
    def filter(
        self,
        a: type[A],
        b: type[B],
        c: type[C],
        d: type[D],
        /,
        *more: type[Any],
        session_id: str | None = None,
        children: bool = False,
    ) -> FilteredStream[Any]: ...
    def filter(
        self, *types: type[Any], session_id: str | None = None, children: bool = False
    ) -> FilteredStream[Any]:
        """The same stream, showing items of these types (all, if none is given) and of this session only.

        A `StreamGap` is always shown. `children` takes in the sessions that the stream shows to be started by it.
        """
        return FilteredStream(self, keeper(types, session_id, children=children))

    def share(self, *, max_queue: int = DEFAULT_MAX_QUEUE) -> SharedStream[E]:
        """The stream for many subscribers, each with a queue of at most `max_queue` items."""
        return SharedStream(self, max_queue)

    def close(self) -> None:
        """End the stream, and its iteration wherever that waits."""
        self._closed.set()
        self._wire.shut_down()
        with suppress(ValueError):  # it runs in another thread, which the socket's end has woken
            self._items.close()
            self._disconnect()

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise StreamClosedError("this stream was closed; subscribe again")

    def _run(self) -> Generator[E | StreamGap | ServerHeartbeat | UndecodableEvent]:
        state = self._state
        while not self._closed.is_set():
            error: OpencodeError | None = None
            started = perf_counter()
            try:
                prepared, first, body = self._open or self._opened()
                yield from state.connected()
                yield from state.feed(first)
                try:
                    for chunk in body:
                        yield from state.feed(chunk)
                except httpx.RequestError as cause:
                    error = error_from_httpx(prepared, cause, started)
            except OpencodeError as cause:
                error = cause
            finally:
                self._disconnect()
            if self._closed.is_set():
                return
            delay_s = state.delay_before_next(error)
            if delay_s is None or self._closed.wait(delay_s):
                return

    def _opened(self) -> tuple[Prepared, bytes, Iterator[bytes]]:
        prepared, started = self._prepared(), perf_counter()
        self._wire = wire = Wire()
        if self._closed.is_set():
            wire.shut_down()
        request = traced(prepared, wire.connected, self._state.head_s)
        try:
            response, self._release = self._caller.connections.open_stream(request)
            wire.answered(request, response, self._state.watchdog_s)
            if is_stream(prepared, response):
                body = chunks(response, self._state.watchdog_s)
                first = self._listened_to(body)
                begun(prepared, started)
                return prepared, first, body
            response.read()
        except httpx.RequestError as cause:
            raise error_from_httpx(prepared, cause, started) from cause
        outcome = response_or_error(prepared, response, started)
        if isinstance(outcome, OpencodeError):
            raise outcome
        raise self._caller.server_check.unsupported(self._operation)

    def _prepared(self) -> Prepared:
        operation, caller = self._operation, self._caller
        if operation.absent is not None and not caller.knowledge.allows(operation):
            caller.server_check.require(operation)
        headers = {**self._state.headers, **(self._arguments.headers or {})}
        query = self._state.query(operation, self._arguments.query)
        return caller.requests.prepare(
            operation, evolve(self._arguments, timeout=None, headers=headers, query=query)
        )

    def _listened_to(self, body: Iterator[bytes]) -> bytes:
        """What came until the server listens itself, where it says its first bytes before.

        1.18.33 does so before it answers a request on a connection that it knows, but not on a new one: so two.
        """
        if not self._operation.late:
            return b""
        from ..calls.server_info import health  # which only late streams need

        ping = self._caller.requests.prepare(health(self._operation.id))
        first = next(body, b"")
        self._caller.connections.request_twice(traced(ping, self._wire.connected, self._state.head_s))
        return first

    def _disconnect(self) -> None:
        self._open = None
        release, self._release = self._release, None
        if release is not None:
            release()
