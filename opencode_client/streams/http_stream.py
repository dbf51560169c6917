"""Adapt httpx's requests and responses to streams: the trace, the read timeout, the end over HTTP/2."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx

from ..calls.request_builder import Prepared

_CANCEL = 8  # of HTTP/2's error codes (RFC 9113, 7)


def with_connection_trace(
    prepared: Prepared, trace: Callable[..., object], read_s: float | None
) -> httpx.Request:
    """Return the request, with `trace` called by httpcore at each step, and `read_s` as its read timeout."""
    timeouts = {**prepared.http.extensions["timeout"], "read": read_s}
    prepared.http.extensions = {"timeout": timeouts, "trace": trace}
    return prepared.http


def reset_http2_stream(response: httpx.Response) -> None:
    """Make an HTTP/2 server stop sending this response. Does nothing for HTTP/1.

    httpcore 1.0 does not do this. So unread events would fill the flow-control window that all requests of the
    connection share. The connection's state has only private names; if one of them is missing, this does nothing.
    """
    if "stream_id" not in response.extensions:
        return
    from h2.exceptions import H2Error  # only clients that speak HTTP/2 have it

    stream: Any = response.stream  # Any: private attributes, see above
    with suppress(AttributeError, H2Error):
        state = stream._stream._httpcore_stream._stream._connection._h2_state
        # sent with the next bytes of any request
        state.reset_stream(response.extensions["stream_id"], _CANCEL)
