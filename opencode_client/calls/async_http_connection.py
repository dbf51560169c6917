# The source of http_connection.py, which `make generate` writes.
"""One HTTP connection: sends a request of httpx and returns the response with its body.

httpcore's connections are used without its pools and without an `httpx.Client`. A client adds cookies, redirects,
authentication flows and event hooks, which we do not need, and takes nearly half of the time of a small request. A pool
has locks that stay locked after an interrupted call.
"""

from __future__ import annotations

from weakref import ref

import httpcore
import httpx

from .async_tcp import AsyncTcpConnection
from .response import check_ends
from .route import IDLE_S, Route


class AsyncHttpConnection:
    """One connection to a server, for one call at a time. Opened by its first request."""

    __slots__ = ("__weakref__", "_http", "noted", "tcp")

    def __init__(self, route: Route) -> None:
        self.tcp: AsyncTcpConnection = AsyncTcpConnection()
        self._http = _new(route, self.tcp)
        self.noted: ref[AsyncHttpConnection]
        """The pool's weak reference to this connection."""

    @property
    def is_idle(self) -> bool:
        """True if the last response was read to its end, and the server keeps the connection open."""
        return self._http.is_idle()

    @property
    def has_expired(self) -> bool:
        """True if the idle connection is too old, or the server has closed it."""
        return self._http.has_expired()

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """Return the response with its body.

        Raises:
            httpx.RequestError: there is no complete response, or it is an event stream. Close the connection then.
        """
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        message = httpcore.Request(
            request.method,
            target,
            headers=request.headers.raw,
            content=request.content,
            extensions=request.extensions,
        )
        try:
            response = await self._http.handle_async_request(message)
            check_ends(response.status, response.headers)
            body = await response.aread()
            await response.aclose()
        except (
            httpcore.TimeoutException,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.ProxyError,
            httpcore.UnsupportedProtocol,
            httpcore.ConnectionNotAvailable,
        ) as error:
            kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.NetworkError)
            raise kind(str(error)) from error
        result = httpx.Response(response.status, headers=response.headers, stream=httpx.ByteStream(body))
        httpx.Response.read(result)  # decodes the body, without I/O
        return result

    def close(self) -> None:
        """Close the connection, without waiting."""
        self.tcp.close()

    def __del__(self) -> None:
        if hasattr(self, "tcp"):  # else Ctrl-C interrupted `__init__`
            self.close()


def _new(route: Route, tcp: AsyncTcpConnection) -> httpcore.AsyncConnectionInterface:
    """Return a connection of httpcore, through the proxy that the environment names."""
    server, tls, proxy_url = route.get()
    port = server.port or (443 if server.scheme == "https" else 80)
    origin = httpcore.Origin(server.raw_scheme, server.raw_host, port)
    if proxy_url is None:
        return httpcore.AsyncHTTPConnection(origin, tls, IDLE_S, network_backend=tcp)
    proxy = httpx.Proxy(proxy_url)
    url = httpcore.URL(
        scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
    )
    kind = httpcore.AsyncSOCKSProxy if proxy.url.scheme.startswith("socks") else httpcore.AsyncHTTPProxy
    pool = kind(url, proxy.raw_auth, ssl_context=tls, keepalive_expiry=IDLE_S, network_backend=tcp)
    return pool.create_connection(origin)
