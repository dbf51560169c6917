"""TLS sockets that threads share: close wakes waiting threads, and all bytes arrive."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from time import sleep
from typing import Any, TypeAlias, cast

import pytest

from opencode_client.terminals.tls_socket import TlsSocket

Ends: TypeAlias = tuple[TlsSocket, ssl.SSLSocket]

_PATIENCE_S = 10.0
_MUCH = bytes(range(256)) * 16_384
"""More than the buffers of both ends hold."""


@pytest.fixture
def threads() -> Generator[ThreadPoolExecutor]:
    """Threads for the test."""
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def ends(tls: tuple[ssl.SSLContext, ssl.SSLContext], threads: ThreadPoolExecutor) -> Generator[Ends]:
    """Both ends of a connection. The client's end has received session tickets."""
    served, trusting = tls
    near, far = socket.socketpair()
    serving = threads.submit(served.wrap_socket, far, server_side=True)
    client = TlsSocket(trusting.wrap_socket(near, server_hostname="127.0.0.1"))
    server = serving.result(_PATIENCE_S)
    server.settimeout(_PATIENCE_S)
    yield client, server
    client.release()
    server.close()


def _received(read: Callable[[int], bytes], size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        data += read(1 << 16)
    return bytes(data)


def _waits(call: Future[Any]) -> bool:  # Any: of any call
    sleep(0.1)
    return not call.done()


def test_recv_waits_for_data_after_session_tickets(ends: Ends, threads: ThreadPoolExecutor) -> None:
    client, server = ends
    reading = threads.submit(client.recv, 10)
    assert _waits(reading)
    server.sendall(b"data")
    assert reading.result(_PATIENCE_S) == b"data"


def test_recv_returns_no_bytes_at_the_end(ends: Ends) -> None:
    client, server = ends
    server.close()
    assert client.recv(10) == b""


def test_both_ends_can_send_at_the_same_time(ends: Ends, threads: ThreadPoolExecutor) -> None:
    client, server = ends[0], TlsSocket(ends[1])
    reading = [threads.submit(_received, one.recv, len(_MUCH)) for one in (client, server)]
    writing = [threads.submit(one.sendall, _MUCH) for one in (client, server)]
    assert [one.result(_PATIENCE_S) for one in reading] == [_MUCH, _MUCH]
    assert [one.result(_PATIENCE_S) for one in writing] == [None, None]
    server.release()


def test_closing_wakes_a_reader(ends: Ends, threads: ThreadPoolExecutor) -> None:
    client, _ = ends
    reading = threads.submit(client.recv, 10)
    assert _waits(reading)
    client.close()
    with pytest.raises(OSError, match="is closed"):
        reading.result(_PATIENCE_S)


def test_closing_wakes_a_writer(ends: Ends, threads: ThreadPoolExecutor) -> None:
    client, _ = ends
    writing = threads.submit(client.sendall, _MUCH)
    assert _waits(writing)
    client.close()
    with pytest.raises(OSError, match="is closed"):
        writing.result(_PATIENCE_S)


def test_close_keeps_the_descriptor_and_release_closes_it(ends: Ends) -> None:
    client, _ = ends
    client.close()
    assert client.fileno() >= 0
    client.release()
    assert client.fileno() == -1


def test_sendall_raises_after_its_timeout(ends: Ends) -> None:
    client, _ = ends
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.sendall(_MUCH)


def test_recv_still_decrypts_after_shutdown_of_writing(ends: Ends) -> None:
    client, server = ends
    client.shutdown(socket.SHUT_WR)
    server.sendall(b"data")
    assert client.recv(10) == b"data"


class _BusySocket:
    """A fake `SSLSocket`: each call blocks until `go_on` is set, and overlapping calls are recorded."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.inside = 0
        self.overlaps: list[str] = []

    def setblocking(self, _: bool) -> None:
        """Do nothing."""

    def recv(self, _: int) -> bytes:
        self._stay("recv")
        return b"data"

    def send(self, data: bytes) -> int:
        self._stay("send")
        return len(data)

    def close(self) -> None:
        self._stay("close")

    def _stay(self, name: str) -> None:
        if self.inside:
            self.overlaps.append(name)
        self.inside += 1
        self.entered.set()
        self.go_on.wait(_PATIENCE_S)
        self.inside -= 1


def _send(shared: TlsSocket) -> None:
    shared.sendall(b"x")


@pytest.mark.parametrize("other", [_send, TlsSocket.release])
def test_one_thread_at_a_time_is_inside_openssl(
    threads: ThreadPoolExecutor, other: Callable[[TlsSocket], None]
) -> None:
    busy = _BusySocket()
    shared = TlsSocket(cast(ssl.SSLSocket, busy))
    reading = threads.submit(shared.recv, 10)
    assert busy.entered.wait(_PATIENCE_S)
    calling = threads.submit(other, shared)
    assert _waits(calling)
    busy.go_on.set()
    assert reading.result(_PATIENCE_S) == b"data"
    calling.result(_PATIENCE_S)
    shared.release()
    assert busy.overlaps == []
