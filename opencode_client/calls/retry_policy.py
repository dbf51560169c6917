"""When a request is sent again, and after how long: pure.

A request is sent again only if it cannot have run (no connection), or may run twice (GET, PUT and DELETE but those
that consume). A prompt is never sent twice.
"""

from __future__ import annotations

import math
import random
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time

from ..errors import ConnectError, ConnectionLostError, OpencodeError, StatusError
from .operation import Operation

RETRIED_STATUSES = frozenset({408, 429, 502, 503, 504})
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 8.0
LONGEST_RETRY_AFTER_S = 60.0
"""A server that asks for more patience than this gets none: the error is raised, with its headers."""


def retry_delay(
    operation: Operation[object], error: OpencodeError, attempt: int, max_retries: int
) -> float | None:
    """Seconds to wait before the request is sent again; None if it is not. `attempt` counts from 1."""
    if attempt > max_retries:
        return None
    if isinstance(error, ConnectError):
        return _backoff(attempt)
    if not operation.repeatable:
        return None
    if isinstance(error, ConnectionLostError):
        return _backoff(attempt)
    if isinstance(error, StatusError) and error.status in RETRIED_STATUSES:
        asked = retry_after_s(error.headers.get("retry-after", ""))
        if asked is None:
            return _backoff(attempt)
        return asked if asked <= LONGEST_RETRY_AFTER_S else None
    return None


def retry_after_s(value: str) -> float | None:
    """What a `Retry-After` header asks for, in seconds from now: a number or an HTTP date; None for anything else."""
    try:
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(value)
        # HTTP's dates are GMT, also in the form that does not say so
        return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - time())
    except (ValueError, OverflowError, TypeError):
        return None


def _backoff(attempt: int) -> float:
    """Doubling, at most `LONGEST_DELAY_S`; half of it by chance, so that clients that failed together part."""
    longest = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (attempt - 1))
    return longest * (0.5 + random.random() / 2)  # noqa: S311 # no secret
