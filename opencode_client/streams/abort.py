"""End the connection of a stream from outside, while another thread or task waits for its bytes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx

from ..calls.request_builder import Prepared
from ..calls.sockets import end

_CANCEL = 8  # of HTTP/2's error codes (RFC 9113, 7)
_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
"""The steps at which httpcore's trace hands over the network stream of a connection."""


def with_connection_trace(
    prepared: Prepared, trace: Callable[..., object], read_s: float | None
) -> httpx.Request:
    """Return the request, with `trace` called by httpcore at each step, and `read_s` as its read timeout."""
    timeouts = {**prepared.http.extensions["timeout"], "read": read_s}
    prepared.http.extensions = {"timeout": timeouts, "trace": trace}
    return prepared.http


def reset_http2_stream(response: httpx.Response) -> None:
    """Tell a HTTP/2 server to send no more of this response; nothing for HTTP/1.

    httpcore 1.0 does not do it. Then unread events fill the window that all requests of the connection share. No public
    name leads to the connection's state; where one of these is missing, this does nothing.
    """
    if "stream_id" not in response.extensions:
        return
    from h2.exceptions import H2Error  # only clients that speak HTTP/2 have it

    stream: Any = response.stream  # Any: private attributes, see above
    with suppress(AttributeError, H2Error):
        state = stream._stream._httpcore_stream._stream._connection._h2_state
        state.reset_stream(
            response.extensions["stream_id"], _CANCEL
        )  # sent with the next bytes of any request


class _Connections:
    """The open connections of one event stream."""

    def __init__(self) -> None:
        self.aborted = False
        self._network_streams: list[
            Any
        ] = []  # Any: httpcore's network streams; importing their type takes time

    def saw(self, step: str, info: dict[str, Any]) -> Any:  # Any: as above
        """Return the network stream that httpcore has made in this step, or None.

        Over HTTP/2 other requests use the connection, too. From then on it must not be ended.
        """
        if step.startswith("http2."):
            self.clear()
        return info["return_value"] if step in _CONNECTED else None

    def clear(self) -> None:
        """Forget the connections, which are closed."""
        self._network_streams.clear()


class ConnectionAborter(_Connections):
    """Ends the connections of one event stream: those that are open and those that are made later. Thread-safe."""

    def trace(self, step: str, info: dict[str, Any]) -> None:
        """Add a connection as soon as httpcore has made it. For the trace of a request."""
        network_stream = self.saw(step, info)
        if network_stream is not None:
            self.add(network_stream)

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
        network_stream = self.saw(step, info)
        if network_stream is not None:
            await self.add(network_stream)

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
