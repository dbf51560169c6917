# The source of body.py, which `make generate` writes.
"""Read the body of a streamed response, if possible directly from its connection, without h11."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from time import monotonic

import httpx

from .async_background import reader
from .chunked_body import READ_BYTES, ChunkedBody, buffered_body, connection_errors, httpx_error

_SHORTEST_S = 0.001
"""The shortest timeout: for sockets, 0 seconds would mean "do not wait at all"."""


class AsyncBody:
    """The body of one response. Read by one task at a time."""

    def __init__(self, response: httpx.Response, silence_s: float | None) -> None:
        """Create a body. After `silence_s` seconds without a byte, its connection counts as lost."""
        self.ended: bool = False
        self._response = response
        self._silence_s = silence_s
        self._silent_s = 0.0
        """The seconds of waiting since the last byte. Time in which nobody reads does not count."""
        self._received = buffered_body(response)
        self._chunked = ChunkedBody()
        self._pieces: AsyncIterator[bytes] | None = None
        self._read: Callable[[int, float | None], Awaitable[bytes]] | None = None

    @property
    def is_direct(self) -> bool:
        """True if the body is read without h11. Then `read` can stop waiting, and no bytes are lost."""
        return self._received is not None

    async def read(self, most_s: float | None) -> bytes:
        """Return the next bytes; b"" after `most_s` seconds, or at the end. `most_s` has an effect only if `is_direct`.

        Raises:
            httpx.RequestError: the connection broke. After a long silence: `httpx.ReadTimeout`.
        """
        if self._received is None:
            if self._pieces is None:
                self._pieces = self._response.aiter_bytes()
            piece = await anext(self._pieces, None)
            self.ended = piece is None
            return piece or b""
        data, self._received = self._received, b""
        if not data:
            received = await self._receive(most_s)
            if received is None:
                return b""
            data = received
        content = self._chunked.feed(data)
        self.ended = self._chunked.ended
        return content

    async def close(self) -> None:
        """Stop reading. The connection stays open."""
        pieces: object = self._pieces
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()

    async def _receive(self, most_s: float | None) -> bytes | None:
        """Return bytes from the connection; None after `most_s` seconds."""
        left_s = None if self._silence_s is None else self._silence_s - self._silent_s
        is_brief = most_s is not None and (left_s is None or most_s < left_s)
        wait_s = most_s if is_brief else left_s
        self._read = self._read or reader(self._response.extensions["network_stream"])
        began_s = monotonic()
        data: bytes | None = None
        try:
            data = await self._read(READ_BYTES, None if wait_s is None else max(wait_s, _SHORTEST_S))
        except connection_errors() as cause:  # called only after an error
            error = httpx_error(cause, self._silence_s)
            if not is_brief or not isinstance(error, httpx.ReadTimeout):
                raise error from cause
        finally:  # also if the task is cancelled
            self._silent_s = 0.0 if data else self._silent_s + monotonic() - began_s
        return data
