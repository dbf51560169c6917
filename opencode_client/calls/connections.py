"""Connections of an `OpencodeClient` and its views to one server. Opened by the first request."""

from __future__ import annotations

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakSet

import httpx

from ..errors import ArgumentError, ClientClosedError
from .sockets import end
from .transports import ORDINARY_CONNECTIONS, Closable, Transports, auth_of, merged_request

if TYPE_CHECKING:
    from httpcore import NetworkStream

Connections: TypeAlias = "OwnConnections | GivenClient"


class OwnConnections:
    """An `OpencodeClient`'s own connections; opened by the first request, closed by `close`, not reusable."""

    def __init__(self, base_url: str) -> None:
        self.to_close: WeakSet[Closable] = WeakSet()
        self._transports = Transports(httpx.HTTPTransport, base_url)
        self._free = BoundedSemaphore(ORDINARY_CONNECTIONS)
        self._network_streams: WeakSet[NetworkStream] = WeakSet()

    def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        if blocking:
            return self._exchange(request, blocking=True)
        # a queue of ours: httpcore 1.0.9 walks through its own once for each request that comes and goes
        if not self._free.acquire(timeout=request.extensions["timeout"]["pool"]):
            raise httpx.PoolTimeout("no connection became free")
        try:
            return self._exchange(request, blocking=False)
        finally:
            self._free.release()

    def _exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        transport = self._transports.get(blocking=blocking)
        if blocking:  # nothing else ends these; ordinary calls have their timeout
            request.extensions["trace"] = self._note
        response = transport.handle_request(request)
        try:
            response.read()
        finally:
            response.close()
            if self._transports.closed:  # its connection was being made then
                response.extensions["network_stream"].close()
        return response

    def open_stream(self, request: httpx.Request) -> tuple[httpx.Response, Callable[[], None]]:
        transport = self._transports.single()
        try:
            return transport.handle_request(request), transport.close
        except BaseException:
            transport.close()
            raise

    def request_twice(self, request: httpx.Request) -> None:
        with self._transports.single() as transport:
            for _ in range(2):
                transport.handle_request(request).read()

    def close(self) -> None:
        transports = self._transports.take()
        for user in list(self.to_close):
            user.close()
        for stream in list(self._network_streams):
            end(stream.get_extra_info("socket"))
        for transport in transports:
            transport.close()

    def _note(self, event: str, info: dict[str, Any]) -> None:  # Any: what httpcore tells
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._network_streams.add(stream := info["return_value"])
            if self._transports.closed:
                stream.close()


class GivenClient:
    """The caller's own `httpx.Client`: its transport, its limits, its hooks; closed by the caller."""

    def __init__(self, client: httpx.Client) -> None:
        self.to_close: WeakSet[Closable] = WeakSet()
        self._client = client
        self._closed = False

    def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        del blocking  # the caller chose the limits
        if self._closed or self._client.is_closed:
            raise ClientClosedError("the client was closed")
        return self._client.send(
            merged_request(self._client, request), auth=auth_of(request), follow_redirects=False
        )

    def open_stream(self, request: httpx.Request) -> tuple[httpx.Response, Callable[[], None]]:
        merged = merged_request(self._client, request)
        response = self._client.send(merged, auth=auth_of(request), follow_redirects=False, stream=True)
        return response, response.close

    def request_twice(self, request: httpx.Request) -> None:
        for _ in range(2):
            self.exchange(request, blocking=False)

    def close(self) -> None:
        """Make no request any more; whoever made the `httpx.Client` closes it."""
        self._closed = True
        for user in list(self.to_close):
            user.close()


def connections_for(base_url: str, client: httpx.Client | None) -> Connections:
    """Return connections of our own, or those of the given client.

    Raises:
        ArgumentError: `client` is not a `httpx.Client`.
    """
    if client is None:
        return OwnConnections(base_url)
    if not isinstance(client, httpx.Client):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
        raise ArgumentError(f"http_client takes a httpx.Client, not {type(client).__name__}")
    return GivenClient(client)
