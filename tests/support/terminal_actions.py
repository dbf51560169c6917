"""What tests do with a terminal, in both worlds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from opencode_client import PtyGapError
from tests.support.both_clients import World
from tests.support.terminal_server import PTY_ID, PtyServer


def connected(world: World, server: PtyServer, **options: Any) -> Any:  # Any: of either world
    """The server's terminal, connected; closed with the world."""
    return entered(world, world.client(server.url, max_retries=0).pty.connect(PTY_ID, **options))


def entered(world: World, terminal: Any) -> Any:  # Any: as above
    """The terminal, connected."""
    return world.call(terminal.__aenter__ if world.is_async else terminal.__enter__)


def rest(world: World, terminal: Any) -> list[str]:  # Any: as above
    """What is yielded until the end."""
    return world.call(_rest, terminal) if world.is_async else list(terminal)


async def _rest(terminal: Any) -> list[str]:
    return [text async for text in terminal]


def read(world: World, terminal: Any, count: int) -> str:  # Any: as above
    """The next `count` characters."""
    text = ""
    while len(text) < count:
        text += world.call(terminal.recv, 5)
    return text


def read_with_gaps(world: World, terminal: Any, last: str) -> list[str | int | None]:  # Any: as above
    """What comes until a text ends so; in place of a gap what it lost."""
    found: list[str | int | None] = [""]
    while True:
        try:
            text = world.call(terminal.recv, 5)
        except PtyGapError as gap:
            found += [gap.lost, ""]
        else:
            found[-1] = f"{found[-1]}{text}"
            if text.endswith(last):
                return found


def seen_by(world: World, happened: Callable[[], object]) -> None:
    """Wait for what a server sees, while an event loop goes on."""
    if world.is_async:
        world.call(asyncio.to_thread, happened)
    else:
        happened()
