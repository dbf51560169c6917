"""Actions on a terminal, sync or async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from opencode_client import PtyGapError
from tests.support.both_clients import ClientKind
from tests.support.terminal_server import PTY_ID, PtyServer


def connected(client_kind: ClientKind, server: PtyServer, **options: Any) -> Any:  # Any: sync or async
    """Connect to the server's terminal and return it. `client_kind` closes it."""
    return entered(client_kind, client_kind.client(server.url, max_retries=0).pty.connect(PTY_ID, **options))


def entered(client_kind: ClientKind, terminal: Any) -> Any:  # Any: as above
    """Connect the terminal and return it."""
    return client_kind.call(terminal.__aenter__ if client_kind.is_async else terminal.__enter__)


def rest(client_kind: ClientKind, terminal: Any) -> list[str]:  # Any: as above
    """Return all output until the end."""
    return client_kind.call(_rest, terminal) if client_kind.is_async else list(terminal)


async def _rest(terminal: Any) -> list[str]:
    return [text async for text in terminal]


def read(client_kind: ClientKind, terminal: Any, count: int) -> str:  # Any: as above
    """Return the next `count` characters."""
    text = ""
    while len(text) < count:
        text += client_kind.call(terminal.recv, 5)
    return text


def read_with_gaps(
    client_kind: ClientKind, terminal: Any, last: str
) -> list[str | int | None]:  # Any: as above
    """Return the output until a text ends with `last`. A gap is the number of lost units."""
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
    """Wait for a condition of a server, while the event loop runs."""
    if client_kind.is_async:
        client_kind.call(asyncio.to_thread, happened)
    else:
        happened()
