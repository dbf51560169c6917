"""Times as the server means them, and as Python does: epoch milliseconds, `datetime`, ISO 8601 texts.

Models keep what the wire says; these convert on request. v1 routes give milliseconds, `session.next.*` events on
/event and /global/event give ISO texts (1.18.33).
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_datetime(time: float | str | datetime) -> datetime:
    """The moment, with a time zone: UTC for milliseconds and for what names no zone.

    `time` is epoch milliseconds, an ISO 8601 text or a `datetime`.

    Raises:
        ValueError: no number of milliseconds that a datetime can hold, or no ISO 8601 text; says which.
    """
    if isinstance(time, str):
        time = _parsed(time)
    if isinstance(time, datetime):
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    try:
        return _EPOCH + timedelta(milliseconds=time)
    except (OverflowError, ValueError):
        raise ValueError(f"no time in epoch milliseconds: {time!r}") from None


def to_epoch_ms(time: float | str | datetime) -> int:
    """Milliseconds since 1970 in UTC, rounded down, as the server counts them.

    `time` is epoch milliseconds, an ISO 8601 text or a `datetime`; UTC where it names no zone.

    Raises:
        ValueError: not finite, or no ISO 8601 text; says which.
    """
    if isinstance(time, int | float):
        if not math.isfinite(time):
            raise ValueError(f"no time in epoch milliseconds: {time!r}")
        return math.floor(time)
    return (to_datetime(time) - _EPOCH) // _MILLISECOND


def _parsed(text: str) -> datetime:
    from dateutil.parser import isoparse  # half as dear to import as httpx: only where a text is met

    try:
        return isoparse(text.strip())
    except (ValueError, OverflowError):
        raise ValueError(f"no ISO 8601 time: {text!r}") from None
