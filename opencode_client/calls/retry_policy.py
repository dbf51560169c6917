"""Decide if a request is sent again, and after which delay. No I/O.

A request is sent again only if the server cannot have run it (no connection), or if running it twice is safe: GET, PUT
and DELETE, except operations that consume what they return. A prompt is never sent twice.
"""

from __future__ import annotations

import math
import random
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time

from attrs import frozen

from ..errors import ConnectError, ConnectionLostError, OpencodeError, StatusError
from .operation import Operation

RETRIED_STATUSES = frozenset({408, 429, 502, 503, 504})
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 8.0
LONGEST_RETRY_AFTER_S = 60.0
"""If the server asks for a longer delay, there is no retry: the error is raised, with its headers."""


@frozen
class RetryEvent:
    """Argument of `on_retry`, which is called before the delay. `attempt` counts the failed requests, from 1."""

    operation: str
    attempt: int
    delay_s: float
    error: OpencodeError


def retry_delay(
    operation: Operation[object], error: OpencodeError, attempt: int, max_retries: int
) -> float | None:
    """Return the seconds before the next try, or None for no retry. `attempt` counts from 1."""
    if attempt > max_retries or not _can_retry(operation, error):
        return None
    asked_s = retry_after_s(error.headers.get("retry-after", "")) if isinstance(error, StatusError) else None
    if asked_s is None:
        # doubles with each attempt; half of it is random, so that clients that failed together retry at different times
        longest_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (attempt - 1))
        return longest_s * (0.5 + random.random() / 2)  # noqa: S311 # no secret
    return asked_s if asked_s <= LONGEST_RETRY_AFTER_S else None


def _can_retry(operation: Operation[object], error: OpencodeError) -> bool:
    if isinstance(error, ConnectError):
        return True
    status = error.status if isinstance(error, StatusError) else None
    return operation.repeatable and (isinstance(error, ConnectionLostError) or status in RETRIED_STATUSES)


def may_have_been_done(error: OpencodeError) -> bool:
    """Return True if the server may have done the work of a request that failed with this error."""
    return isinstance(error, ConnectionLostError) or (
        isinstance(error, StatusError) and error.status in (502, 504)
    )


def retry_after_s(value: str) -> float | None:
    """Return the seconds from now in a `Retry-After` header, a number or an HTTP date; None for other text."""
    try:
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
        # HTTP dates are in GMT, even without "GMT" at the end
        return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - time())
    except (ValueError, OverflowError, TypeError):
        return None
