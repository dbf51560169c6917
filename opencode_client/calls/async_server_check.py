# The source of server_check.py, which `make generate` writes.
"""Request a server's version and operations. `server_info` parses the responses."""

from __future__ import annotations

import math
from time import monotonic
from typing import TYPE_CHECKING, Any

from attrs import evolve

from .._spec import VERSION_PATH
from ..errors import (
    OpencodeError,
    RateLimitError,
    RequestError,
    ServerError,
    StatusError,
    UnsupportedOperationError,
    UnsupportedServerError,
)
from . import server_info
from .operation import Operation
from .server_info import ServerInfo

if TYPE_CHECKING:
    from .async_caller import AsyncCaller

_FIRST_TRY_S = 0.5
_LONGEST_TRY_S = 10.0
_PAUSE_S = 0.1
_LEAST_S = 1e-3
"""Timeouts must be above 0."""


class AsyncServerCheck:
    """Requests to the server of one caller. The results are kept in the caller's `knowledge`."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller

    async def version(self, operation_id: str = "check_server") -> str:
        """Return the server's version. Errors name `operation_id`, the operation that needs the version.

        Raises:
            UnsupportedServerError: the server at this URL is not opencode 1.x.
            OpencodeError: no response, or an error status.
        """
        caller, url = self._caller, self._caller.options.base_url
        try:
            response = await caller.send(caller.requests.prepare(server_info.health(operation_id)))
            version = server_info.version_in(response, url)
        except StatusError as error:
            unsupported = server_info.no_server(error, url)
            if unsupported is None:
                raise
            raise await self._second_generation() or unsupported from None
        except UnsupportedServerError as error:
            raise (None if error.version else await self._second_generation()) or error from None
        if not server_info.is_expected(version) and not (await self._info(version)).is_alike:
            raise server_info.other_version(url, version, VERSION_PATH)
        caller.knowledge.version = version
        return version

    async def wait(self, timeout: float | None) -> None:
        """Wait until the server responds, at most `timeout` seconds. Raises as `wait_until_ready` of the client.

        Source: 1.14.48 to 1.18.33 never respond on a connection that was opened before they listen. So the first tries
            are short.
        """
        caller, ends = self._caller, math.inf if timeout is None else monotonic() + timeout
        try_s = _FIRST_TRY_S
        while True:
            begun_s = monotonic()
            left_s = max(_LEAST_S, min(try_s, ends - begun_s))
            options = evolve(caller.options, timeout=left_s, max_retries=0, on_retry=None)
            try:
                await AsyncServerCheck(caller.with_options(options)).version("wait_until_ready")
            except (RequestError, RateLimitError, ServerError) as error:
                failure = error
            else:
                return
            if monotonic() - begun_s >= try_s:
                try_s = min(2 * try_s, _LONGEST_TRY_S)
            if monotonic() + _PAUSE_S >= ends:  # a shorter try would only fail for lack of time
                raise server_info.not_ready(failure, caller.options.base_url, timeout) from failure
            await caller.connections.pause(_PAUSE_S)

    async def _second_generation(self) -> UnsupportedServerError | None:
        """Return the error for OpenCode 2.x if the server is that, else None."""
        caller, url = self._caller, self._caller.options.base_url
        try:
            response = await caller.send(caller.requests.prepare(server_info.SECOND_INFO))
        except StatusError as error:
            return server_info.second_generation(error, url)
        except OpencodeError:
            return None
        return server_info.second_generation(response, url)

    async def info(self) -> ServerInfo:
        """Return the server's version and operations. Raises as `version`."""
        return await self._info(await self.version())

    async def _info(self, version: str) -> ServerInfo:
        caller = self._caller
        try:
            document = (await caller.send(caller.requests.prepare(server_info.DOCUMENT))).content
        except StatusError:
            document = None  # the table of versions is used instead
        caller.knowledge.info = info = server_info.info(version, document)
        return info

    async def require(self, operation: Operation[Any]) -> None:
        """Check that the server has the operation.

        Raises:
            UnsupportedOperationError: the server does not have it.
            OpencodeError: as `version`.
        """
        version = await self.version(operation.id)
        has_it = server_info.has_operation(operation.id, version)
        if not has_it and not (await self._info(version)).supports(operation.id):
            raise self._unsupported(operation)

    async def unsupported(
        self, operation: Operation[Any]
    ) -> UnsupportedOperationError | UnsupportedServerError:
        """Return the error for a response that is a web page. Reads the server's version for its message."""
        try:
            await self.version()
        except UnsupportedServerError as error:
            return error
        except OpencodeError:
            self._caller.knowledge.version = None  # the error then says "version unknown"
        return self._unsupported(operation)

    def _unsupported(self, operation: Operation[Any]) -> UnsupportedOperationError:
        caller = self._caller
        return server_info.unsupported(operation, caller.options.base_url, caller.knowledge.version)
