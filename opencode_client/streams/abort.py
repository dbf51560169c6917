"""End the connection of a stream from outside, while another thread or task waits for its bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from ..calls.request_builder import Prepared
from ..calls.sockets import end

_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
"""The steps at which httpcore's trace hands over the network stream of a connection."""


def with_connection_trace(
    prepared: Prepared, trace: Callable[..., object], read_s: float | None
) -> httpx.Request:
    """Return the request, with `trace` called by httpcore at each step, and `read_s` as its read timeout."""
    timeouts = {**prepared.http.extensions["timeout"], "read": read_s}
    prepared.http.extensions = {"timeout": timeouts, "trace": trace}
    return prepared.http


class _Connections:
    """The open connections of one event stream."""

    def __init__(self) -> None:
        self.aborted = False
        self._network_streams: list[
            Any
        ] = []  # Any: httpcore's network streams; importing their type takes time

    def clear(self) -> None:
        """Forget the connections, which are closed."""
        self._network_streams.clear()


class ConnectionAborter(_Connections):
    """Ends the connections of one event stream: those that are open and those that are made later. Thread-safe."""

    def trace(self, step: str, info: dict[str, Any]) -> None:
        """Add a connection as soon as httpcore has made it. For the trace of a request."""
        if step in _CONNECTED:
            self.add(info["return_value"])

    def add(self, network_stream: Any) -> None:
        """Add a connection, and end it at once if `abort` was called before."""
        self._network_streams.append(network_stream)
        if self.aborted:  # read after the append: else an `abort` in another thread could miss the connection
            self.abort()

    def abort(self) -> None:
        """End all connections: a thread that waits for bytes gets the end of the stream, or an error."""
        self.aborted = True  # set before the loop, for the same reason
        for network_stream in self._network_streams:
            end(network_stream.get_extra_info("socket"))


class AsyncConnectionAborter(_Connections):
    """Ends the connections of one event stream: those that are open and those that are made later."""

    async def trace(self, step: str, info: dict[str, Any]) -> None:
        """Add a connection as soon as httpcore has made it. For the trace of a request."""
        if step in _CONNECTED:
            await self.add(info["return_value"])

    async def add(self, network_stream: Any) -> None:
        """Add a connection, and end it at once if `abort` was called before."""
        self._network_streams.append(network_stream)
        if self.aborted:
            await self.abort()

    async def abort(self) -> None:
        """End all connections: a task that waits for bytes gets an error."""
        self.aborted = True
        for network_stream in self._network_streams:
            await network_stream.aclose()
