"""Pooled connections for the calls of an `OpencodeClient`. Written by hand beside `async_pool.py`.

Ctrl-C raises KeyboardInterrupt between any two steps of Python code. A lock of Python code (`threading.Condition`,
`Semaphore`, httpcore's pool) may then stay locked for ever. So threads share no locks here, only objects whose methods
an interrupt cannot split (`deque`, `set`, `SimpleQueue`). A connection belongs to one call; if the call is
interrupted, the connection is closed with it.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING
from weakref import ref

import httpx

from .closing import Closing
from .route import IDLE_CONNECTIONS, ORDINARY_CONNECTIONS, Route

if TYPE_CHECKING:
    from queue import SimpleQueue

    from .http_connection import HttpConnection

_LOOK_S = 0.5
"""A call that waits for a connection checks again after this time, because an interrupted call does not wake it."""


class Pool(Closing):
    """Sends the requests of calls. Opened by the first request, closed by `close`, not reusable.

    Thread-safe. A forked child makes its own connections.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.route: Route = Route(base_url)
        self._by_process: dict[int, tuple[_Connections, _Connections]] = {}

    def exchange(self, request: httpx.Request, *, blocking: bool) -> httpx.Response:
        """Return the response with its body.

        Raises:
            httpx.RequestError: there is no response.
            ClientClosedError: `close` was called, before or meanwhile.
        """
        connections = self._here()[blocking]
        return self.run(partial(connections.exchange, request))

    def close(self) -> None:
        """Close the streams and terminals, end the calls that run, and close the connections."""
        super().close()
        for connections in self._here():
            connections.close()

    def _here(self) -> tuple[_Connections, _Connections]:
        """Return the connections of this process: the ordinary ones, and those for operations that block."""
        process = os.getpid()
        return self._by_process.get(process) or self._begin(process)

    def _begin(self, process: int) -> tuple[_Connections, _Connections]:
        for parent in self._by_process.keys() - {process}:
            for connections in self._by_process.pop(parent, ()):
                connections.forget()
        pair = _Connections(self.route, ORDINARY_CONNECTIONS), _Connections(self.route, None)
        return self._by_process.setdefault(process, pair)


class _Connections:
    """The connections for one kind of calls in one process. `limit` is about their largest number; None: no limit."""

    def __init__(self, route: Route, limit: int | None) -> None:
        self._route = route
        self._limit = limit
        self._closed = False
        self._idle: deque[HttpConnection] = deque()
        # weak, so that the connection of an interrupted call is freed
        self._open: set[ref[HttpConnection]] = set()
        self._waiting: set[object] = set()

    @property
    def _wakes(self) -> SimpleQueue[None]:
        """The queue that wakes the calls that wait for a connection. Few programs need it."""
        from queue import SimpleQueue

        wakes: SimpleQueue[None] = vars(self).setdefault("_queue", SimpleQueue())
        return wakes

    def exchange(self, request: httpx.Request) -> httpx.Response:
        """Return the response with its body. Raises httpx.RequestError, also if `close` is called."""
        connection = self._idle_or_new() or self._wait(request.extensions["timeout"]["pool"])
        try:
            if self._closed:  # `close` may not have seen a new connection
                raise httpx.ReadError("the client was closed")
            response = connection.exchange(request)
        except BaseException:
            self._drop(connection)
            raise
        if connection.is_idle and len(self._idle) < IDLE_CONNECTIONS and not self._closed:
            self._idle.append(connection)
            self._wake()
        else:
            self._drop(connection)
        return response

    def close(self) -> None:
        """End all connections, and all calls that use one or wait for one."""
        self._closed = True
        for noted in self._open.copy():
            if connection := noted():
                connection.tcp.end()
        with suppress(IndexError):  # none is left
            while True:
                self._idle.pop().close()
        for _ in self._waiting.copy():
            self._wakes.put(None)

    def forget(self) -> None:
        """Close the copies of the parent process's sockets. This sends nothing, so the parent can go on."""
        for noted in self._open.copy():
            if connection := noted():
                connection.close()

    def _idle_or_new(self) -> HttpConnection | None:
        try:
            while (connection := self._idle.pop()).has_expired:
                self._drop(connection)
            return connection
        except IndexError:  # none is idle
            pass
        if self._limit is not None and len(self._open) >= self._limit:
            return None
        from .http_connection import HttpConnection

        connection = HttpConnection(self._route)
        connection.noted = ref(connection, self._open.discard)
        self._open.add(connection.noted)
        return connection

    def _wait(self, wait_s: float | None) -> HttpConnection:
        end = None if wait_s is None else monotonic() + wait_s
        from queue import Empty

        me = object()
        self._waiting.add(me)
        try:
            while True:
                if self._closed:
                    raise httpx.PoolTimeout("the client was closed")
                if connection := self._idle_or_new():
                    return connection
                left_s = _LOOK_S if end is None else min(_LOOK_S, end - monotonic())
                if left_s <= 0:
                    raise httpx.PoolTimeout("no connection became free")
                with suppress(Empty):
                    self._wakes.get(timeout=left_s)
        finally:
            self._waiting.discard(me)

    def _drop(self, connection: HttpConnection) -> None:
        connection.close()
        self._open.discard(connection.noted)
        self._wake()

    def _wake(self) -> None:
        if self._waiting and len(self._waiting) > self._wakes.qsize():
            self._wakes.put(None)
