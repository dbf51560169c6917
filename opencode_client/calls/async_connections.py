# The source of connections.py, which `make generate` writes.
"""Connections of an `AsyncOpencodeClient` and its views: its own, or those of an `httpx.AsyncClient`."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import httpx

from ..errors import ArgumentError, ClientClosedError
from .async_closing import AsyncClosing
from .async_pool import AsyncPool
from .response import check_ends

AsyncConnections: TypeAlias = "AsyncOwnConnections | AsyncGivenClient"


class AsyncOwnConnections(AsyncPool):
    """The client's own connections. Opened by the first request, closed by `close`, not reusable."""

    merged = None
    """Requests are sent as they are."""

    async def open_stream(
        self, request: httpx.Request
    ) -> tuple[httpx.Response, Callable[[], Awaitable[None]]]:
        """Return the response with its body unread, and the function that closes its connection."""
        transport = self._transport()
        try:
            return await transport.handle_async_request(request), transport.aclose
        except BaseException:
            await transport.aclose()
            raise

    async def request_twice(self, request: httpx.Request) -> None:
        """Send a request two times on one new connection. After that, the server has subscribed a late stream."""
        async with self._transport() as transport:
            for _ in range(2):
                response = await transport.handle_async_request(request)
                await response.aread()

    def _transport(self) -> httpx.AsyncHTTPTransport:
        self.enter()
        _, tls, proxy = self.route.get()
        return httpx.AsyncHTTPTransport(verify=tls, proxy=proxy, limits=httpx.Limits(max_connections=1))


class AsyncGivenClient(AsyncClosing):
    """Connections of an `httpx.AsyncClient` that the user made, with its limits and hooks. The user closes it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__()
        self._client = client
        self._used_in = 0

    async def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        """Return the response with its body. `blocking` has no effect: the user chose the limits."""
        return await self.run(partial(self._send, request))

    async def open_stream(
        self, request: httpx.Request
    ) -> tuple[httpx.Response, Callable[[], Awaitable[None]]]:
        """Return the response with its body unread, and the function that closes it."""
        response = await self.run(partial(self._send, request, stream=True))
        return response, response.aclose

    async def request_twice(self, request: httpx.Request) -> None:
        """Send a request two times, on any connection of the given client. See `AsyncOwnConnections.request_twice`."""
        for _ in range(2):
            await self.run(partial(self._send, request))

    def merged(self, request: httpx.Request) -> httpx.Request:
        """Return the request with what the given client adds: headers, cookies, authentication (the first step)."""
        merged = self._merged(request)
        auth = self._client.auth
        if auth is not None and "authorization" not in request.headers:
            next(auth.auth_flow(merged))
        return merged

    def _merged(self, request: httpx.Request) -> httpx.Request:
        return self._client.build_request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content or None,
            extensions=request.extensions,
        )

    async def _send(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        if self._client.is_closed:
            raise ClientClosedError("the http_client was closed")
        if self._used_in not in (0, os.getpid()):
            raise ClientClosedError(
                "the http_client was used before the fork: make a new one in this process"
            )
        self._used_in = os.getpid()
        auth = None if "authorization" in request.headers else httpx.USE_CLIENT_DEFAULT
        try:
            merged = self._merged(request)
            response = await self._client.send(merged, auth=auth, follow_redirects=False, stream=True)
            if not stream:
                await _read(response)
            return response
        except httpx.HTTPStatusError as error:  # a hook calls `raise_for_status`
            return _closed(error.response)
        except (httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError) as error:
            raise httpx.LocalProtocolError(str(error)) from error
        except RuntimeError as error:
            if self._client.is_closed:
                raise ClientClosedError("the http_client was closed") from error
            raise


async def _read(response: httpx.Response) -> None:
    try:
        check_ends(response.status_code, response.headers.raw)
        await response.aread()
    except BaseException:
        await response.aclose()
        raise


def _closed(response: httpx.Response) -> httpx.Response:
    """Return a readable copy of a response that httpx has closed. It has a body only if a hook has read it."""
    try:
        content = response.content
    except httpx.ResponseNotRead:
        content = b""
    names = ("content-encoding", "content-length", "transfer-encoding")  # the content is decoded
    headers = [pair for pair in response.headers.multi_items() if pair[0] not in names]
    return httpx.Response(response.status_code, headers=headers, content=content)


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
