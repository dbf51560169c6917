"""Read a chunked response body without h11, which takes more than half of the time that an event costs.

httpx's transport makes the connection and reads the head. The body is then read from the same network stream: `size`,
CRLF, bytes, CRLF and so on until size 0 (RFC 9112, 7.1). A body in another form (HTTP/2, not chunked, compressed, a
transport or client that the caller gave) is read by httpx. This module does no I/O; `body.py` and `async_body.py` do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx

from ..calls.error_text import body_text
from ..errors import ResponseDecodeError

if TYPE_CHECKING:
    from ..calls.request_builder import Prepared

READ_BYTES = 65536
_FIRST_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_NEXT_SIZE = re.compile(rb"\r?\n" + _FIRST_SIZE.pattern)
_ENCODINGS = ("", "identity", "gzip", "deflate")
"""Encodings of a body that httpx decodes without other packages. It does not decode others, and raises no error."""
_MAX_SIZE_LINE_BYTES = 4096
"""The limit for the line with a chunk's size. The line may hold extensions, which no server sends."""


class ChunkedBody:
    """Takes the bytes of one body, split at any place, and returns the contents of its chunks."""

    def __init__(self) -> None:
        self.ended: bool = False
        self._size = _FIRST_SIZE
        self._missing_bytes = 0  # of the current chunk
        self._unfinished_line = b""

    def feed(self, data: bytes) -> bytes:
        """Return the contents of the chunks in `data`. Bytes after the end of the body are ignored.

        Raises:
            httpx.RemoteProtocolError: the body ends too early (`data` is empty), or a chunk has no size.
        """
        if not data:
            raise httpx.RemoteProtocolError("the server closed the connection in the middle of its response")
        data = self._unfinished_line + data if self._unfinished_line else data
        self._unfinished_line = b""
        pieces: list[bytes] = []
        position = 0
        while position < len(data) and not self.ended:
            if not self._missing_bytes:
                found = self._size.match(data, position)
                if found is None:
                    self._unfinished_line = line = data[position:]
                    if b"\n" in line[2:] or len(line) > _MAX_SIZE_LINE_BYTES:
                        raise httpx.RemoteProtocolError(
                            f"a chunk does not begin with its size: {line[:40]!r}"
                        )
                    break
                self._size = _NEXT_SIZE
                self._missing_bytes = int(found[1], 16)
                self.ended = self._missing_bytes == 0
                position = found.end()
            piece = data[position : position + self._missing_bytes]
            pieces.append(piece)
            position += len(piece)
            self._missing_bytes -= len(piece)
        return b"".join(pieces)


def is_event_stream(response: httpx.Response) -> bool:
    """Return True if the response is an event stream that can be read."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.status_code == 200 and kind == "text/event-stream" and _encoding(response) in _ENCODINGS


def unexpected_response(
    prepared: Prepared, response: httpx.Response, beginning: bytes
) -> ResponseDecodeError:
    """Return the error for a success that is no event stream. `beginning` has the first bytes of its body."""
    encoding = _encoding(response)
    coded = f" with content-encoding {encoding}" if encoding not in _ENCODINGS else ""
    kind = response.headers.get("content-type", "no content-type")
    text = f": {body_text(prepared, beginning)}" if beginning else ""
    got = f"{response.status_code} {kind}{coded}{text}"
    wanted = "an event stream (200 text/event-stream)"
    error = ResponseDecodeError(prepared.operation.id, "$", wanted, got)
    error.body = beginning
    return error


def _encoding(response: httpx.Response) -> str:
    encoding: str = response.headers.get("content-encoding", "")
    return encoding.strip().lower()


def buffered_body(response: httpx.Response) -> bytes | None:
    """Return the part of the body that was read with the head; None if httpx has to read the body.

    There is no public way to h11's buffer (httpx 0.28, httpcore 1.0). If one of the private names is missing,
    httpx reads the body: slower, with the same result.
    """
    is_chunked = response.headers.get("transfer-encoding", "").lower() == "chunked"
    if not is_chunked or _encoding(response) not in ("", "identity"):
        return None
    stream: Any = response.stream  # Any: private attributes of httpx's and httpcore's classes, see above
    try:
        buffered: bytes = stream._httpcore_stream._stream._connection._h11_state.trailing_data[0]
    except AttributeError:
        return None
    return buffered


def connection_errors() -> tuple[type[Exception], ...]:
    """Return the errors of a read: those of a socket, and those of httpcore."""
    import httpcore  # here, because httpx too imports it only when a transport is made

    return OSError, httpcore.TimeoutException, httpcore.NetworkError


def httpx_error(error: Exception, read_s: float | None) -> httpx.RequestError:
    """Return httpx's error for one of `connection_errors`."""
    import httpcore  # as above

    if isinstance(error, TimeoutError | httpcore.TimeoutException):
        return httpx.ReadTimeout(f"not a byte for {read_s or 0:g} s")
    return httpx.ReadError(str(error))
