"""What became of a request: an answer, or the error for it, and whether it is sent again; the same for both worlds."""

from __future__ import annotations

import logging
from time import perf_counter

import httpx

from ..errors import (
    ConnectError,
    ConnectionLostError,
    OpencodeError,
    RequestError,
    RequestTimeoutError,
    ResponseDecodeError,
)
from .options import ClientOptions, RetryEvent
from .request_builder import Prepared
from .response import status_error

logger: logging.Logger = logging.getLogger(__package__)


def response_or_error(
    prepared: Prepared, answer: httpx.Response, started: float
) -> httpx.Response | OpencodeError:
    """The answer, if it is a success."""
    status = answer.status_code
    if logger.isEnabledFor(logging.DEBUG):
        from .error_text import status_text  # which most calls have no use for

        _log(prepared, f"{status_text(status)}, {len(answer.content)} bytes", started)
    if 200 <= status < 300:
        return answer
    return status_error(prepared, status, dict(answer.headers), answer.content)


def error_from_httpx(prepared: Prepared, cause: httpx.RequestError, started: float) -> OpencodeError:
    """The error for a request that got no whole answer."""
    operation = prepared.operation
    if logger.isEnabledFor(logging.DEBUG):
        _log(prepared, type(cause).__name__, started)
    text = str(cause) or type(cause).__name__
    error: OpencodeError
    if isinstance(cause, httpx.DecodingError):
        error = ResponseDecodeError(operation.id, "$", "a body in the encoding that its headers name", text)
    else:
        kind, what = _kind(cause)
        place = prepared.text.partition("?")[
            0
        ]  # directories in queries are encoded twice: no help to anybody
        message = f"{operation.id}: {operation.method} {place}: {what}: {text}"
        error = kind(message, operation=operation.id, method=operation.method, url=prepared.url)
    error.__cause__ = cause
    return error


def _kind(cause: httpx.RequestError) -> tuple[type[RequestError], str]:
    match cause:
        case httpx.ConnectTimeout() | httpx.ConnectError() | httpx.ProxyError():
            return ConnectError, "no connection"
        case httpx.PoolTimeout():
            return ConnectError, "all connections are busy"
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return RequestTimeoutError, "no answer in time"
        case httpx.LocalProtocolError() | httpx.UnsupportedProtocol():
            return RequestError, "HTTP has no form for it"
        case _:
            return ConnectionLostError, "the connection broke"


def delay_before_next(
    options: ClientOptions, prepared: Prepared, error: OpencodeError, attempt: int
) -> float | None:
    """Seconds until the request is sent again, said to whom it concerns; None: it is not sent again."""
    from .retry_policy import retry_delay  # which calls that succeed have no use for

    delay_s = retry_delay(prepared.operation, error, attempt, options.max_retries)
    if delay_s is not None:
        logger.info("%s; sent again in %.2f s", error, delay_s)
        if options.on_retry is not None:
            options.on_retry(RetryEvent(prepared.operation.id, attempt, delay_s, error))
    return delay_s


def _log(prepared: Prepared, outcome: str, started: float) -> None:
    # the query may hold a ticket, the body a prompt: neither is logged
    path = prepared.text.partition("?")[0]
    took_ms = 1e3 * (perf_counter() - started)
    logger.debug(
        "%s: %s %s: %s in %.1f ms", prepared.operation.id, prepared.operation.method, path, outcome, took_ms
    )
