"""The log of a server process: its output without colour codes and secrets."""

from __future__ import annotations

import base64
import codecs
import contextlib
import json
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ..logs import fields
from ..model import is_array, is_object

logger: logging.Logger = logging.getLogger(__name__)

_KEPT = 65_536
_LONGEST_LINE = 65_536
_LONGEST_SECRET = 4_096
_HIDDEN = "***"
_COLOURS = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]"
)
_USERINFO = r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTHORIZATION", re.IGNORECASE)
_SHORTEST = 8
"""Shorter values of variables and settings are not hidden: that would hide parts of words. The password always is."""


def secrets_of(env: Mapping[str, str], config: object, auth: tuple[str, str] | None) -> set[str]:
    """Return the texts that a log must not show: passwords, keys and tokens of the environment and configuration."""
    found = {value for name, value in env.items() if _SECRET_NAME.search(name)}
    found |= set(_settings(config, is_secret=False))
    long = {part for value in found for part in value.splitlines() if len(part) >= _SHORTEST}
    if auth is not None:
        long |= {auth[1], base64.b64encode(":".join(auth).encode()).decode()}
    return long


def _settings(config: object, *, is_secret: bool) -> Iterator[str]:
    """Yield the values of a configuration whose key has the name of a secret, and all headers."""
    if is_object(config):
        for name, value in config.items():
            secret = is_secret or name == "headers" or bool(_SECRET_NAME.search(str(name)))
            yield from _settings(value, is_secret=secret)
    elif is_array(config):
        for value in config:
            yield from _settings(value, is_secret=is_secret)
    elif is_secret and isinstance(config, str):
        yield config


def cleaner(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that removes colour codes and secrets. An object would have the secrets in its attributes."""
    forms = {form for secret in secrets for form in (secret, json.dumps(secret)[1:-1])}
    words = sorted(map(re.escape, forms), key=len, reverse=True)
    hidden = re.compile("|".join([*words, _USERINFO]))
    return lambda text: hidden.sub(_HIDDEN, _COLOURS.sub("", text))


class ServerLog:
    """The last 65,536 characters of a server's output, and a file with all of it. Thread-safe.

    `clean` is applied to each line before it is kept. A line is split after 65,536 characters.
    """

    def __init__(self, clean: Callable[[str], str], path: Path | None) -> None:
        self._clean = clean
        self._text = ""
        self._line = ""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8", buffering=1) if path else None

    @property
    def text(self) -> str:
        """The last 65,536 characters."""
        with self._lock:
            return (self._text + self._clean(self._line))[-_KEPT:]

    def feed(self, data: bytes, *, is_last: bool = False) -> str:
        """Add output. Return the lines that are now complete."""
        with self._lock:
            self._line += self._decode(data, is_last)
            end = len(self._line) if is_last else self._line.rfind("\n") + 1
            if not end and len(self._line) > _LONGEST_LINE:
                self._line = self._clean(self._line)  # before the cut, which may be inside a secret
                end = len(self._line) - _LONGEST_SECRET
            lines, self._line = self._clean(self._line[:end]), self._line[end:]
            self._text = (self._text + lines)[-_KEPT:]
            self._write(lines)
            return lines

    def close(self) -> None:
        """Add the last line and close the file."""
        self.feed(b"", is_last=True)
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, lines: str) -> None:
        if self._file is not None and lines:
            try:
                self._file.write(lines)
            except OSError as error:  # such as a full disk: read on, else the server would block
                text = "%s: the log of the server is not written any more: %s"
                logger.warning(text, self._file.name, error, extra=fields(None))
                with contextlib.suppress(OSError):
                    self._file.close()
                self._file = None
