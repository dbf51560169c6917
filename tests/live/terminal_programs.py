"""Terminals in live tests: the same calls for sync and async, and programs whose output can be checked."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from inspect import iscoroutine
from typing import Any

from opencode_client import AsyncOpencodeClient, OpencodeClient
from tests.live.client_pairs import SyncOrAsync

BASH: dict[str, Any] = {"command": "/bin/bash", "args": ["--norc", "--noprofile", "--noediting"]}
"""Arguments of `pty.create` for a shell without start-up files or an editor. Servers add `-l`."""


class Driven:
    """A sync or async client and its terminals, called like sync ones."""

    def __init__(
        self, client_kind: SyncOrAsync, url: str, **options: Any
    ) -> None:  # Any: the arguments of a client
        self._runner = asyncio.Runner() if client_kind == "async" else None
        self.client: Any = (AsyncOpencodeClient if client_kind == "async" else OpencodeClient)(url, **options)

    def __call__(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:  # Any: any result
        made = method(*arguments, **named)
        return self._runner.run(made) if self._runner is not None and iscoroutine(made) else made

    def connect(self, pty_id: str, *, v2: bool = False, **options: Any) -> Any:  # Any: sync or async
        """Connect to a terminal."""
        namespace = self.client.v2.pty if v2 else self.client.pty
        terminal = namespace.connect(pty_id, **options)
        self(terminal.__aenter__ if self._runner is not None else terminal.__enter__)
        return terminal

    def enter(self, made: Any) -> Any:  # Any: sync or async
        """Begin a block with `client.terminal(...)`, and return its terminal."""
        return self(made.__aenter__ if self._runner is not None else made.__enter__)

    def leave(self, made: Any) -> None:  # Any: as above
        """End that block."""
        self(made.__aexit__ if self._runner is not None else made.__exit__, None, None, None)

    def bash(self, **options: Any) -> Any:  # Any: as above
        """Create a bash without prompt, echo or editor, and connect to it."""
        terminal = self.connect(self(self.client.pty.create, **BASH).id, **options)
        self(terminal.send, "PS1=; stty -echo; echo re''ady\n")
        self(terminal.read_until, "ready\r\n", timeout=20)
        return terminal

    def rest(self, terminal: Any) -> str:  # Any: as above
        """Return the output up to the end."""
        return self(_joined, terminal) if self._runner is not None else "".join(terminal)

    def close(self) -> None:
        """Close the client."""
        self(self.client.close)
        if self._runner is not None:
            self._runner.close()


async def _joined(terminal: Any) -> str:
    return "".join([text async for text in terminal])


@contextmanager
def driven(client_kind: SyncOrAsync, url: str, **options: Any) -> Generator[Driven]:
    """Open a sync or async client."""
    one = Driven(client_kind, url, **options)
    try:
        yield one
    finally:
        one.close()


def program(code: str, *arguments: object) -> dict[str, Any]:
    """Return the arguments of `pty.create` for a Python program."""
    return {"command": sys.executable, "args": ["-c", code, *map(str, arguments)]}
