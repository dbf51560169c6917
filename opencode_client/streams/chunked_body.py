"""The chunks of a streamed answer as they come, past h11, which takes more than half of what an event costs.

httpx's transport makes the connection and reads the head. Then the body is read from the same network stream: `size`,
CRLF, bytes, CRLF and so on until size 0 (RFC 9112, 7.1). Where the answer has another form (HTTP/2, no chunks, a
transport or client of the caller's own), it is read as httpx gives it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any

import httpx

_READ_BYTES = 65536
_FIRST_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_NEXT_SIZE = re.compile(rb"\r?\n" + _FIRST_SIZE.pattern)
_MOST_SIZE_BYTES = 4096
"""Of a line that tells a size, with extensions, which nobody sends."""


class ChunkedBody:
    """Takes the bytes of one body, however they are cut, and gives what its chunks hold."""

    def __init__(self) -> None:
        self.ended: bool = False
        self._size = _FIRST_SIZE
        self._left = 0  # bytes of the chunk that have not come
        self._rest = b""  # of a line whose end has not come

    def feed(self, data: bytes) -> list[bytes]:
        """The chunks, or parts of chunks, in `data`; nothing after the end.

        Raises:
            httpx.RemoteProtocolError: the body ends too early (`data` is empty), or no size stands where one should.
        """
        if not data:
            raise httpx.RemoteProtocolError("the server closed the connection in the middle of its answer")
        data = self._rest + data if self._rest else data
        self._rest = b""
        pieces: list[bytes] = []
        place = 0
        while place < len(data) and not self.ended:
            if self._left:
                piece = data[place : place + self._left]
                pieces.append(piece)
                place += len(piece)
                self._left -= len(piece)
                continue
            found = self._size.match(data, place)
            if found is None:
                self._rest = self._unfinished(data[place:])
                break
            self._size = _NEXT_SIZE
            self._left = int(found[1], 16)
            self.ended = self._left == 0
            place = found.end()
        return pieces

    def _unfinished(self, line: bytes) -> bytes:
        if b"\n" in line[2:] or len(line) > _MOST_SIZE_BYTES:
            raise httpx.RemoteProtocolError(f"no size of a chunk: {line[:40]!r}")
        return line


def chunks(response: httpx.Response, read_s: float | None) -> Generator[bytes]:
    """The body's bytes as they come. Raises httpx.RequestError; after `read_s` of silence httpx.ReadTimeout."""
    begun = _begun(response)
    if begun is None:
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 # httpx has one type for both
        yield from response.stream
        return
    network, body = response.extensions["network_stream"], ChunkedBody()
    data: bytes = begun
    with _as_httpx(read_s):
        while not body.ended:
            data = data or network.read(_READ_BYTES, timeout=read_s)
            yield from body.feed(data)
            data = b""


async def achunks(response: httpx.Response, read_s: float | None) -> AsyncGenerator[bytes]:
    """The same, awaited."""
    begun = _begun(response)
    if begun is None:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 # httpx has one type for both
        async for chunk in response.stream:
            yield chunk
        return
    network, body = response.extensions["network_stream"], ChunkedBody()
    data: bytes = begun
    with _as_httpx(read_s):
        while not body.ended:
            data = data or await network.read(_READ_BYTES, timeout=read_s)
            for chunk in body.feed(data):
                yield chunk
            data = b""


def _begun(response: httpx.Response) -> bytes | None:
    """What of the body came with the head; None where the body cannot be read past h11.

    No public name leads to h11's buffer (httpx 0.27 to 0.28, httpcore 1.0). Without one of these the answer is read as
    httpx gives it: slower, no different.
    """
    if response.headers.get("transfer-encoding", "").lower() != "chunked":
        return None
    stream: Any = response.stream  # Any: private members of httpx's and httpcore's classes
    try:
        begun: bytes = stream._httpcore_stream._stream._connection._h11_state.trailing_data[0]
    except AttributeError:
        return None
    return begun


@contextmanager
def _as_httpx(read_s: float | None) -> Generator[None]:
    """httpcore's errors as httpx's."""
    import httpcore  # here: with httpx's own import it comes when a transport is made

    try:
        yield
    except httpcore.TimeoutException as error:
        raise httpx.ReadTimeout(f"not a byte for {read_s:g} s") from error
    except httpcore.NetworkError as error:
        raise httpx.ReadError(str(error)) from error
