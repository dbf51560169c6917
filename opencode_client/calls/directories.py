"""Directories in the form that servers expect.

Source: servers 1.1.31 and 1.18.33. They percent-decode the query's `directory` twice (1.1.31's `session.list` compares
the directory after the first time), `location[directory]` once, and a body's directory not at all. An empty directory
means the one that the server runs in.
"""

from __future__ import annotations

import os
import re
from typing import TypeAlias
from urllib.parse import quote

from ..errors import ArgumentError

StrPath: TypeAlias = str | os.PathLike[str]

_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:[/\\]")  # on any system: the server may run on another one


def absolute(directory: StrPath) -> str:
    """Return the directory as an absolute path. A path that is absolute on any system is not changed.

    Raises:
        ArgumentError: it is empty or not a path.
    """
    try:
        text = os.fspath(directory)
    except TypeError:
        text = None
    if not isinstance(text, str):
        raise ArgumentError(f"directory must be a str or a path, not {type(directory).__name__}")
    if text == "~" or text.startswith(("~/", "~\\")):
        raise ArgumentError(
            f"directory {text!r}: only a shell replaces ~; pass os.path.expanduser(...), or an absolute path"
        )
    if not text:
        raise ArgumentError("directory is empty; to use the server's own directory, leave it out")
    if _ABSOLUTE.match(text):
        return text
    try:
        return os.path.abspath(text)
    except OSError as error:
        raise ArgumentError(f"directory {text!r} is relative, and there is no working directory") from error


def encoded(place: str) -> str:
    """Return a directory or a workspace percent-encoded once. Bytes that are not UTF-8 are kept.

    Raises:
        ArgumentError: it is not a text, or cannot be encoded.
    """
    try:
        return quote(place.encode("utf-8", "surrogateescape"), safe="")
    except (AttributeError, UnicodeEncodeError):
        raise ArgumentError(f"directory and workspace take text in UTF-8, not {place!a}") from None
