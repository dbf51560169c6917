"""Close an `AsyncOpencodeClient`, and check which event loop uses it. Written by hand beside `closing.py`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

import httpx

from ..errors import ClientClosedError, EventLoopError
from .closing import taken

if TYPE_CHECKING:
    from typing import Protocol

    from anyio import CancelScope

    class AsyncClosable(Protocol):
        """A stream or terminal that is closed with its client."""

        def close(self) -> Awaitable[None]: ...


T = TypeVar("T")

_CLOSED = "the client was closed"


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Raises:
        EventLoopError: no event loop of asyncio is running.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError as error:
        hint = "AsyncOpencodeClient needs asyncio; elsewhere use OpencodeClient, in threads"
        raise EventLoopError(f"no event loop of asyncio is running: {hint}") from error


class AsyncClosing:
    """The streams, terminals, calls and pauses that `close` ends. For one event loop at a time."""

    def __init__(self) -> None:
        self.closed: bool = False
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: set[asyncio.Timeout] = set()
        self._to_close: WeakSet[AsyncClosable] = WeakSet()

    @property
    def to_close(self) -> WeakSet[AsyncClosable]:
        """The streams and terminals of this process. A forked child does not close those of its parent."""
        if self._process != os.getpid():
            self.leave()
        return self._to_close

    def enter(self) -> None:
        """Use the running event loop from now on.

        Raises:
            ClientClosedError: the client is closed.
            EventLoopError: no event loop of asyncio is running, or another one uses this client.
        """
        if self.closed:
            raise ClientClosedError(_CLOSED)
        loop = running_loop()
        if loop is self._loop and self._process == os.getpid():
            return
        if self._loop is not None:
            if self._loop.is_running() and self._process == os.getpid():
                raise EventLoopError("another event loop uses this client; make a client for each event loop")
            self.leave()
        self._loop = loop

    def leave(self) -> None:
        """Forget what belongs to the parent process, or to an event loop that does not run any more."""
        self._process = os.getpid()
        self._loop = None
        self._running = set()
        self._to_close = WeakSet()

    async def unless_closed(self, work: Coroutine[Any, Any, T]) -> T:  # Any: as `async def` has it
        """Return the result of `work`.

        Raises:
            ClientClosedError: `close` was called meanwhile.
        """
        running, scope = self._running, asyncio.timeout(None)
        running.add(scope)
        try:
            async with scope:
                return await work
        except (TimeoutError, httpx.RequestError) as error:
            if self.closed:
                raise ClientClosedError(f"{_CLOSED} during this call") from error
            raise
        finally:
            running.discard(scope)

    async def run(self, work: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        """Return the response that `work` returns, which uses an `httpx.AsyncClient`.

        `work` runs in a task of its own, which is cancelled through anyio. If asyncio cancels a task while httpcore
        1.0.9 cleans up in it, its connection is never released.

        Raises:
            ClientClosedError: `close` was called, before or meanwhile.
        """
        from anyio import CancelScope

        self.enter()
        scope = CancelScope()
        task = asyncio.create_task(_in_scope(scope, work))

        async def finished() -> httpx.Response | None:
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                scope.cancel()
                await asyncio.wait([task])
                raise

        try:
            response = await self.unless_closed(finished())
        except RuntimeError as error:
            if "loop" not in str(error):  # raised by a hook
                raise
            hint = "make a new httpx.AsyncClient for each event loop"
            raise EventLoopError(f"the http_client has connections of another event loop: {hint}") from error
        if response is None:
            raise httpx.ReadError("the request was cancelled")
        return response

    async def pause(self, delay_s: float) -> None:
        """Wait before a retry. Raises ClientClosedError if `close` is called, before or meanwhile."""
        self.enter()
        await self.unless_closed(asyncio.sleep(delay_s))

    async def close(self) -> None:
        """Close the streams and terminals, and end the calls and pauses.

        Raises:
            EventLoopError: another event loop uses the client.
        """
        if not self.closed:
            self.enter()
        self.closed = True
        for user in taken(self.to_close):
            await user.close()
        for scope in self._running.copy():
            if scope.when() is None:
                scope.reschedule(0)
        while self._running:  # each one ends when the event loop runs it next
            await asyncio.sleep(0)


async def _in_scope(
    scope: CancelScope, work: Callable[[], Awaitable[httpx.Response]]
) -> httpx.Response | None:
    response: httpx.Response | None = None
    with scope:
        response = await work()
    if scope.cancel_called and response is not None:
        await response.aclose()
        return None
    return response
