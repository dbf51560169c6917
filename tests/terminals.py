"""What tests do with a terminal, in both worlds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from inspect import isawaitable
from typing import Any

from opencode_client import OpencodeError, PtyGapError
from tests.pty_server import PTY_ID, PtyServer
from tests.worlds import World


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


def meanwhile(
    world: World, use: Callable[[], Any], happened: Callable[[], object], *acts: Callable[[], Any]
) -> list[Any]:  # Any: as above
    """What a use gives, or the error that it raises, when acts are done in order as soon as something has happened.

    They are done beside the use: by another thread, or another task. What has happened is what a server waits for.
    Returns: the outcome of the use, and what the acts gave.
    """
    return (_in_a_task if world.is_async else _in_a_thread)(world, use, happened, acts)


def _in_a_thread(
    world: World, use: Callable[[], Any], happened: Callable[[], object], acts: Iterable[Callable[[], Any]]
) -> list[Any]:
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(use())
        except OpencodeError as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    happened()
    given = [act() for act in acts]
    thread.join(5)
    return [outcome.pop(), *given]


def _in_a_task(
    world: World, use: Callable[[], Any], happened: Callable[[], object], acts: Iterable[Callable[[], Any]]
) -> list[Any]:
    async def run() -> list[Any]:
        task = asyncio.ensure_future(use())
        await asyncio.to_thread(happened)
        given: list[Any] = []
        for act in acts:
            value = act()
            given.append(await value if isawaitable(value) else value)
        [outcome] = await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), 5)
        return [outcome, *given]

    found: list[Any] = world.call(run)
    return found


def seen_by(world: World, happened: Callable[[], object]) -> None:
    """Wait for what a server sees, while an event loop goes on."""
    if world.is_async:
        world.call(asyncio.to_thread, happened)
    else:
        happened()
