# The source of aborter.py, which `make generate` writes.
"""End the connection of a stream while its reader waits for bytes."""

from __future__ import annotations

from typing import Any

from .async_background import end_connection

_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
"""The steps at which httpcore's trace passes the network stream of a connection."""


class AsyncConnectionAborter:
    """Ends the connections of one event stream: the open ones and those that are made later. Tasks may share it."""

    def __init__(self) -> None:
        self.aborted: bool = False
        # Any: httpcore's network streams; importing their type takes time
        self._network_streams: list[Any] = []

    async def trace(self, step: str, info: dict[str, Any]) -> None:  # Any: as httpcore passes it
        """Add a connection as soon as httpcore has made it. httpcore calls this as the `trace` of a request."""
        if step.startswith("http2."):
            self.clear()  # other requests use the connection, too: from now on it must not be ended
        elif step in _CONNECTED:
            await self.add(info["return_value"])

    async def add(self, network_stream: Any) -> None:
        """Add a connection, and end it at once if `abort` was called before."""
        self._network_streams.append(network_stream)
        if self.aborted:  # read after the append: else an `abort` in another thread could miss the connection
            await self.abort()

    async def abort(self) -> None:
        """End all connections: a reader that waits for bytes gets the end of the stream, or an error."""
        self.aborted = True  # set before the loop, for the same reason
        for network_stream in self._network_streams:
            await end_connection(network_stream)

    def clear(self) -> None:
        """Forget the connections: they are closed, or must not be ended."""
        self._network_streams.clear()
