"""Event streams for asyncio: `AsyncEventStream`, with the names of `EventStream`."""

from __future__ import annotations

from asyncio import Event, wait_for
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

import httpx
from attrs import evolve

from ..calls.error_mapping import error_from_httpx, response_or_error
from ..calls.operation import Arguments, Operation
from ..calls.request_builder import Prepared
from ..errors import OpencodeError, StreamClosedError
from .abort import Wire, begun, is_stream, traced
from .chunked_body import achunks
from .event_decoder import ServerHeartbeat, StreamGap, UndecodableEvent
from .fan_out import DEFAULT_MAX_QUEUE, AsyncSharedStream
from .filter import keeper
from .filtered_stream import AsyncFilteredStream
from .reconnect import StreamOptions, StreamState, stream_state

if TYPE_CHECKING:
    from ..calls.async_caller import AsyncCaller

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


class AsyncEventStream(Generic[E]):
    """The events of one stream operation, in order: typed, reconnecting, a `StreamGap` wherever some may be missing.

    Opened by `async with`, or by the first event where the server sends nothing before (`v2.session.events`). Closed
    by the end of `async with` or by `close`, which any task may call and which ends an iteration at once. Iterated by
    one task at a time, once.
    """

    def __init__(
        self, caller: AsyncCaller, operation: Operation[E], arguments: Arguments, options: StreamOptions
    ) -> None:
        self._caller = caller
        self._operation = operation
        self._arguments = arguments
        self._state: StreamState[E] = stream_state(operation, options)
        self._closed = Event()
        self._wire = Wire()
        self._open: tuple[Prepared, bytes, AsyncGenerator[bytes]] | None = None
        self._release: Callable[[], Awaitable[None]] | None = None
        self._items = self._run()
        caller.connections.to_close.add(self)

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
        await self._wire.ashut_down()
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
                    error = error_from_httpx(prepared, cause, started)
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
        prepared, started = await self._prepared(), perf_counter()
        self._wire = wire = Wire()
        if self._closed.is_set():
            await wire.ashut_down()
        request = traced(prepared, wire.aconnected, self._state.head_s)
        try:
            response, self._release = await self._caller.connections.open_stream(request)
            await wire.aanswered(request, response, self._state.watchdog_s)
            if is_stream(prepared, response):
                body = achunks(response, self._state.watchdog_s)
                first = await self._listened_to(body)
                begun(prepared, started)
                return prepared, first, body
            await response.aread()
        except httpx.RequestError as cause:
            raise error_from_httpx(prepared, cause, started) from cause
        except Exception:
            self._check_open()  # httpcore 1.0 has no error of its own for a TLS handshake that is closed from here
            raise
        outcome = response_or_error(prepared, response, started)
        if isinstance(outcome, OpencodeError):
            raise outcome
        raise await self._caller.server_check.unsupported(self._operation)

    async def _prepared(self) -> Prepared:
        operation, caller = self._operation, self._caller
        if operation.absent is not None and not caller.knowledge.allows(operation):
            await caller.server_check.require(operation)
        headers = {**self._state.headers, **(self._arguments.headers or {})}
        query = self._state.query(operation, self._arguments.query)
        return caller.requests.prepare(
            operation, evolve(self._arguments, timeout=None, headers=headers, query=query)
        )

    async def _listened_to(self, body: AsyncGenerator[bytes]) -> bytes:
        """What came until the server listens itself, where it says its first bytes before.

        1.18.33 does so before it answers a request on a connection that it knows, but not on a new one: so two.
        """
        if not self._operation.late:
            return b""
        from ..calls.server_info import health  # which only late streams need

        ping = self._caller.requests.prepare(health(self._operation.id))
        first = await anext(body, b"")
        request = traced(ping, self._wire.aconnected, self._state.head_s)
        await self._caller.connections.request_twice(request)
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
