# The source of tls.py, which `make generate` writes.
"""TLS over another connection. That one may be TLS, too: the connection to a proxy."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, Self, TypeVar

import httpcore

T = TypeVar("T")

_READ_BYTES = 65536


class AsyncTlsStream(httpcore.AsyncNetworkStream):
    """A TLS connection over another connection. Closing it closes both."""

    def __init__(
        self, below: httpcore.AsyncNetworkStream, context: ssl.SSLContext, hostname: str | None
    ) -> None:
        self._below = below
        self._received = ssl.MemoryBIO()
        self._unsent = ssl.MemoryBIO()
        self._tls: ssl.SSLObject = context.wrap_bio(self._received, self._unsent, server_hostname=hostname)

    @classmethod
    async def over(
        cls,
        below: httpcore.AsyncNetworkStream,
        context: ssl.SSLContext,
        hostname: str | None,
        timeout: float | None,
    ) -> Self:
        """Return a TLS connection after its handshake.

        Raises:
            httpcore.ConnectError: the handshake failed, for example because the certificate is not trusted.
            httpcore.ConnectTimeout: no data came in time.
        """
        try:
            stream = cls(below, context, hostname)
            await stream._exchange(stream._tls.do_handshake, timeout)
        except httpcore.TimeoutException as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except (httpcore.NetworkError, ssl.SSLError, ValueError) as error:  # ValueError: not a host name
            raise httpcore.ConnectError(str(error)) from error
        return stream

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Return a TLS connection over this one."""
        return await AsyncTlsStream.over(self, ssl_context, server_hostname, timeout)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the bytes that arrive next; none at the end."""
        try:
            return await self._exchange(partial(self._tls.read, max_bytes), timeout)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all bytes."""
        try:
            while buffer:
                buffer = buffer[await self._exchange(partial(self._tls.write, buffer), timeout) :]
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from error

    def get_extra_info(self, info: str) -> Any:  # Any: as httpcore types it
        """Return the TLS object for "ssl_object", else the value of the connection below."""
        return self._tls if info == "ssl_object" else self._below.get_extra_info(info)

    async def aclose(self) -> None:
        """Close the connection below."""
        await self._below.aclose()

    async def _exchange(self, step: Callable[[], T], timeout: float | None) -> T:
        """Return the result of `step`, and exchange bytes with the peer until there is one."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                pass
            finally:
                if self._unsent.pending:
                    await self._below.write(self._unsent.read(), timeout)
            data = await self._below.read(_READ_BYTES, timeout)
            if data:
                self._received.write(data)
            else:
                self._received.write_eof()
