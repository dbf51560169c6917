"""Actions on a terminal, sync or async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from opencode_client import PtyGapError
from tests.support.both_clients import ClientKind
from tests.support.terminal_server import PTY_ID, PtyServer


def connected(client_kind: ClientKind, server: PtyServer, **options: Any) -> Any:  # Any: sync or async
    """The server's terminal, connected; closed with `client_kind`."""
    return entered(client_kind, client_kind.client(server.url, max_retries=0).pty.connect(PTY_ID, **options))


def entered(client_kind: ClientKind, terminal: Any) -> Any:  # Any: as above
    """The terminal, connected."""
    return client_kind.call(terminal.__aenter__ if client_kind.is_async else terminal.__enter__)


def rest(client_kind: ClientKind, terminal: Any) -> list[str]:  # Any: as above
    """What is yielded until the end."""
    return client_kind.call(_rest, terminal) if client_kind.is_async else list(terminal)


async def _rest(terminal: Any) -> list[str]:
    return [text async for text in terminal]


def read(client_kind: ClientKind, terminal: Any, count: int) -> str:  # Any: as above
    """The next `count` characters."""
    text = ""
    while len(text) < count:
        text += client_kind.call(terminal.recv, 5)
    return text


def read_with_gaps(
    client_kind: ClientKind, terminal: Any, last: str
) -> list[str | int | None]:  # Any: as above
    """What comes until a text ends so; in place of a gap what it lost."""
    found: list[str | int | None] = [""]
    while True:
        try:
            text = client_kind.call(terminal.recv, 5)
        except PtyGapError as gap:
            found += [gap.lost, ""]
        else:
            found[-1] = f"{found[-1]}{text}"
            if text.endswith(last):
                return found


def seen_by(client_kind: ClientKind, happened: Callable[[], object]) -> None:
    """Wait for what a server sees, while an event loop goes on."""
    if client_kind.is_async:
        client_kind.call(asyncio.to_thread, happened)
    else:
        happened()
