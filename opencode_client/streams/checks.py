"""Check the arguments of streams, filters and subscriptions when they are given, not when the first event arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from ..calls.options import LONGEST_S
from ..errors import ArgumentError
from ..model import OpencodeModel
from ..signatures import wrong_name

Checks: TypeAlias = Mapping[str, tuple[Callable[[Any], bool], str]]  # Any: whatever callers pass
"""For each option: a function that checks its value, and a description of the valid values."""


def is_flag(value: object) -> bool:
    """Return True for True and False."""
    return isinstance(value, bool)


def is_whole(value: object, least: int) -> bool:
    """Return True for a whole number, at least `least`."""
    return type(value) is int and value >= least


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST_S


STREAM_OPTIONS: Checks = {
    "reconnect": (is_flag, "True or False"),
    "max_attempts": (lambda it: it is None or is_whole(it, 0), "a whole number, or None for no limit"),
    "on_gap": (lambda it: it is None or callable(it), "a function that is called with each StreamGap"),
    "heartbeats": (is_flag, "True or False"),
    "watchdog_s": (lambda it: it is None or (it and _is_seconds(it)), "seconds above 0, or None for never"),
    "max_event_bytes": (lambda it: is_whole(it, 1), "a number of bytes, at least 1"),
}


def check_options(
    label: str, options: Mapping[str, Any], checks: Checks, others: Iterable[str]
) -> None:  # Any: as above
    """Check the options of the stream or terminal that `label` opens. `others` are the names of its other arguments.

    Raises:
        ArgumentError: an option does not exist, or its value is wrong.
    """
    for name, value in options.items():
        if name not in checks:
            raise wrong_name(label, name, [*others, *checks])
        is_right, wanted = checks[name]
        if not is_right(value):
            raise ArgumentError(f"{label}: {name} takes {wanted}, not {value!r}")


def checked_timeout(timeout: float | None) -> float | None:
    """Return the seconds to wait for an item.

    Raises:
        ArgumentError: it is not a number, at least 0.
    """
    if timeout is not None and not _is_seconds(timeout):
        raise ArgumentError(f"get: timeout takes seconds, or None to wait without limit, not {timeout!r}")
    return timeout


def check_filter(
    operation_id: str,
    event: type[Any] | None,
    types: tuple[object, ...],
    session_id: object,
    children: object,
) -> None:
    """Check the arguments of `filter`. `event` is the class of all events of the stream; None if there are several.

    Raises:
        ArgumentError: an argument is wrong, or can match no item.
    """
    for one in types:
        if not isinstance(one, type):
            raise ArgumentError(
                f"{operation_id}: filter takes classes of events, such as EventSessionIdle of "
                f"opencode_client.models, not {one!r}"
            )
        if event and issubclass(one, OpencodeModel) and not issubclass(event, one):
            raise ArgumentError(
                f"{operation_id}: filter({one.__name__}) matches nothing, because each item is a "
                f"{event.__name__}; match its members in your loop"
            )
    if session_id is not None and not isinstance(session_id, str):
        kind = type(session_id).__name__
        raise ArgumentError(f"{operation_id}: session_id takes an id, such as session.id, not {kind}")
    if session_id is not None and not session_id.startswith("ses"):
        raise ArgumentError(
            f"{operation_id}: session_id takes the id of a session, such as session.id, not {session_id!r:.60}"
        )
    if not isinstance(children, bool):
        raise ArgumentError(f"{operation_id}: children takes True or False, not {children!r:.60}")
    if children and session_id is None:
        raise ArgumentError(f"{operation_id}: children=True needs session_id, the session that starts them")


def check_queue(max_queue: object) -> None:
    """Check the size of a subscriber's queue.

    Raises:
        ArgumentError: it is not a whole number, at least 1.
    """
    if not is_whole(max_queue, 1):
        raise ArgumentError(f"share: max_queue takes a number of items, at least 1, not {max_queue!r}")
