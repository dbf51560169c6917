"""The route to one server: its origin, its proxy, its TLS context. Shared by sync and async."""

from __future__ import annotations

import ssl
from urllib.request import getproxies, proxy_bypass

import httpx

from ..errors import ArgumentError
from .options import is_loopback

ORDINARY_CONNECTIONS = 100
IDLE_CONNECTIONS = 20
_LAST_PORT = 65535
IDLE_S = 5.0
"""An idle connection is not used again after this time, because the server may close it at any moment."""


def environment_proxy(url: str) -> str | None:
    """Return the proxy that the environment has for `url`, or None. This machine's addresses have none.

    Raises:
        ArgumentError: the proxy's URL is wrong, or this program has no library for such a proxy.
    """
    parsed = httpx.URL(url)
    if is_loopback(url) or proxy_bypass(f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host):
        return None
    proxies = getproxies()
    name = parsed.scheme if proxies.get(parsed.scheme) else "all"
    proxy = proxies.get(name)
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    try:
        found = httpx.Proxy(proxy).url
    except (ValueError, httpx.InvalidURL):  # the error of httpx may show a password
        found = None
    if found is None or not found.host or (found.port or 0) > _LAST_PORT:
        raise ArgumentError(f"{name}_proxy in the environment is not the URL of a proxy")
    if found.scheme.startswith("socks"):
        from importlib.util import find_spec

        if find_spec("socksio") is None:
            raise ArgumentError(f"{name}_proxy in the environment needs SOCKS: pip install 'httpx[socks]'")
    return proxy


def tls_context(url: str) -> ssl.SSLContext:
    """Return the TLS context for `url`, with the certificates that the environment names, or the default ones.

    Raises:
        ArgumentError: the environment names files that cannot be used.
    """
    if not url.startswith("https:"):
        # an empty context will do: loading certificates takes as long as importing httpx
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise ArgumentError(
            "the certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read, or the file that "
            f"SSLKEYLOGFILE names cannot be written: {error}"
        ) from error


class Route:
    """The URL, TLS context and proxy of one server. The environment is read at the first request."""

    def __init__(self, base_url: str) -> None:
        self._url = base_url
        self._known: tuple[httpx.URL, ssl.SSLContext, str | None] | None = None

    def get(self) -> tuple[httpx.URL, ssl.SSLContext, str | None]:
        """Return the server's URL, the TLS context, and the proxy's URL or None.

        Raises:
            ArgumentError: as `tls_context` and `environment_proxy`.
        """
        if self._known is None:
            proxy = environment_proxy(self._url)  # before the certificates, which take longer to read
            self._known = httpx.URL(self._url), tls_context(self._url), proxy
        return self._known
