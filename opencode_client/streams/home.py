"""The process and the event loop that opened a stream: no other can read it."""

from __future__ import annotations

import os

from ..errors import StreamClosedError


class Home:
    """Remembers the process, and the event loop if there is one, that first called `enter`.

    After `fork`, the child has the parent's sockets: if both read them, each gets a part of the bytes.
    """

    def __init__(self) -> None:
        self._process: int | None = None
        self._loop: object = None

    def is_here(self, loop: object = None) -> bool:
        """Return True if the stream was opened here, or nowhere. No other place must touch its connection."""
        return self._process is None or (self._process == os.getpid() and self._loop is loop)

    def enter(self, loop: object = None) -> None:
        """Check that the stream was opened here, or remember this place.

        Raises:
            StreamClosedError: another process or another event loop opened the stream.
        """
        if self._process is None:
            self._process, self._loop = os.getpid(), loop
        elif self._process != os.getpid():
            raise StreamClosedError(
                "this stream was opened in the parent process; subscribe again in this one"
            )
        elif self._loop is not loop:
            raise StreamClosedError(
                "this stream was opened in another event loop; subscribe again in this one"
            )
