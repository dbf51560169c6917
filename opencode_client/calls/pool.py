"""Pooled connections for the calls of an `OpencodeClient`. Written by hand beside `async_pool.py`."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import httpx

from .sockets import end
from .transports import ORDINARY_CONNECTIONS, Closable, Transports, taken

if TYPE_CHECKING:
    from httpcore import NetworkStream

_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")


class Pool:
    """Sends the requests of calls. Opened by the first request, closed by `close`, not reusable; thread-safe."""

    def __init__(self, base_url: str) -> None:
        self.to_close: WeakSet[Closable] = WeakSet()
        self.transports: Transports[httpx.HTTPTransport] = Transports(httpx.HTTPTransport, base_url)
        self._free = BoundedSemaphore(ORDINARY_CONNECTIONS)
        self._blocking_streams: WeakSet[NetworkStream] = WeakSet()

    def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        """Return the response with its body.

        Raises:
            httpx.RequestError: there is no response, or `close` was called.
            ClientClosedError: `close` was called before.
        """
        if blocking:  # only `close` ends these; ordinary calls have a timeout
            request.extensions["trace"] = self._note_connection
            return self._exchange(request, blocking=True)
        # requests wait here, because httpcore 1.0.9 walks through its whole queue when a request starts or ends
        if not self._free.acquire(timeout=request.extensions["timeout"]["pool"]):
            raise httpx.PoolTimeout("no connection became free")
        try:
            return self._exchange(request, blocking=False)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close the streams and terminals, end the blocking calls, and close the connections."""
        transports = self.transports.take()
        for user in taken(self.to_close):
            user.close()
        for stream in taken(self._blocking_streams):
            end(stream.get_extra_info("socket"))
        for transport in transports:
            transport.close()

    def _exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        response = self.transports.get(blocking=blocking).handle_request(request)
        try:
            response.read()
        finally:
            response.close()
            if self.transports.closed:  # `close` could not see a connection that was not made yet
                response.extensions["network_stream"].close()
        return response

    def _note_connection(self, event: str, info: dict[str, Any]) -> None:  # Any: as httpcore calls it
        if event in _CONNECTED:
            self._blocking_streams.add(stream := info["return_value"])
            if self.transports.closed:
                stream.close()
