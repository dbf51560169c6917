"""TCP connections for the calls of an `AsyncOpencodeClient`. Written by hand beside `tcp.py`.

They replace httpcore's own, because their `close` does not wait. So a second cancellation of a task cannot leave a
connection open, and a connection can be closed after its event loop.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from ssl import SSLContext
from typing import Any

import httpcore

from .async_tls import AsyncTlsStream
from .sockets import prepare, readability

_PIECE_BYTES = 65536
"""The bytes that must be sent within one timeout."""


class AsyncTcpConnection(httpcore.AsyncNetworkBackend, httpcore.AsyncNetworkStream):
    """One TCP connection. httpcore makes it and uses it."""

    _socket: socket.socket
    _is_readable: Callable[[], bool]

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that accepts. `timeout` is for each address."""
        loop = asyncio.get_running_loop()
        failure: Exception = OSError("the host has no address")
        try:
            async with asyncio.timeout(timeout):
                addresses = await _addresses(host, port)
            for family, kind, protocol, _, address in addresses:
                self._socket = socket.socket(family, kind, protocol)
                try:
                    prepare(self._socket)
                    self._socket.setblocking(False)
                    async with asyncio.timeout(timeout):
                        await loop.sock_connect(self._socket, address)
                    self._is_readable = readability(self._socket)
                    return self
                except OSError as error:
                    self._socket.close()
                    failure = error
        except (OSError, UnicodeError) as error:  # the host has no address, or cannot be a host
            failure = error
        if isinstance(failure, TimeoutError):
            raise httpcore.ConnectTimeout("timed out") from failure
        raise httpcore.ConnectError(str(failure)) from failure

    async def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Return a TLS connection over this one."""
        return await AsyncTlsStream.over(self, ssl_context, server_hostname, timeout)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the bytes that arrive next; none at the end."""
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.get_running_loop().sock_recv(self._socket, max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout("timed out") from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all bytes. `timeout` is the time without progress."""
        loop = asyncio.get_running_loop()
        try:
            for start in range(self._send_some(buffer), len(buffer), _PIECE_BYTES):
                async with asyncio.timeout(timeout):
                    await loop.sock_sendall(self._socket, buffer[start : start + _PIECE_BYTES])
        except TimeoutError as error:
            raise httpcore.WriteTimeout("timed out") from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def _send_some(self, buffer: bytes) -> int:
        try:  # this nearly always sends everything; setting up a timeout would take longer than sending
            return self._socket.send(buffer)
        except BlockingIOError:
            return 0

    def get_extra_info(self, info: str) -> Any:  # Any: as httpcore types it
        """Return True for "is_readable" if bytes, or the end, have arrived. Return None for other names."""
        return self._is_readable() if info == "is_readable" else None

    async def aclose(self) -> None:
        """Close the socket."""
        self.close()

    def close(self) -> None:
        """Close the socket."""
        if hasattr(self, "_socket"):
            self._socket.close()


async def _addresses(host: str, port: int) -> list[Any]:  # Any: as `getaddrinfo` returns them
    """Return the addresses of a host. For an IP address no thread is used: it would take longer than connecting."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
