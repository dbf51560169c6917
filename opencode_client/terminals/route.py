"""Find out how the calls of a client reach its server. Its terminals have to connect in the same way."""

from __future__ import annotations

from typing import Any
from urllib.request import getproxies

import httpcore
import httpx

from ..calls.async_connections import AsyncConnections, AsyncGivenClient
from ..calls.connections import Connections, GivenClient
from ..errors import ArgumentError


def find_unix_path(connections: Connections | AsyncConnections, url: str) -> str | None:
    """Return the path of the Unix socket that calls use, or None if they use TCP.

    Raises:
        ArgumentError: the `http_client` of the user sends requests in a way that terminals cannot use.
    """
    if not isinstance(connections, GivenClient | AsyncGivenClient):
        return None
    client = connections._client  # pyright: ignore[reportPrivateUsage] # ours
    transport = client._transport_for_url(httpx.URL(url))  # pyright: ignore[reportPrivateUsage] # httpx does not show it
    if not isinstance(transport, httpx.HTTPTransport | httpx.AsyncHTTPTransport):
        raise _cannot_use(f"the transport {type(transport).__name__}")
    pool: Any = transport._pool  # pyright: ignore[reportPrivateUsage] # Any: as above; each kind of proxy has a class of its own
    if type(pool) not in (httpcore.ConnectionPool, httpcore.AsyncConnectionPool) and not _is_environments(
        pool, url
    ):
        raise _cannot_use("the proxy")
    path: str | None = getattr(pool, "_uds", None)
    return path


def _is_environments(pool: Any, url: str) -> bool:  # Any: as above
    proxies = getproxies()
    proxy = httpx.URL(proxies.get(httpx.URL(url).scheme) or proxies.get("all") or "")
    used: httpcore.URL | None = getattr(pool, "_proxy_url", None)
    return used is not None and (used.host, used.port) == (proxy.raw_host, proxy.port)


def _cannot_use(what: str) -> ArgumentError:
    text = "without http_client, and set the environment's HTTP_PROXY or HTTPS_PROXY if it needs a proxy"
    return ArgumentError(
        f"terminals cannot use {what} of your http_client: connect them with a client {text}"
    )
