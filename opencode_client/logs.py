"""The fields of this package's log records, and `OPENCODE_LOG`."""

from __future__ import annotations

import logging
import os
import re

from .errors import ArgumentError

_LEVELS = {"info": logging.INFO, "debug": logging.DEBUG}
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_SESSION = re.compile(r"/session/(ses[^/?]*)")


class _Handler(logging.StreamHandler):  # type: ignore[type-arg] # only since Python 3.14 without an argument
    """Writes records to stderr, because of OPENCODE_LOG."""


def fields(operation: str | None, path: str = "", attempt: int | None = None) -> dict[str, object]:
    """Return the `extra` of a record: `operation`, `session`, `attempt`. All are None where they are not known.

    Args:
        path: The path of the request, which may name the session.
    """
    session = _SESSION.search(path)
    return {"operation": operation, "session": session and session[1], "attempt": attempt}


def start_logging() -> None:
    """Write the records of this package to stderr if OPENCODE_LOG is `info` or `debug`. Does so once.

    Raises:
        ArgumentError: OPENCODE_LOG has another value.
    """
    value = os.environ.get("OPENCODE_LOG", "")
    logger = logging.getLogger(__package__)
    if not value or any(isinstance(one, _Handler) for one in logger.handlers):
        return
    level = _LEVELS.get(value.lower())
    if level is None:
        raise ArgumentError(f"OPENCODE_LOG takes info or debug, not {value!r}")
    handler = _Handler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger.addHandler(handler)
    logger.setLevel(level)
