"""The connection that a receiver uses, for tasks of asyncio. `link.py` has the same names for threads.

Both are written by hand: a task can be cancelled at each `await`, and a thread cannot be stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import httpx

from ..errors import OpencodeError
from .async_connection import AsyncStreamConnection

if TYPE_CHECKING:
    from anyio import CancelScope


class AsyncRLock:
    """A lock that is always free: tasks switch only at an `await`, so they need no lock to read a flag."""

    async def __aenter__(self) -> None: ...
    async def __aexit__(self, *_: object) -> None: ...
    def release(self) -> None:
        """Do nothing."""

    def acquire(self, *, blocking: bool) -> bool:
        """Return True."""
        return True


class AsyncLink:
    """One connection of a stream. Closed by `close`, or by the event loop if the link is garbage-collected."""

    def __init__(self, connection: AsyncStreamConnection) -> None:
        self.connection = connection
        self.is_closing: bool = False
        self._step: _Step | None = None
        self._guard = _closing(connection)
        self._is_guarded = False
        self._closing: asyncio.Task[None] | None = None

    async def step(self, most_s: float | None) -> bytes:
        """Return the bytes of the connection's next step; b"" if it takes longer than `most_s`.

        A cancelled step of httpx loses bytes, and a cancelled step of anyio's TLS may, too. So such a step has a task
        of its own, which goes on if the reader is cancelled.
        """
        if not self._is_guarded:
            self._is_guarded = True
            await anext(self._guard)
        if self._step is None and self.connection.is_direct:
            return await self.connection.step(most_s)
        step = self._step = self._step or _Step(self)
        await asyncio.wait([step.task], timeout=most_s)
        if not step.task.done():
            return b""
        self._step = None
        return b"" if step.task.cancelled() else step.task.result()

    async def wake(self) -> None:
        """End the running step."""
        if self._step is not None:
            self._step.cancel()
        else:
            await self.connection.aborter.abort()

    async def close(self) -> None:
        """Close the connection, even if this task is cancelled meanwhile."""
        if self._closing is None:
            self.is_closing = True
            self._closing = asyncio.create_task(self._close())
        await asyncio.wait([self._closing])

    async def _close(self) -> None:
        if self._step is not None:
            self._step.cancel()
            await asyncio.gather(self._step.task, return_exceptions=True)
        if not self.connection.is_open:
            # httpcore 1.0 leaves the socket open if a TLS handshake is cancelled
            await self.connection.aborter.abort()
        await self._guard.aclose()


class _Step:
    """One step of a connection, in a task of its own. It refers to the link, so the link is not garbage-collected."""

    def __init__(self, link: AsyncLink) -> None:
        """Start the step."""
        self._scope: CancelScope | None = None
        self.task: asyncio.Task[bytes] = asyncio.create_task(self._run(link))

    def cancel(self) -> None:
        """Cancel the step. httpcore cleans up within scopes of anyio, which `Task.cancel` would interrupt."""
        if self._scope is None:
            self.task.cancel()  # it has not begun
        else:
            self._scope.cancel()

    async def _run(self, link: AsyncLink) -> bytes:
        from anyio import CancelScope  # httpx loads it at the first request

        limit_s = link.connection.limit_s
        try:
            async with asyncio.timeout(limit_s):
                with CancelScope() as scope:
                    self._scope = scope
                    return await link.connection.step(None)
        except OpencodeError:
            raise  # it may be a TimeoutError, too
        except TimeoutError:
            raise httpx.ReadTimeout(f"not a byte for {limit_s:g} s") from None
        return b""  # it was cancelled


async def _closing(connection: AsyncStreamConnection) -> AsyncGenerator[None]:
    """Close the connection when the generator is closed: by `_close`, or by the event loop if the link is collected."""
    try:
        yield
    finally:
        await connection.close()
