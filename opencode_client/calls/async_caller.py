# The source of caller.py, which `make generate` writes.
"""Make calls for an `AsyncOpencodeClient`: send the request, retry, and return the value or raise the error."""

from __future__ import annotations

from contextlib import nullcontext
from inspect import isawaitable  # the sync twin has no such line
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

import httpx

from ..errors import OpencodeError
from .async_connections import AsyncConnections
from .error_mapping import delay_before_next, error_from_httpx, response_if_done, response_or_error
from .operation import Arguments, Operation
from .options import ClientOptions
from .request_builder import Prepared, RequestBuilder
from .response import decode, is_web_page
from .server_knowledge import ServerKnowledge

if TYPE_CHECKING:
    from .async_server_check import AsyncServerCheck

T = TypeVar("T")
_UNOBSERVED = nullcontext()


class AsyncCaller:
    """Sends operations and returns their results, for a client and its views. Tasks may share it."""

    def __init__(
        self, options: ClientOptions, connections: AsyncConnections, knowledge: ServerKnowledge
    ) -> None:
        self.options = options
        self.connections = connections
        self.knowledge = knowledge
        self.requests: RequestBuilder = RequestBuilder(options, connections.merged)
        headers = options.headers
        self._headers_of = headers if callable(headers) else None
        self.keeps_response = False
        self.response: httpx.Response | None = None
        """The last response, if `keeps_response` is set. `raw` makes a caller of its own for this."""

    def with_options(self, options: ClientOptions) -> AsyncCaller:
        """Return a caller with other options on the same connections."""
        return AsyncCaller(options, self.connections, self.knowledge)

    @property
    def server_check(self) -> AsyncServerCheck:
        """Requests for the server's version and its operations."""
        from .async_server_check import AsyncServerCheck

        return AsyncServerCheck(self)

    async def call(self, operation: Operation[T], arguments: Arguments) -> T:
        """Return the value of an operation.

        Raises:
            OpencodeError: see `errors`.
        """
        prepared = self.requests.prepare(operation, arguments)
        observer = self.options.observer
        with _UNOBSERVED if observer is None else observer.call(operation.id, operation.method):
            if operation.absent is not None and not self.knowledge.allows(operation):
                await self.server_check.require(operation)
            response = await self.send(prepared)
            if is_web_page(operation, response):
                raise await self.server_check.unsupported(operation)
            if self.keeps_response:
                self.response = response
            value: T = decode(prepared, response, strict=self.options.strict)
            return value

    async def sign(self, prepared: Prepared, url: str | None = None) -> None:
        """Set the headers that the client's function returns, if it has one. Call this before each request is sent.

        Args:
            url: the URL that is sent, if it is not the one of `prepared`.

        Raises:
            HeadersError: the function raised an error.
            ArgumentError: it returned something that cannot be headers.
        """
        if self._headers_of is None:
            return
        from .header_function import function_errors, outgoing, set_headers

        with function_errors(prepared):
            found = self._headers_of(outgoing(prepared, url))
            if isawaitable(found):  # the sync twin has no such line
                found = await found  # the sync twin has no such line
        set_headers(prepared, found)

    async def send(self, prepared: Prepared) -> httpx.Response:
        """Return the successful response to a request. Retries where that is safe.

        Raises:
            OpencodeError: see `errors`.
        """
        attempt = 1
        before: OpencodeError | None = None
        while True:
            prepared.attempt = attempt
            await self.sign(prepared)
            started = perf_counter()
            try:
                response = await self.connections.exchange(
                    prepared.http, blocking=prepared.operation.blocking
                )
                outcome = response_or_error(prepared, response, started)
            except httpx.RequestError as cause:
                outcome = error_from_httpx(prepared, cause, started)
            if isinstance(outcome, httpx.Response):
                return outcome
            if before is not None and (done := response_if_done(prepared, outcome, before)) is not None:
                return done
            delay_s = delay_before_next(self.options, prepared, outcome, attempt)
            if delay_s is None:
                raise outcome
            await self.connections.pause(delay_s)
            before = outcome
            attempt += 1
