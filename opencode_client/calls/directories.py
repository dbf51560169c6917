"""Directories as servers take them.

Source: servers 1.1.31 and 1.18.33. The query's `directory` is percent-decoded twice (1.1.31's `session.list` compares
what it is after the first time), `location[directory]` once, a body's not at all; an empty one means the directory
that the server runs in.
"""

from __future__ import annotations

import os
import re
from typing import TypeAlias
from urllib.parse import quote

from ..errors import ArgumentError

StrPath: TypeAlias = str | os.PathLike[str]

_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:[/\\]")  # on any system: the server's need not be ours


def absolute(directory: StrPath) -> str:
    """The directory as an absolute path; what is absolute on any system stays as it is.

    Raises:
        ArgumentError: it is empty or no path.
    """
    try:
        text = os.fspath(directory)
    except TypeError:
        raise ArgumentError(f"directory takes a text or a path, not {type(directory).__name__}") from None
    if not text:
        raise ArgumentError("directory is empty, which servers take for their own; leave it out to mean that")
    return text if _ABSOLUTE.match(text) else os.path.abspath(text)


def encoded(directory: str) -> str:
    """The path percent-encoded once; names that are no UTF-8 keep their bytes."""
    return quote(directory.encode("utf-8", "surrogateescape"), safe="")
