"""Receive the events of a stream in threads: connect, read, and connect again when the connection is lost.

`async_receiver.py` does the same in tasks. Both are written by hand: one thread may close a stream at any step of
another, a task only where that other task waits.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from threading import Event
from typing import Generic, TypeVar

import httpx

from ..errors import OpencodeError
from .connection import StreamConnection
from .event_decoder import StreamItem
from .reconnect import StreamState

E = TypeVar("E")


class EventReceiver(Generic[E]):
    """Receives the items of one event stream. Closed by `close`, which any thread may call; not reusable.

    `items` is iterated by one thread at a time.
    """

    def __init__(self, connection: StreamConnection, state: StreamState[E]) -> None:
        self._connection = connection
        self._state = state
        self._closed = Event()
        self.items: Generator[StreamItem[E]] = self._receive()

    def close(self) -> None:
        """Close the connection. An iteration that waits for an item ends."""
        self._closed.set()
        self._connection.aborter.abort()
        with suppress(
            ValueError
        ):  # another thread iterates: it is awake now, and closes the connection itself
            self.items.close()
            self._connection.close()

    def _receive(self) -> Generator[StreamItem[E]]:
        connection, state = self._connection, self._state
        while not self._closed.is_set():
            error: OpencodeError | None = None
            try:
                body = connection.body or connection.open()
                yield from state.connected()
                yield from state.feed(connection.first)
                try:
                    for chunk in body:
                        yield from state.feed(chunk)
                except httpx.RequestError as cause:
                    error = connection.error(cause)
            except OpencodeError as cause:
                error = cause
            finally:
                connection.close()
            if self._closed.is_set():
                return
            delay_s = state.delay_before_next(error)
            if delay_s is None or self._closed.wait(delay_s):
                return
