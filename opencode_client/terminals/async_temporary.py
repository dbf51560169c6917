# The source of temporary.py, which `make generate` writes.
"""Terminals that exist during a `with` block: `client.terminal(...)`."""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager
from os import getpid
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..errors import (
    ArgumentError,
    ConnectError,
    EmptyResponseError,
    NotFoundError,
    OpencodeError,
    RequestError,
    ResponseDecodeError,
    ServerError,
)
from ..logs import fields
from ..misuse import AsyncOnly
from ..streams.async_background import close_at_exit, finish
from .async_connection import AsyncPtyConnection
from .handshake import PtyOptions, check_pty_options
from .route import find_unix_path

if TYPE_CHECKING:
    from ..api.pty import AsyncPtyNamespace
    from ..calls.async_caller import AsyncCaller

_LOST = (RequestError, EmptyResponseError, ResponseDecodeError, ServerError)
"""After these errors the server may have created the terminal."""

logger: logging.Logger = logging.getLogger(__package__)


class AsyncTemporaryTerminal(AbstractAsyncContextManager[AsyncPtyConnection, None], AsyncOnly):
    """Creates a terminal and connects to it at the start of `async with`; removes it at the end.

    It can be entered once. The terminal is also removed if the start is cancelled or interrupted.
    """

    def __init__(
        self,
        caller: AsyncCaller,
        namespace: AsyncPtyNamespace,
        made: dict[str, Any],  # Any: arguments of `pty.create`
        scope: dict[str, Any],  # Any: directory and workspace
        options: PtyOptions,
    ) -> None:
        has_tickets = hasattr(namespace, "connect_token")
        check_pty_options("client.terminal", options, has_tickets=has_tickets, others=made)
        find_unix_path(caller.connections, caller.options.base_url)
        self._terminals = namespace
        self._wanted_title: str | None = made["title"]
        self._made = {name: value for name, value in made.items() if name != "title"}
        self._scope = {name: value for name, value in scope.items() if value is not None}
        self._options = options
        # a unique title: with it, the terminal can be found if the response of the server is lost
        self._title = f"Terminal {uuid4().hex[:16]}"
        self._pty_id: str | None = None
        self._connection: AsyncPtyConnection | None = None
        self._process: int | None = None
        self._left = False

    async def __aenter__(self) -> AsyncPtyConnection:
        if self._process is not None:
            raise ArgumentError("a terminal is created once: call client.terminal() again for another one")
        self._process = getpid()
        close_at_exit(self, type(self)._leave)
        try:
            await finish(self._create)
            assert self._pty_id is not None  # noqa: S101 # it was created
            self._connection = self._terminals.connect(self._pty_id, **self._scope, **self._options)
            return await self._connection.__aenter__()
        except BaseException:
            await self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        await self._leave()

    def __getattr__(self, name: str) -> Any:  # Any: of no attribute
        raise AttributeError(
            f"client.terminal() has no {name!r}: use `async with client.terminal() as terminal`, then terminal.{name}"
        )

    async def _create(self) -> None:
        try:
            pty_id: object = (await self._terminals.create(**self._made, title=self._title)).id
            if not isinstance(pty_id, str):  # pyright: ignore[reportUnnecessaryIsInstance] # the response has none
                raise ResponseDecodeError("pty.create", "$.id", "string", repr(pty_id))
        except ConnectError:
            raise
        except _LOST:
            await self._find()
            raise
        else:
            self._pty_id = pty_id
            if self._wanted_title is not None and not self._left:
                await self._terminals.update(pty_id, title=self._wanted_title, **self._scope)
        finally:
            if self._left:  # read after `_pty_id` is set; `_leave` sets `_left` and then reads `_pty_id`
                await self._remove()

    async def _find(self) -> None:
        """Remove the terminal if the server created it although its response did not arrive."""
        try:
            ours = [pty.id for pty in await self._terminals.list(**self._scope) if pty.title == self._title]
        except OpencodeError as error:
            text = "a terminal may still run that was not connected to: %s"
            logger.warning(text, error, extra=fields("pty.list"))
            return
        for pty_id in ours:
            self._pty_id = pty_id
            await self._remove()

    async def _leave(self) -> None:
        """Close the connection and remove the terminal, if that was not done before."""
        self._left = True
        if self._process != getpid():  # after a fork, the terminal is the parent's
            return
        try:
            if self._connection is not None:
                await self._connection.close()
        finally:
            if self._pty_id is not None:
                await finish(self._remove)

    async def _remove(self) -> None:
        pty_id, self._pty_id = self._pty_id, None
        if pty_id is None:
            return
        try:
            await self._terminals.remove(pty_id, **self._scope)
        except NotFoundError:
            pass  # the process has ended
        except OpencodeError as error:  # an error of the block is more important
            text = "cannot remove terminal %s, which may still run: %s"
            logger.warning(text, pty_id, error, extra=fields("pty.remove"))
