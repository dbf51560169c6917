# The source of body.py, which `make generate` writes.
"""Read the body of a streamed response from its connection, past h11 where that is possible."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx

from .chunked_body import READ_BYTES, ChunkedBody, buffered_body, httpx_errors


async def body_chunks(response: httpx.Response, read_s: float | None) -> AsyncGenerator[bytes]:
    """Yield the body's bytes as they arrive.

    Raises:
        httpx.RequestError: the connection broke. After `read_s` seconds without a byte: `httpx.ReadTimeout`.
    """
    data = buffered_body(response)
    if data is None:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 # httpx has one type for sync and async
        async for chunk in response.stream:
            yield chunk
        return
    network, body = response.extensions["network_stream"], ChunkedBody()
    with httpx_errors(read_s):
        while not body.ended:
            data = data or await network.read(READ_BYTES, timeout=read_s)
            for chunk in body.feed(data):
                yield chunk
            data = b""
