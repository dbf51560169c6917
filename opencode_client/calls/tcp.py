"""TCP connections for the calls of an `OpencodeClient`. Written by hand beside `async_tcp.py`.

They replace httpcore's own, because another thread can end these at any time, even while they connect.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterable
from selectors import EVENT_WRITE, DefaultSelector
from ssl import SSLContext
from typing import Any

import httpcore

from .sockets import end, prepare, readability
from .tls import TlsStream


class TcpConnection(httpcore.NetworkBackend, httpcore.NetworkStream):
    """One TCP connection. httpcore makes it and uses it; any thread may end it."""

    _socket: socket.socket
    _is_readable: Callable[[], bool]

    def __init__(self) -> None:
        self._ended = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that accepts. `timeout` is for each address."""
        failure: Exception = OSError("the host has no address")
        try:
            for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
                self._socket = socket.socket(family, kind, protocol)
                try:
                    prepare(self._socket)
                    self._connect(address, timeout)
                    self._is_readable = readability(self._socket)
                    return self
                except OSError as error:
                    self._socket.close()
                    failure = error
        except (OSError, UnicodeError) as error:  # the host has no address, or cannot be a host
            failure = error
        too_late = isinstance(failure, TimeoutError)
        raise (httpcore.ConnectTimeout if too_late else httpcore.ConnectError)(str(failure)) from failure

    def _connect(self, address: Any, timeout: float | None) -> None:  # Any: as `getaddrinfo` returns it
        self._socket.setblocking(False)
        error = self._socket.connect_ex(address)
        if self._ended:  # read after connecting began: before that, `end` has no effect on a socket
            raise OSError("the connection was closed")
        if error in (errno.EINPROGRESS, errno.EWOULDBLOCK, 10035):  # the last one on Windows
            with DefaultSelector() as selector:
                selector.register(self._socket, EVENT_WRITE)
                if not selector.select(timeout):
                    raise TimeoutError("timed out")
            error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return a TLS connection over this one."""
        return TlsStream.over(self, ssl_context, server_hostname, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the bytes that arrive next; none at the end."""
        try:
            self._socket.settimeout(timeout)
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all bytes. `timeout` is the time without progress."""
        try:
            self._socket.settimeout(timeout)
            rest = memoryview(buffer)  # slices of bytes would be copies
            while rest:
                rest = rest[self._socket.send(rest) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def get_extra_info(self, info: str) -> Any:  # Any: as httpcore types it
        """Return True for "is_readable" if bytes, or the end, have arrived. Return None for other names."""
        return self._is_readable() if info == "is_readable" else None

    def end(self) -> None:
        """End the connection. A thread that uses it gets an error."""
        self._ended = True
        if hasattr(self, "_socket"):
            end(self._socket)

    def close(self) -> None:
        """Close the socket. Only for the thread that uses it, and in a forked child."""
        if hasattr(self, "_socket"):
            self._socket.close()
