"""The WebSocket of a terminal, in tasks of asyncio. `websocket.py` has the same names for threads.

Written by hand: the sync and async classes of `websockets` have different undocumented methods.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Any

from websockets.asyncio.client import ClientConnection, connect, unix_connect
from websockets.exceptions import InvalidStatus

from ..streams.deadline import NEVER, Deadline
from .handshake import PONG_CHECKS, HandshakeRefusedError, set_keep_alive


class AsyncWebSocket(ClientConnection):
    """One WebSocket. `is_silent` is True if it ended because nothing came after a ping."""

    def __init__(self, owner: Any, *arguments: Any, **named: Any) -> None:  # Any: passed on
        super().__init__(*arguments, **named)
        self.owner = owner  # keeps the terminal alive, so that the client can close an open WebSocket
        self.is_silent: bool = False
        self._has_received: bool = False

    def receive(self, deadline: Deadline) -> Awaitable[str | bytes]:
        """Return the next frame. Raises TimeoutError."""
        # `asyncio.timeout` takes time even if it never ends
        return self.recv() if deadline is NEVER else self._receive(deadline)

    def abort(self) -> None:
        """End the connection at once. `close` would wait for the server."""
        self.transport.abort()

    async def _receive(self, deadline: Deadline) -> str | bytes:
        async with asyncio.timeout(deadline.left_s()):
            return await self.recv()

    # Not documented. The pings of `websockets` time out even while nobody reads, or they never do.
    async def keepalive(self) -> None:
        assert self.ping_interval is not None and self.ping_timeout is not None  # noqa: S101, PT018 # see handshake
        while True:
            await asyncio.sleep(self.ping_interval)
            self._has_received = False
            vars(self)["process_event"] = self._note_frame  # see `_note_frame`
            unsent_bytes = self.transport.get_write_buffer_size()
            if not self.paused:  # else the ping would wait behind data that the server does not take
                await self.ping()
            for _ in range(PONG_CHECKS):
                await asyncio.sleep(self.ping_timeout / PONG_CHECKS)
                # while the queue is full, nothing is read, so the pong cannot be seen
                if self._has_received or (self.recv_messages.paused and not self.paused):
                    break
                if self.transport.get_write_buffer_size() < unsent_bytes:
                    break
            else:
                self.is_silent = True
                self.transport.abort()
                return

    # Not documented, as above. It replaces `process_event` only from a ping to the next frame, as it takes time.
    def _note_frame(self, event: Any) -> None:  # Any: passed on
        self._has_received = True
        vars(self).pop("process_event", None)
        self.process_event(event)

    # Not documented. `websockets` follows redirects after an `InvalidStatus`, and has no option against that.
    async def handshake(self, *arguments: Any, **named: Any) -> None:  # Any: passed on
        try:
            await super().handshake(*arguments, **named)
        except InvalidStatus as error:
            raise HandshakeRefusedError(error.response) from None


async def open_websocket(owner: Any, unix_path: str | None, arguments: dict[str, Any]) -> AsyncWebSocket:
    """Return a new WebSocket. Raises the errors of `handshake.FAILURES`."""
    # Any: its type is the class that is used by default
    dial: Any = connect if unix_path is None else partial(unix_connect, unix_path)
    opened: AsyncWebSocket = await dial(**arguments, create_connection=partial(AsyncWebSocket, owner))
    # Not documented; `connect` takes no options for its socket.
    set_keep_alive(opened.transport.get_extra_info("socket"))
    return opened


def abort_opening(owner: object) -> None:
    """Do nothing: `websockets` ends a WebSocket whose task is cancelled while it opens."""
