# The source of connection.py, which `make generate` writes.
"""Connect an event stream to its server: send the request, check the response, wait until the server has subscribed.

A stream has a connection of its own. So it takes none from the calls, and it can be ended from outside: only the end of
the connection wakes a reader that waits for bytes.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import httpx

from ..calls.error_mapping import error_from_httpx, response_or_error
from ..calls.operation import Arguments, Operation
from ..calls.request_builder import Prepared
from ..calls.response import is_web_page
from ..errors import OpencodeError, StreamClosedError
from .abort import AsyncConnectionAborter, with_connection_trace
from .async_body import body_chunks
from .reconnect import StreamState

if TYPE_CHECKING:
    from ..calls.async_caller import AsyncCaller

logger: logging.Logger = logging.getLogger(__package__)


class AsyncStreamConnection:
    """Makes the connections of one event stream, one after the other: `open`, read `body`, `close`, and again.

    Not reusable after `aborter.abort()`, which any task may call.
    """

    def __init__(
        self, caller: AsyncCaller, operation: Operation[Any], arguments: Arguments, state: StreamState[Any]
    ) -> None:
        self._caller = caller
        self._operation = operation
        self._arguments = arguments
        self._state = state
        self.aborter: AsyncConnectionAborter = AsyncConnectionAborter()
        self.first: bytes = b""
        """Bytes that were received before the server had subscribed."""
        self.body: AsyncGenerator[bytes] | None = None
        """The bytes that follow; None while there is no connection."""
        self._prepared: Prepared
        self._started = 0.0
        self._release: Callable[[], Awaitable[None]] | None = None

    async def open_ahead(self) -> None:
        """Connect before the first item is wanted, unless the server sends nothing before its first event.

        Raises:
            OpencodeError: as `open`.
        """
        self.check_not_aborted()
        if self._state.resumes is None and self.body is None:
            await self.open()

    async def open(self) -> AsyncGenerator[bytes]:
        """Connect, and return the body.

        Raises:
            StreamClosedError: the stream was closed meanwhile.
            OpencodeError: the server cannot be reached, or it sent no event stream.
        """
        self.check_not_aborted()
        try:
            body = await self._connect()
            self.first = await self._wait_until_subscribed(body)
            self.body = body
        except httpx.RequestError as cause:
            self.check_not_aborted()
            raise self.error(cause) from cause
        except Exception:
            self.check_not_aborted()  # httpcore 1.0 raises no error of its own when `abort` ends a TLS handshake
            raise
        finally:
            if self.body is None:
                await self.close()
        took_ms = 1e3 * (perf_counter() - self._started)
        logger.debug("%s: the stream began after %.1f ms", self._operation.id, took_ms)
        return body

    async def close(self) -> None:
        """Close the connection, if there is one."""
        body, self.body = self.body, None
        if body is not None:
            await body.aclose()  # before the connection that it reads from
        release, self._release = self._release, None
        if release is not None:
            await release()
        self.aborter.clear()

    def check_not_aborted(self) -> None:
        """Raise StreamClosedError after `abort`."""
        if self.aborter.aborted:
            raise StreamClosedError("this stream was closed; subscribe again")

    def error(self, cause: httpx.RequestError) -> OpencodeError:
        """Return our error for a connection that could not be made or was lost."""
        return error_from_httpx(self._prepared, cause, self._started)

    async def _connect(self) -> AsyncGenerator[bytes]:
        caller, operation, state = self._caller, self._operation, self._state
        if operation.absent is not None and not caller.knowledge.allows(operation):
            await caller.server_check.require(operation)
        prepared = caller.requests.prepare(operation, state.next_arguments(self._arguments))
        self._prepared, self._started = prepared, perf_counter()
        request = with_connection_trace(prepared, self.aborter.trace, state.head_s)
        response, self._release = await caller.connections.open_stream(request)
        if "network_stream" in response.extensions:
            await self.aborter.add(response.extensions["network_stream"])
        request.extensions.pop("trace", None)  # not needed any more; it would slow down reading
        request.extensions["timeout"]["read"] = state.watchdog_s
        if response.status_code == 200 and not is_web_page(operation, response):
            return body_chunks(response, state.watchdog_s)
        await response.aread()
        outcome = response_or_error(prepared, response, self._started)
        if isinstance(outcome, OpencodeError):
            raise outcome
        raise await caller.server_check.unsupported(operation)

    async def _wait_until_subscribed(self, body: AsyncGenerator[bytes]) -> bytes:
        """Return the first bytes of a `late` stream, once the server has subscribed; no bytes for other streams.

        Source: 1.18.33 sends the first bytes of a `late` stream before it subscribes. It has subscribed when it
        responds to the second request on a new connection, but not when it responds to the first. So this sends two.
        """
        if not self._operation.late:
            return b""
        from ..calls.server_info import health  # only late streams need it

        ping = self._caller.requests.prepare(health(self._operation.id))
        first = await anext(body, b"")
        request = with_connection_trace(ping, self.aborter.trace, self._state.head_s)
        await self._caller.connections.request_twice(request)
        return first
