# The source of connection.py, which `make generate` writes.
"""Connect an event stream to its server: send the request, check the response, wait until the server has subscribed.

A stream has a connection of its own. So it takes none from the calls, and the connection can be ended: only that wakes
a reader that waits for bytes. Over HTTP/2, which only a given `httpx.AsyncClient` uses, the stream shares its
connection with calls; then the connection is not ended.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx

from ..calls.async_connections import AsyncOwnConnections
from ..calls.error_mapping import error_from_httpx, response_or_error
from ..calls.operation import Arguments, Operation
from ..calls.response import is_web_page
from ..errors import OpencodeError
from ..logs import fields
from .async_aborter import AsyncConnectionAborter
from .async_body import AsyncBody
from .chunked_body import is_event_stream, unexpected_response
from .http_stream import reset_http2_stream, with_connection_trace
from .reconnect import OPENING_S, StreamState

if TYPE_CHECKING:
    from ..calls.async_caller import AsyncCaller

logger: logging.Logger = logging.getLogger(__package__)

_SHOWN_BYTES = 2000


class AsyncStreamConnection:
    """One connection of an event stream: `step` opens it, then reads it. Not reusable.

    Closed by `close`. Any task may call `aborter.abort()`, which ends a `step` that waits.

    Raises:
        ArgumentError: an argument of the operation is wrong.
    """

    def __init__(
        self, caller: AsyncCaller, operation: Operation[Any], arguments: Arguments, state: StreamState[Any]
    ) -> None:
        self.aborter: AsyncConnectionAborter = AsyncConnectionAborter()
        self.is_exclusive: bool = state.is_http1 or isinstance(caller.connections, AsyncOwnConnections)
        """True if no call shares the connection. Then httpx may apply timeouts to it, and `abort` may end it."""
        self.is_open: bool = False
        self._caller = caller
        self._is_tls = caller.options.base_url.startswith("https:")
        self._operation = operation
        self._state = state
        self._prepared = caller.requests.prepare(operation, state.next_arguments(arguments))
        self._started = perf_counter()
        self._is_checked = operation.absent is None or caller.knowledge.allows(operation)
        self._response: httpx.Response | None = None
        self._body: AsyncBody | None = None
        self._release: Callable[[], Awaitable[None]] | None = None

    @property
    def is_direct(self) -> bool:
        """True if `step` can stop waiting for bytes, and none are lost. False with TLS, because anyio may lose some."""
        return self._body is not None and self._body.is_direct and not self._is_tls

    @property
    def has_ended(self) -> bool:
        """True after the last byte of the response."""
        return self._body is not None and self._body.ended

    @property
    def limit_s(self) -> float | None:
        """The seconds that the next step may take; None if httpx applies the timeout, or if there is none."""
        if self.is_exclusive or not self._is_checked or self._state.head_s is None:
            return None
        return self._state.watchdog_s if self.is_open else self._state.head_s + OPENING_S

    async def step(self, most_s: float | None) -> bytes:
        """Check the server's version, or connect, or wait for bytes. Return the bytes.

        Args:
            most_s: seconds to wait for bytes; has an effect only if `is_direct`.

        Raises:
            httpx.RequestError: no connection, or it was lost.
            OpencodeError: the server sent no event stream, or does not have the operation.
        """
        if self._body is not None:
            return await self._body.read(most_s)
        if self._is_checked:
            return await self._open()
        await self._caller.server_check.require(self._operation)
        self._is_checked = True
        return b""

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._response is not None:
            reset_http2_stream(self._response)
        if self._body is not None:
            await self._body.close()  # before the connection that it reads from
        release, self._release = self._release, None
        if release is not None:
            await release()
        self.aborter.clear()

    def error(self, cause: httpx.RequestError) -> OpencodeError:
        """Return our error for a connection that could not be made or was lost."""
        return error_from_httpx(self._prepared, cause, self._started)

    async def _open(self) -> bytes:
        state = self._state
        await self._caller.sign(self._prepared)
        self._started = perf_counter()
        request = with_connection_trace(
            self._prepared, self.aborter.trace, state.head_s if self.is_exclusive else None
        )
        response, self._release = await self._caller.connections.open_stream(request)
        self._response = response
        state.is_http1 = self.is_exclusive = response.http_version != "HTTP/2"
        if self.is_exclusive and "network_stream" in response.extensions:
            await self.aborter.add(response.extensions["network_stream"])
        request.extensions.pop("trace", None)  # not needed any more; it would slow down reading
        await self._check(response)
        request.extensions["timeout"]["read"] = state.watchdog_s if self.is_exclusive else None
        body = self._body = AsyncBody(response, state.watchdog_s)
        first = await self._wait_until_subscribed(body)
        self.is_open = True
        took_ms = 1e3 * (perf_counter() - self._started)
        known = fields(self._operation.id, self._prepared.text, self._state.connections + 1)
        logger.debug("%s: the stream began after %.1f ms", self._operation.id, took_ms, extra=known)
        return first

    async def _check(self, response: httpx.Response) -> None:
        """Check that the response is an event stream.

        Raises:
            StatusError: it has an error status.
            UnsupportedOperationError: it is a web page: the server does not have the operation.
            ResponseDecodeError: it is something else.
        """
        if is_event_stream(response):
            return
        if is_web_page(self._operation, response) or not response.is_success:
            await response.aread()
            outcome = response_or_error(self._prepared, response, self._started)
            if isinstance(outcome, OpencodeError):
                raise outcome
            raise await self._caller.server_check.unsupported(self._operation)
        beginning = b""
        async for piece in response.aiter_bytes():
            beginning += piece
            took_s = perf_counter() - self._started
            if len(beginning) > _SHOWN_BYTES or took_s > (self._state.head_s or OPENING_S):
                break
        raise unexpected_response(self._prepared, response, beginning)

    async def _wait_until_subscribed(self, body: AsyncBody) -> bytes:
        """Return the first bytes of a `late` stream, once the server has subscribed; no bytes for other streams.

        Source: 1.18.33 sends the first bytes of a `late` stream before it subscribes. It has subscribed when it
        responds to the second request on a new connection, but not when it responds to the first. So this sends two.
        """
        if not self._operation.late:
            return b""
        from ..calls.server_info import health  # only late streams need it

        ping = self._caller.requests.prepare(health(self._operation.id))
        await self._caller.sign(ping)
        first = await body.read(None)
        request = with_connection_trace(ping, self.aborter.trace, self._state.head_s)
        await self._caller.connections.request_twice(request)
        return first
