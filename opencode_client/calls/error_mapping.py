"""Turn httpx responses and exceptions into results or our errors, and decide on a retry. Shared by sync and async."""

from __future__ import annotations

import logging
from time import perf_counter

import httpx

from ..errors import (
    ConnectError,
    ConnectionLostError,
    NotFoundError,
    OpencodeError,
    RequestError,
    RequestTimeoutError,
    ResponseDecodeError,
)
from ..logs import fields
from .options import ClientOptions
from .request_builder import Prepared
from .response import EventStreamFound, status_error

logger: logging.Logger = logging.getLogger(__package__)

_KINDS: tuple[tuple[tuple[type[httpx.RequestError], ...], type[RequestError], str], ...] = (
    ((httpx.ConnectTimeout, httpx.ConnectError, httpx.ProxyError), ConnectError, "no connection"),
    ((httpx.PoolTimeout,), ConnectError, "all connections are busy"),
    ((httpx.ReadTimeout, httpx.WriteTimeout), RequestTimeoutError, "no response in time"),
    ((httpx.LocalProtocolError, httpx.UnsupportedProtocol), RequestError, "HTTP does not allow this request"),
    ((httpx.RequestError,), ConnectionLostError, "the connection broke"),
)
"""Our error and its text for httpx's exceptions. The first match counts."""


def response_or_error(
    prepared: Prepared, response: httpx.Response, started: float
) -> httpx.Response | OpencodeError:
    """Return the response if its status is 2xx, else the error for its status."""
    status = response.status_code
    if logger.isEnabledFor(logging.DEBUG):
        from .error_text import status_text  # here, because most calls do not need it

        _log(prepared, f"{status_text(status)}, {len(response.content)} bytes", started)
    if 200 <= status < 300:
        return response
    return status_error(prepared, response)


def error_from_httpx(prepared: Prepared, cause: httpx.RequestError, started: float) -> OpencodeError:
    """Return the error for a request without a complete response."""
    operation = prepared.operation
    if logger.isEnabledFor(logging.DEBUG):
        _log(prepared, type(cause).__name__, started)
    text = str(cause) or type(cause).__name__
    error: OpencodeError
    if isinstance(cause, httpx.DecodingError | EventStreamFound):
        is_stream = isinstance(cause, EventStreamFound)
        expected = "JSON" if is_stream else "a body in the encoding that its headers name"
        error = ResponseDecodeError(operation.id, "$", expected, text)
        error.operation, error.method, error.url = operation.id, operation.method, prepared.url
    else:
        kind, what = next((kind, what) for types, kind, what in _KINDS if isinstance(cause, types))
        # without the query: directories are encoded twice there, and hard to read
        message = f"{operation.id}: {operation.method} {prepared.text.partition('?')[0]}: {what}: {text}"
        message += _advice(prepared, cause, text)
        error = kind(message, operation=operation.id, method=operation.method, url=prepared.url)
    error.__cause__ = cause
    return error


def _advice(prepared: Prepared, cause: httpx.RequestError, text: str) -> str:
    """Return advice that begins with a semicolon; "" if there is none."""
    if isinstance(cause, httpx.ReadTimeout) and prepared.operation.blocking:
        return "; the server goes on (session.abort stops a turn): pass a longer timeout or turn_timeout"
    if isinstance(cause, httpx.ReadTimeout):
        return "; if the server needs more time, pass a longer timeout"
    if not isinstance(cause, httpx.ConnectTimeout | httpx.ConnectError | httpx.ProxyError):
        return ""
    from .error_hints import connection_hint  # here, because only failed calls need it
    from .route import environment_proxy  # as above

    try:
        is_proxied = environment_proxy(prepared.text) is not None
    except OpencodeError:  # the proxy of the environment is wrong; a given httpx client does not use it
        is_proxied = False
    return f"; {connection_hint(prepared.text, text, is_proxied=is_proxied)}"


def delay_before_next(
    options: ClientOptions, prepared: Prepared, error: OpencodeError, attempt: int
) -> float | None:
    """Return the delay before the next try, or None; logs, and calls `on_retry`."""
    from .retry_policy import RetryEvent, retry_delay  # here, because calls that succeed do not need it

    delay_s = retry_delay(prepared.operation, error, attempt, options.max_retries)
    if delay_s is not None:
        logger.info("%s; sent again in %.2f s", error, delay_s, extra=_fields(prepared))
        event = RetryEvent(prepared.operation.id, attempt, delay_s, error)
        if options.on_retry is not None:
            options.on_retry(event)
        if options.observer is not None:
            options.observer.retry(event)
    return delay_s


def response_if_done(
    prepared: Prepared, error: OpencodeError, before: OpencodeError
) -> httpx.Response | None:
    """Return the response to a DELETE if an earlier try has done it, else None.

    The earlier try may have reached the server, but its response was lost; then the server has nothing to delete.
    """
    from .retry_policy import may_have_been_done  # here, because calls that succeed do not need it

    operation = prepared.operation
    if operation.method != "DELETE" or not isinstance(error, NotFoundError) or not may_have_been_done(before):
        return None
    if operation.returns not in ("bool", "None") or operation.others:
        error.add_note("An earlier try, whose response was lost, may have done it.")
        return None
    return httpx.Response(200, headers={"content-type": "application/json"}, content=b"true")


def _log(prepared: Prepared, outcome: str, started: float) -> None:
    # neither the query, which may hold a ticket, nor the body, which may hold a prompt
    path, operation = prepared.text.partition("?")[0], prepared.operation
    took_ms = 1e3 * (perf_counter() - started)
    text = "%s: %s %s: %s in %.1f ms"
    logger.debug(text, operation.id, operation.method, path, outcome, took_ms, extra=_fields(prepared))


def _fields(prepared: Prepared) -> dict[str, object]:
    return fields(prepared.operation.id, prepared.text, prepared.attempt)
