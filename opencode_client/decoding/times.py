"""Convert between the server's times and Python's `datetime`.

Models do not convert times: they have the value that the server sent. v1 routes send epoch milliseconds. Server
1.18.33 sends ISO 8601 texts in `session.next.*` events on /event and /global/event.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from ..signatures import explain_call

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@explain_call
def to_datetime(time: float | str | datetime) -> datetime:
    """Return the time as a `datetime` with a time zone, which is UTC if `time` has none.

    Args:
        time: epoch milliseconds, an ISO 8601 text or a `datetime`.

    Raises:
        ValueError: the milliseconds do not fit into a `datetime`, or the text is not ISO 8601.
    """
    if isinstance(time, str):
        time = _parse(time)
    if isinstance(time, datetime):
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    try:
        return _EPOCH + timedelta(milliseconds=time)
    except (OverflowError, ValueError):
        raise ValueError(f"not a time in epoch milliseconds: {time!r}") from None


@explain_call
def to_epoch_ms(time: float | str | datetime) -> int:
    """Return the time as epoch milliseconds, rounded down, which is the form that the server uses.

    Args:
        time: epoch milliseconds, an ISO 8601 text or a `datetime`; in UTC if it has no time zone.

    Raises:
        ValueError: the number is not finite, or the text is not ISO 8601.
    """
    if isinstance(time, int | float):
        if not math.isfinite(time):
            raise ValueError(f"not a time in epoch milliseconds: {time!r}")
        return math.floor(time)
    return (to_datetime(time) - _EPOCH) // _MILLISECOND


def _parse(text: str) -> datetime:
    from dateutil.parser import isoparse  # its import takes half as long as httpx's

    try:
        return isoparse(text.strip())
    except (ValueError, OverflowError):
        raise ValueError(f"not an ISO 8601 time: {text!r}") from None
