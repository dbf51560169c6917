# The source of connections.py, which `make generate` writes.
"""Connections of an `AsyncOpencodeClient` and its views: its own, or those of an `httpx.AsyncClient`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from weakref import WeakSet

import httpx

from ..errors import ArgumentError, ClientClosedError
from .async_pool import AsyncPool
from .transports import AsyncClosable, taken

AsyncConnections: TypeAlias = "AsyncOwnConnections | AsyncGivenClient"


class AsyncOwnConnections(AsyncPool):
    """The client's own connections. Opened by the first request, closed by `close`, not reusable."""

    async def open_stream(
        self, request: httpx.Request
    ) -> tuple[httpx.Response, Callable[[], Awaitable[None]]]:
        """Return the response with its body unread, and the function that closes its connection."""
        transport = self.transports.single()
        try:
            return await transport.handle_async_request(request), transport.aclose
        except BaseException:
            await transport.aclose()
            raise

    async def request_twice(self, request: httpx.Request) -> None:
        """Send a request two times on one new connection. After that, the server has subscribed a late stream."""
        async with self.transports.single() as transport:
            for _ in range(2):
                response = await transport.handle_async_request(request)
                await response.aread()


class AsyncGivenClient:
    """Connections of an `httpx.AsyncClient` that the user made, with its limits and hooks. The user closes it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.to_close: WeakSet[AsyncClosable] = WeakSet()
        self._client = client
        self._closed = False

    async def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        """Return the response with its body. `blocking` has no effect: the user chose the limits."""
        return await self._send(request)

    async def open_stream(
        self, request: httpx.Request
    ) -> tuple[httpx.Response, Callable[[], Awaitable[None]]]:
        """Return the response with its body unread, and the function that closes it."""
        response = await self._send(request, stream=True)
        return response, response.aclose

    async def request_twice(self, request: httpx.Request) -> None:
        """Send a request two times, on any connection of the given client. `AsyncOwnConnections` says why."""
        for _ in range(2):
            await self._send(request)

    async def close(self) -> None:
        """Close the streams and terminals, and refuse further requests. The `httpx.AsyncClient` stays open."""
        self._closed = True
        for user in taken(self.to_close):
            await user.close()

    async def _send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        if self._closed or self._client.is_closed:
            raise ClientClosedError("the client was closed")
        # built anew, so that the headers and cookies of the user's client are added
        merged = self._client.build_request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content or None,
            extensions=request.extensions,
        )
        auth = None if "authorization" in request.headers else httpx.USE_CLIENT_DEFAULT
        return await self._client.send(merged, auth=auth, follow_redirects=False, stream=stream)


def connections_for(base_url: str, client: httpx.AsyncClient | None) -> AsyncConnections:
    """Return connections of `client`, or new ones.

    Raises:
        ArgumentError: `client` is not an `httpx.AsyncClient`.
    """
    if client is None:
        return AsyncOwnConnections(base_url)
    if not isinstance(client, httpx.AsyncClient):  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
        raise ArgumentError(f"http_client takes a httpx.AsyncClient, not {type(client).__name__}")
    return AsyncGivenClient(client)
