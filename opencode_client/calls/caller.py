"""Calls: an operation and its arguments become its value or its error. Once for each world, in the same order."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast
from weakref import WeakValueDictionary

import httpx

from ..errors import OpencodeError, StatusError, UnsupportedOperationError
from .connections import AsyncConnections, Connections
from .directories import StrPath
from .error_mapping import delay_before_next, failed, judged
from .operation import Operation
from .options import ClientOptions, Timeout
from .request_builder import Prepared, RequestBuilder
from .response import decode, is_web_page
from .unset import Unset

if TYPE_CHECKING:
    from ..streams.async_stream import AsyncEventStream
    from ..streams.reconnect import StreamOptions, StreamState
    from ..streams.stream import EventStream
    from ..terminals.async_connection import AsyncPtyConnection
    from ..terminals.connection import PtyConnection
    from ..terminals.handshake import Dial, PtyOptions
    from ..terminals.state import PtyCalls
    from .server_info import ServerInfo

C = TypeVar("C")
T = TypeVar("T")


class Known:
    """What a client and its views have found out about their server."""

    def __init__(self) -> None:
        self.version: str | None = None
        self.info: ServerInfo | None = None
        self.shared: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()
        """What listens to the server on behalf of several, as long as one of them is there."""

    def allows(self, operation: Operation[Any]) -> bool:
        """Whether the server is known to have the operation."""
        if self.version is None:
            return False
        from . import server_info as compatibility  # which only newer operations need

        has = compatibility.has(operation.id, self.version)
        return bool(has) or (has is None and self.info is not None and self.info.supports(operation.id))


class _Core(Generic[C]):
    """What callers of both worlds have: the options, the requests that follow from them, and what is known."""

    def __init__(
        self, options: ClientOptions, connections: C, known: Known, *, keeps_answer: bool = False
    ) -> None:
        self.options = options
        self.connections = connections
        self.known = known
        self.answer: httpx.Response | None = None
        """The last answer, where it is kept: for `raw`, which makes a caller for itself."""
        self._keeps_answer = keeps_answer
        self._requests = RequestBuilder(options)

    def again(self, options: ClientOptions, *, keeps_answer: bool = False) -> Self:
        """Another caller with other options on the same connections."""
        return type(self)(options, self.connections, self.known, keeps_answer=keeps_answer)

    def _value(self, prepared: Prepared, answer: httpx.Response) -> Any:  # Any: the operation's value
        if self._keeps_answer:
            self.answer = answer
        return decode(prepared, answer.status_code, answer.content, strict=self.options.strict)

    def _ping(self, operation: Operation[Any]) -> Prepared:
        """A small call, on behalf of an operation."""
        from . import server_info as compatibility

        return self._requests.plain(compatibility.health(operation.id))

    def _dial(
        self,
        operation: Operation[Any],
        path: tuple[str],
        directory: StrPath | None,
        workspace: str | None,
        headers: Mapping[str, str] | None,
        options: PtyOptions,
        calls: object,
    ) -> Dial:
        from ..terminals.handshake import Dial, checked_options

        checked = checked_options(operation.id, options, has_tickets=hasattr(calls, "connect_token"))
        return Dial(self._requests, operation, path, directory, workspace, headers, checked)

    def _unsupported(self, operation: Operation[Any]) -> UnsupportedOperationError:
        from . import server_info as compatibility

        return compatibility.unsupported(operation, self.options.base_url, self.known.version)


class Caller(_Core[Connections]):
    """Makes the calls of an `OpencodeClient` and its views; thread-safe."""

    def call(
        self,
        operation: Operation[T],
        path: Sequence[object],
        directory: StrPath | None,
        workspace: str | None,
        timeout: Timeout | Unset,
        headers: Mapping[str, str] | None,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
    ) -> T:
        """The value of an operation; from the directory on, the arguments as its method got them."""
        prepared = self._requests.prepare(
            operation, path, directory, workspace, timeout, headers, query, body
        )
        if operation.absent is not None and not self.known.allows(operation):
            self._require(operation)
        answer = self._send(prepared)
        if is_web_page(operation, answer):
            self._look_again()
            raise self._unsupported(operation)
        result: T = self._value(prepared, answer)
        return result

    def stream(
        self,
        operation: Operation[T],
        path: Sequence[object],
        directory: StrPath | None,
        workspace: str | None,
        headers: Mapping[str, str] | None,
        options: StreamOptions,
        *,
        query: Mapping[str, object] | None = None,
    ) -> EventStream[T]:
        """The stream of an operation, not opened yet; the arguments as its method got them."""
        from ..streams.reconnect import stream_state
        from ..streams.stream import EventStream  # which calls have no use for

        def prepare(state: StreamState[T]) -> Prepared:
            if operation.absent is not None and not self.known.allows(operation):
                self._require(operation)
            asked = state.query(operation, query)
            said = {**state.headers, **(headers or {})}
            return self._requests.prepare(operation, path, directory, workspace, None, said, asked, None)

        def unsupported() -> UnsupportedOperationError:
            self._look_again()
            return self._unsupported(operation)

        state: StreamState[T] = stream_state(operation, options)
        ping = partial(self._ping, operation) if operation.late else None
        stream = EventStream(prepare, unsupported, self.connections, state, ping)
        self.connections.streams.add(stream)
        return stream

    def terminal(
        self,
        operation: Operation[Any],
        path: tuple[str],
        directory: StrPath | None,
        workspace: str | None,
        headers: Mapping[str, str] | None,
        options: PtyOptions,
        calls: object,
    ) -> PtyConnection:
        """A connection to a terminal, not opened yet; the arguments as its method got them, and its namespace."""
        from ..terminals.connection import PtyConnection  # websockets, which calls have no use for
        from ..terminals.exit_watch import EVENTS, ExitWatch
        from ..terminals.handshake import has_cursor

        dial = self._dial(operation, path, directory, workspace, headers, options, calls)

        def check() -> bool:
            if operation.absent is not None and not self.known.allows(operation):
                self._require(operation)
            return has_cursor(dial, self.known.version or self._version(operation.id))

        watch: ExitWatch | None = None
        if dial.options.get("exit_code", True):
            subscribe = partial(self.stream, EVENTS, (), directory, workspace, headers, {})
            watch = self.known.shared.setdefault(dial.place, ExitWatch(subscribe))
        terminal = PtyConnection(dial, cast("PtyCalls", calls), check, watch)
        self.connections.streams.add(terminal)
        return terminal

    def check_server(self) -> ServerInfo:
        """What the server is and has."""
        from . import server_info as compatibility

        version = self._version()
        try:
            document = self._send(self._requests.plain(compatibility.DOCUMENT)).content
        except StatusError:
            document = None  # the table of versions knows, too
        self.known.info = info = compatibility.info(version, document)
        return info

    def _send(self, prepared: Prepared) -> httpx.Response:
        attempt = 1
        while True:
            started = perf_counter()
            try:
                answer = self.connections.exchange(prepared.http, blocking=prepared.operation.blocking)
                outcome = judged(prepared, answer, started)
            except httpx.RequestError as cause:
                outcome = failed(prepared, cause, started)
            if isinstance(outcome, httpx.Response):
                return outcome
            delay_s = delay_before_next(self.options, prepared, outcome, attempt)
            if delay_s is None:
                raise outcome
            time.sleep(delay_s)
            attempt += 1

    def _version(self, asking: str = "check_server") -> str:
        from . import server_info as compatibility

        try:
            answer = self._send(self._requests.plain(compatibility.health(asking)))
        except StatusError as error:
            raise compatibility.no_server(error, self.options.base_url) or error from None
        self.known.version = compatibility.version_in(answer, self.options.base_url)
        return self.known.version

    def _require(self, operation: Operation[Any]) -> None:
        from . import server_info as compatibility

        version = self._version(operation.id)
        has = compatibility.has(operation.id, version)
        if has is None:
            has = self.check_server().supports(operation.id)
        if not has:
            raise self._unsupported(operation)

    def _look_again(self) -> None:
        try:
            self._version()
        except OpencodeError:
            self.known.version = None  # it only says which server does not have the operation


class AsyncCaller(_Core[AsyncConnections]):
    """Makes the calls of an `AsyncOpencodeClient` and its views, on one event loop."""

    async def call(
        self,
        operation: Operation[T],
        path: Sequence[object],
        directory: StrPath | None,
        workspace: str | None,
        timeout: Timeout | Unset,
        headers: Mapping[str, str] | None,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
    ) -> T:
        """The value of an operation; from the directory on, the arguments as its method got them."""
        prepared = self._requests.prepare(
            operation, path, directory, workspace, timeout, headers, query, body
        )
        if operation.absent is not None and not self.known.allows(operation):
            await self._require(operation)
        answer = await self._send(prepared)
        if is_web_page(operation, answer):
            await self._look_again()
            raise self._unsupported(operation)
        result: T = self._value(prepared, answer)
        return result

    def stream(
        self,
        operation: Operation[T],
        path: Sequence[object],
        directory: StrPath | None,
        workspace: str | None,
        headers: Mapping[str, str] | None,
        options: StreamOptions,
        *,
        query: Mapping[str, object] | None = None,
    ) -> AsyncEventStream[T]:
        """The stream of an operation, not opened yet; the arguments as its method got them."""
        from ..streams.async_stream import AsyncEventStream  # which calls have no use for
        from ..streams.reconnect import stream_state

        async def prepare(state: StreamState[T]) -> Prepared:
            if operation.absent is not None and not self.known.allows(operation):
                await self._require(operation)
            asked = state.query(operation, query)
            said = {**state.headers, **(headers or {})}
            return self._requests.prepare(operation, path, directory, workspace, None, said, asked, None)

        async def unsupported() -> UnsupportedOperationError:
            await self._look_again()
            return self._unsupported(operation)

        state: StreamState[T] = stream_state(operation, options)
        ping = partial(self._ping, operation) if operation.late else None
        stream = AsyncEventStream(prepare, unsupported, self.connections, state, ping)
        self.connections.streams.add(stream)
        return stream

    def terminal(
        self,
        operation: Operation[Any],
        path: tuple[str],
        directory: StrPath | None,
        workspace: str | None,
        headers: Mapping[str, str] | None,
        options: PtyOptions,
        calls: object,
    ) -> AsyncPtyConnection:
        """A connection to a terminal, not opened yet; the arguments as its method got them, and its namespace."""
        from ..terminals.async_connection import AsyncPtyConnection  # websockets, which calls have no use for
        from ..terminals.exit_watch import EVENTS, AsyncExitWatch
        from ..terminals.handshake import has_cursor

        dial = self._dial(operation, path, directory, workspace, headers, options, calls)

        async def check() -> bool:
            if operation.absent is not None and not self.known.allows(operation):
                await self._require(operation)
            return has_cursor(dial, self.known.version or await self._version(operation.id))

        watch: AsyncExitWatch | None = None
        if dial.options.get("exit_code", True):
            subscribe = partial(self.stream, EVENTS, (), directory, workspace, headers, {})
            watch = self.known.shared.setdefault(dial.place, AsyncExitWatch(subscribe))
        terminal = AsyncPtyConnection(dial, cast("PtyCalls", calls), check, watch)
        self.connections.streams.add(terminal)
        return terminal

    async def check_server(self) -> ServerInfo:
        """What the server is and has."""
        from . import server_info as compatibility

        version = await self._version()
        try:
            document = (await self._send(self._requests.plain(compatibility.DOCUMENT))).content
        except StatusError:
            document = None  # the table of versions knows, too
        self.known.info = info = compatibility.info(version, document)
        return info

    async def _send(self, prepared: Prepared) -> httpx.Response:
        attempt = 1
        while True:
            started = perf_counter()
            try:
                answer = await self.connections.exchange(prepared.http, blocking=prepared.operation.blocking)
                outcome = judged(prepared, answer, started)
            except httpx.RequestError as cause:
                outcome = failed(prepared, cause, started)
            if isinstance(outcome, httpx.Response):
                return outcome
            delay_s = delay_before_next(self.options, prepared, outcome, attempt)
            if delay_s is None:
                raise outcome
            await _sleep(delay_s)
            attempt += 1

    async def _version(self, asking: str = "check_server") -> str:
        from . import server_info as compatibility

        try:
            answer = await self._send(self._requests.plain(compatibility.health(asking)))
        except StatusError as error:
            raise compatibility.no_server(error, self.options.base_url) or error from None
        self.known.version = compatibility.version_in(answer, self.options.base_url)
        return self.known.version

    async def _require(self, operation: Operation[Any]) -> None:
        from . import server_info as compatibility

        version = await self._version(operation.id)
        has = compatibility.has(operation.id, version)
        if has is None:
            has = (await self.check_server()).supports(operation.id)
        if not has:
            raise self._unsupported(operation)

    async def _look_again(self) -> None:
        try:
            await self._version()
        except OpencodeError:
            self.known.version = None  # it only says which server does not have the operation


async def _sleep(delay_s: float) -> None:
    from asyncio import sleep  # a third of what importing httpx costs: not for who has no loop anyway

    await sleep(delay_s)
