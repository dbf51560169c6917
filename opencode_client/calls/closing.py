"""Close an `OpencodeClient`. Written by hand beside `async_closing.py`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakSet

import httpx

from ..errors import ClientClosedError

if TYPE_CHECKING:
    from queue import SimpleQueue
    from typing import Protocol

    class Closable(Protocol):
        """A stream or terminal that is closed with its client."""

        def close(self) -> object: ...


_Member = TypeVar("_Member")

_CLOSED = "the client was closed"


def taken(members: WeakSet[_Member]) -> Iterator[_Member]:
    """Remove and yield all members, also those that other threads add meanwhile: then plain iteration would fail."""
    with suppress(KeyError):  # it is empty
        while True:
            yield members.pop()


class Closing:
    """The streams, terminals and retry pauses that `close` ends. `Pool` also ends calls. Thread-safe."""

    def __init__(self) -> None:
        self.closed: bool = False
        self._pauses: set[SimpleQueue[None]] = set()
        self._to_close: dict[int, WeakSet[Closable]] = {}

    @property
    def to_close(self) -> WeakSet[Closable]:
        """The streams and terminals of this process. A forked child does not close those of its parent."""
        return self._to_close.setdefault(os.getpid(), WeakSet())

    def enter(self) -> None:
        """Check that the client is open. Raises ClientClosedError."""
        if self.closed:
            raise ClientClosedError(_CLOSED)

    def run(self, work: Callable[[], httpx.Response]) -> httpx.Response:
        """Return the response that `work` returns.

        Raises:
            ClientClosedError: `close` was called, before or meanwhile.
        """
        self.enter()
        try:
            return work()
        except httpx.RequestError as error:
            if self.closed:
                raise ClientClosedError(f"{_CLOSED} during this call") from error
            raise

    def pause(self, delay_s: float) -> None:
        """Wait before a retry. Raises ClientClosedError if `close` is called, before or meanwhile."""
        from queue import Empty, SimpleQueue

        wake: SimpleQueue[None] = SimpleQueue()
        self._pauses.add(wake)
        try:
            with suppress(Empty):
                wake.get(timeout=0 if self.closed else delay_s)
        finally:
            self._pauses.discard(wake)
        self.enter()

    def close(self) -> None:
        """Close the streams and terminals, and end the pauses."""
        self.closed = True
        for user in taken(self.to_close):
            user.close()
        for wake in self._pauses.copy():
            wake.put(None)
