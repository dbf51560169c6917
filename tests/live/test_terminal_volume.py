"""Much output of real terminals, and many terminals: no character is lost or repeated."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Generator
from contextlib import ExitStack
from functools import cache

import pytest

from opencode_client import AsyncOpencodeClient
from opencode_client.server import OpencodeServer
from tests.live.client_pairs import SyncOrAsync
from tests.live.servers import NEW, scripted_server
from tests.live.terminal_programs import driven, program
from tests.live.test_terminals import Server
from tests.support.cutting_proxy import CuttingProxy

pytestmark = pytest.mark.live

_PATIENCE_S = 20.0
_LINES = 1_000
"""The size of a block. The program waits for a line before each block, so that the server's buffer is never full."""
_BLOCKS = 200
_ASCII = 90 * "x"
_MIXED = 7 * "zwölf €😀"
_PROGRAM = f"""
import sys, termios
quiet = termios.tcgetattr(0)
quiet[3] &= ~termios.ECHO
termios.tcsetattr(0, termios.TCSANOW, quiet)
print("ready", flush=True)
for first in range(0, int(sys.argv[1]) * {_LINES}, {_LINES}):
    sys.stdin.readline()
    sys.stdout.write("".join("%08d %s\\n" % (n, sys.argv[2]) for n in range(first, first + {_LINES})))
    sys.stdout.flush()
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    with ExitStack() as running:

        def start(version: str) -> OpencodeServer:
            return running.enter_context(scripted_server(version))[0]

        yield cache(start)


def _put_out(blocks: int, tail: str) -> str:
    return "".join(f"{number:08d} {tail}\r\n" for number in range(blocks * _LINES))


def _shown(client_kind: SyncOrAsync, url: str, blocks: int, tail: str) -> str:
    """Return the program's output, read block by block. Its exit code is 0."""
    with driven(client_kind, url) as here:
        made = here(here.client.pty.create, **program(_PROGRAM, blocks, tail), env={"PYTHONUTF8": "1"})
        terminal = here.connect(made.id)
        here(terminal.read_until, "ready\r\n", timeout=_PATIENCE_S)
        parts: list[str] = []
        for block in range(1, blocks + 1):
            here(terminal.send, "\n")
            last = f"{block * _LINES - 1:08d}"
            seen = ""
            while (at := seen.find(last)) < 0 or not seen.endswith("\n", at):
                parts.append(here(terminal.recv, _PATIENCE_S))
                seen = seen[-2 * len(tail) :] + parts[-1]
        here(
            terminal.send, "\n"
        )  # not earlier: the output of a terminal that has ended cannot be requested again
        parts.append(here.rest(terminal))
        assert here(terminal.wait, _PATIENCE_S) == 0
        return "".join(parts)


@pytest.mark.parametrize(
    ("version", "tail"), [("1.1.31", _ASCII), ("1.3.2", _MIXED)], ids=["1.1.31", "1.3.2"]
)
def test_twenty_megabytes_are_read_unchanged(server: Server, version: str, tail: str) -> None:
    expected = _put_out(_BLOCKS, tail)
    assert len(expected.encode()) > 20_000_000
    assert _shown("sync", server(version).url, _BLOCKS, tail) == expected


def test_1_1_31_damages_only_characters_that_two_reads_share(server: Server) -> None:
    shown, expected = _shown("async", server("1.1.31").url, 10, _MIXED), _put_out(10, _MIXED)
    mended = re.sub(
        "\N{REPLACEMENT CHARACTER}+", "?", shown
    )  # the last character of each read of 4,096 bytes
    broken = [at for at, (seen, written) in enumerate(zip(mended, expected, strict=True)) if seen != written]
    assert 0 < len(broken) <= len(expected.encode()) / 4_096 + 10
    assert {mended[at] for at in broken} == {"?"}


@pytest.mark.parametrize(("version", "client_kind"), [("1.3.2", "async"), (NEW, "sync")])
def test_fifty_broken_connections_lose_or_repeat_no_output(
    server: Server, version: str, client_kind: SyncOrAsync
) -> None:
    expected = _put_out(_BLOCKS, _MIXED)
    with CuttingProxy(server(version).url, seed=1, least=150_000, most=450_000) as proxy:
        assert _shown(client_kind, proxy.url, _BLOCKS, _MIXED) == expected
    assert proxy.cuts >= 50


def test_two_hundred_terminals_can_be_open_at_once(server: Server) -> None:
    url = server(NEW).url

    async def run() -> None:
        async with AsyncOpencodeClient(url) as client:

            async def one(number: int) -> None:
                async with client.terminal("/bin/cat") as terminal:
                    await all_open.wait()
                    await terminal.send(f"number {number}\n")
                    await terminal.read_until(f"number {number}\r\nnumber {number}\r\n", timeout=_PATIENCE_S)

            all_open = asyncio.Barrier(200)
            await asyncio.gather(*map(one, range(200)))
            assert await client.pty.list() == []

    asyncio.run(run())
