"""Event streams that stay connected: `EventStream`, and `AsyncEventStream` with the same names.

A stream has a connection of its own, so it takes none that calls need, and it can be shut down from outside: a thread
that waits for bytes is woken by nothing less than the end of its socket.
"""

from __future__ import annotations

import logging
import socket
from asyncio import Event as AsyncEvent
from asyncio import wait_for
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import suppress
from threading import Event
from time import perf_counter
from typing import Any, Generic, Self, TypeVar, overload

import httpx

from opencode_client.chunks import achunks, chunks
from opencode_client.errors import ArgumentError, OpencodeError, StreamClosedError
from opencode_client.events import ServerHeartbeat, StreamGap, UndecodableEvent
from opencode_client.filtered import AsyncFilteredStream, FilteredStream
from opencode_client.filters import keeper
from opencode_client.operation import Operation
from opencode_client.outcomes import failed, judged
from opencode_client.pools import AsyncConnections, Connections
from opencode_client.requests import Prepared
from opencode_client.responses import is_web_page
from opencode_client.shared import DEFAULT_MAX_QUEUE, AsyncSharedStream, SharedStream
from opencode_client.stream_state import StreamOptions, StreamState
from opencode_client.unusual import reader_of_shape

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
logger: logging.Logger = logging.getLogger(__name__)


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


class Wire:
    """The sockets under a connection, as soon as there are any; shut down from any thread or task."""

    def __init__(self) -> None:
        self._sockets: list[Any] = []  # Any: a socket, or asyncio's stand-in for one
        self._is_down = False

    def connected(self, name: str, info: dict[str, Any]) -> None:
        """httpcore's trace: what a connection was made of."""
        if name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._take(info["return_value"])

    async def aconnected(self, name: str, info: dict[str, Any]) -> None:
        """The same for the asynchronous transport, which awaits it."""
        self.connected(name, info)

    def answered(self, request: httpx.Request, response: httpx.Response, watchdog_s: float | None) -> None:
        """An answer has begun, perhaps on a connection that was there before; the trace would only cost time now."""
        request.extensions.pop("trace", None)
        request.extensions["timeout"]["read"] = watchdog_s
        stream = response.extensions.get("network_stream")
        if stream is not None:
            self._take(stream)

    def _take(self, stream: Any) -> None:  # Any: httpcore's stream of either world
        self._sockets.append(stream.get_extra_info("socket"))
        if self._is_down:
            self.shut_down()

    def shut_down(self) -> None:
        """End the connection both ways: whoever reads from it reads its end."""
        self._is_down = True
        for each in self._sockets:
            with suppress(OSError):  # it is closed already
                each.shutdown(socket.SHUT_RDWR)


def _traced(prepared: Prepared, trace: Callable[..., object], head_s: float | None) -> httpx.Request:
    phases = {**prepared.http.extensions["timeout"], "read": head_s}
    prepared.http.extensions = {"timeout": phases, "trace": trace}
    return prepared.http


def _is_stream(prepared: Prepared, response: httpx.Response) -> bool:
    return response.status_code == 200 and not is_web_page(prepared.operation, response)


def _begun(prepared: Prepared, started: float) -> None:
    took_ms = 1e3 * (perf_counter() - started)
    logger.debug("%s: the stream began after %.1f ms", prepared.operation.id, took_ms)


class EventStream(Generic[E]):
    """The events of one stream operation, in order: typed, reconnecting, a `StreamGap` wherever some may be missing.

    Opened by `with`, or by the first event where the server sends nothing before (`v2.session.events`). Closed by the
    end of `with` or by `close`, which any thread may call and which ends an iteration at once. Iterated by one thread
    at a time, once.
    """

    def __init__(
        self,
        prepare: Callable[[StreamState[E]], Prepared],
        unsupported: Callable[[], OpencodeError],
        connections: Connections,
        state: StreamState[E],
        ping: Callable[[], Prepared] | None = None,
    ) -> None:
        self._prepare = prepare
        self._unsupported = unsupported
        self._connections = connections
        self._state = state
        self._ping = ping
        self._closed = Event()
        self._wire = Wire()
        self._open: tuple[Prepared, bytes, Iterator[bytes]] | None = None
        self._release: Callable[[], None] | None = None
        self._items = self._run()

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
                    error = failed(prepared, cause, started)
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
        prepared, started = self._prepare(self._state), perf_counter()
        self._wire = wire = Wire()
        if self._closed.is_set():
            wire.shut_down()
        request = _traced(prepared, wire.connected, self._state.head_s)
        try:
            response, self._release = self._connections.open_stream(request)
            wire.answered(request, response, self._state.watchdog_s)
            if _is_stream(prepared, response):
                body = chunks(response, self._state.watchdog_s)
                first = self._listened_to(body)
                _begun(prepared, started)
                return prepared, first, body
            response.read()
        except httpx.RequestError as cause:
            raise failed(prepared, cause, started) from cause
        outcome = judged(prepared, response, started)
        raise outcome if isinstance(outcome, OpencodeError) else self._unsupported()

    def _listened_to(self, body: Iterator[bytes]) -> bytes:
        """What came until the server listens itself, where it says its first bytes before.

        1.18.33 does so before it answers a request on a connection that it knows, but not on a new one: so two.
        """
        if self._ping is None:
            return b""
        first = next(body, b"")
        self._connections.ask_twice(_traced(self._ping(), self._wire.connected, self._state.head_s))
        return first

    def _disconnect(self) -> None:
        self._open = None
        release, self._release = self._release, None
        if release is not None:
            release()


class AsyncEventStream(Generic[E]):
    """The events of one stream operation, in order: typed, reconnecting, a `StreamGap` wherever some may be missing.

    Opened by `async with`, or by the first event where the server sends nothing before (`v2.session.events`). Closed
    by the end of `async with` or by `close`, which any task may call and which ends an iteration at once. Iterated by
    one task at a time, once.
    """

    def __init__(
        self,
        prepare: Callable[[StreamState[E]], Awaitable[Prepared]],
        unsupported: Callable[[], Awaitable[OpencodeError]],
        connections: AsyncConnections,
        state: StreamState[E],
        ping: Callable[[], Prepared] | None = None,
    ) -> None:
        self._prepare = prepare
        self._unsupported = unsupported
        self._connections = connections
        self._state = state
        self._ping = ping
        self._closed = AsyncEvent()
        self._wire = Wire()
        self._open: tuple[Prepared, bytes, AsyncGenerator[bytes]] | None = None
        self._release: Callable[[], Awaitable[None]] | None = None
        self._items = self._run()

    async def __aenter__(self) -> Self:
        self._check_open()
        if self._state.resumes or self._open is not None:
            return self
        try:
            self._open = await self._opened()
        except OpencodeError:
            self._check_open()  # else it was closed meanwhile
            raise
        finally:
            if self._open is None:
                await self._disconnect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __aiter__(self) -> AsyncGenerator[E | StreamGap | ServerHeartbeat | UndecodableEvent]:
        return self._items

    async def __anext__(self) -> E | StreamGap | ServerHeartbeat | UndecodableEvent:
        return await anext(self._items)

    @overload
    def filter(
        self, /, *, session_id: str | None = None, children: bool = False
    ) -> AsyncFilteredStream[E]: ...
    @overload
    def filter(
        self, a: type[A], /, *, session_id: str | None = None, children: bool = False
    ) -> AsyncFilteredStream[A]: ...
    @overload
    def filter(
        self, a: type[A], b: type[B], /, *, session_id: str | None = None, children: bool = False
    ) -> AsyncFilteredStream[A | B]: ...
    @overload
    def filter(
        self, a: type[A], b: type[B], c: type[C], /, *, session_id: str | None = None, children: bool = False
    ) -> AsyncFilteredStream[A | B | C]: ...
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
    ) -> AsyncFilteredStream[Any]: ...
    def filter(
        self, *types: type[Any], session_id: str | None = None, children: bool = False
    ) -> AsyncFilteredStream[Any]:
        """The same stream, showing items of these types (all, if none is given) and of this session only.

        A `StreamGap` is always shown. `children` takes in the sessions that the stream shows to be started by it.
        """
        return AsyncFilteredStream(self, keeper(types, session_id, children=children))

    def share(self, *, max_queue: int = DEFAULT_MAX_QUEUE) -> AsyncSharedStream[E]:
        """The stream for many subscribers, each with a queue of at most `max_queue` items."""
        return AsyncSharedStream(self, max_queue)

    async def close(self) -> None:
        """End the stream, and its iteration wherever that waits."""
        self._closed.set()
        self._wire.shut_down()
        with suppress(RuntimeError):  # another task runs it, which the socket's end has woken
            await self._items.aclose()
            await self._disconnect()

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise StreamClosedError("this stream was closed; subscribe again")

    async def _run(self) -> AsyncGenerator[E | StreamGap | ServerHeartbeat | UndecodableEvent]:
        state = self._state
        while not self._closed.is_set():
            error: OpencodeError | None = None
            started = perf_counter()
            try:
                self._open = prepared, first, body = self._open or await self._opened()
                for gap in state.connected():
                    yield gap
                for item in state.feed(first):
                    yield item
                try:
                    async for chunk in body:
                        for item in state.feed(chunk):
                            yield item
                except httpx.RequestError as cause:
                    error = failed(prepared, cause, started)
            except OpencodeError as cause:
                error = cause
            finally:
                await self._disconnect()
            if self._closed.is_set():
                return
            delay_s = state.delay_before_next(error)
            if delay_s is None or await self._closed_in(delay_s):
                return

    async def _opened(self) -> tuple[Prepared, bytes, AsyncGenerator[bytes]]:
        prepared, started = await self._prepare(self._state), perf_counter()
        self._wire = wire = Wire()
        if self._closed.is_set():
            wire.shut_down()
        request = _traced(prepared, wire.aconnected, self._state.head_s)
        try:
            response, self._release = await self._connections.open_stream(request)
            wire.answered(request, response, self._state.watchdog_s)
            if _is_stream(prepared, response):
                body = achunks(response, self._state.watchdog_s)
                first = await self._listened_to(body)
                _begun(prepared, started)
                return prepared, first, body
            await response.aread()
        except httpx.RequestError as cause:
            raise failed(prepared, cause, started) from cause
        outcome = judged(prepared, response, started)
        raise outcome if isinstance(outcome, OpencodeError) else await self._unsupported()

    async def _listened_to(self, body: AsyncGenerator[bytes]) -> bytes:
        """What came until the server listens itself, where it says its first bytes before.

        1.18.33 does so before it answers a request on a connection that it knows, but not on a new one: so two.
        """
        if self._ping is None:
            return b""
        first = await anext(body, b"")
        request = _traced(self._ping(), self._wire.aconnected, self._state.head_s)
        await self._connections.ask_twice(request)
        return first

    async def _disconnect(self) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            await opened[2].aclose()  # else the loop would do so, when it finds the time
        release, self._release = self._release, None
        if release is not None:
            await release()

    async def _closed_in(self, delay_s: float) -> bool:
        with suppress(TimeoutError):
            await wait_for(self._closed.wait(), delay_s)
        return self._closed.is_set()
