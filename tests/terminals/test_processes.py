"""Programs that exit while a terminal is open, and child processes of a fork."""

from __future__ import annotations

import os

import pytest

from tests.support.terminal_list import TerminalList
from tests.support.terminal_server import PTY_ID, cursor, hear, say
from tests.support.warm_programs import WarmPrograms
from tests.support.warm_programs import warm_programs as warm_programs  # a fixture

_SUSPENDED = """
import sys
from opencode_client import OpencodeClient

def use():
    with OpencodeClient(sys.argv[1]) as client, {block} as terminal:
        yield terminal.recv()

kept = use()
print(next(kept))
"""
_ASYNC_SUSPENDED = """
import asyncio, sys
from opencode_client import AsyncOpencodeClient

async def use():
    async with AsyncOpencodeClient(sys.argv[1]) as client, {block} as terminal:
        yield await terminal.recv()

kept = use()

async def main():
    print(await anext(kept))

{run}
"""
_BLOCKS = {
    "temporary": "client.terminal('bash')",
    "connected": f"client.pty.connect({PTY_ID!r})",
    "without exit codes": f"client.pty.connect({PTY_ID!r}, exit_code=False)",
}
_RUNS = {
    "the loop is closed": "asyncio.run(main())",
    "the loop is left": "loop = asyncio.new_event_loop(); loop.run_until_complete(main())",
}


_OFTEN = {(block, "the loop is closed") for block in _BLOCKS} | {("temporary", "the loop is left")}
"""The cases of the offline suite. `make test-stress` runs the others."""


@pytest.mark.parametrize("block", _BLOCKS.values(), ids=list(_BLOCKS))
def test_a_program_exits_while_a_suspended_generator_has_a_terminal(
    warm_programs: WarmPrograms, block: str
) -> None:
    with TerminalList([cursor(0), say("a")]) as server:
        server.titles[PTY_ID] = "t"
        done = warm_programs.run(_SUSPENDED.format(block=block), server.url)
        assert (done.stdout, done.stderr, done.returncode) == ("a\n", "", 0)
        assert server.removals == (1 if "terminal" in block else 0)
        server.until(lambda: server.open == 0 and not server.listeners)


@pytest.mark.parametrize(
    ("block", "run"),
    [
        pytest.param(
            _BLOCKS[block],
            _RUNS[run],
            id=f"{block}, {run}",
            marks=() if (block, run) in _OFTEN else pytest.mark.stress,
        )
        for block in _BLOCKS
        for run in _RUNS
    ],
)
def test_an_async_program_exits_while_a_suspended_generator_has_a_terminal(
    warm_programs: WarmPrograms, block: str, run: str
) -> None:
    with TerminalList([cursor(0), say("a")]) as server:
        server.titles[PTY_ID] = "t"
        done = warm_programs.run(_ASYNC_SUSPENDED.format(block=block, run=run), server.url)
        assert (done.stdout, done.returncode) == ("a\n", 0)
        server.until(lambda: server.open == 0 and not server.listeners)
        if "asyncio.run" in run:
            assert (done.stderr, server.removals) == ("", 1 if "terminal" in block else 0)


_FORKED = """
import os, sys
from opencode_client import OpencodeClient, PtyClosedError

client = OpencodeClient(sys.argv[1])
made = client.terminal('bash')
terminal = made.__enter__()
unused = client.pty.connect(terminal.pty_id)
assert terminal.recv(5) == 'a'
sys.stdout.flush()
child = os.fork()
if child == 0:
    for use in (lambda: terminal.recv(1), lambda: terminal.send('x'), lambda: terminal.wait(1), lambda: list(terminal)):
        try:
            use()
        except PtyClosedError as error:
            print(error)
    terminal.close()
    made.__exit__(None, None, None)
    with unused:  # a terminal that was not connected before is the child's own
        print(unused.recv(5))
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
terminal.send('go on')
print(terminal.recv(5))
made.__exit__(None, None, None)
"""
_ASYNC_FORKED = """
import asyncio, os, sys
from opencode_client import AsyncOpencodeClient, PtyClosedError

async def in_child(terminal, made):
    for use in (lambda: terminal.recv(1), lambda: terminal.send('x'), lambda: terminal.wait(1), terminal.__anext__):
        try:
            await use()
        except PtyClosedError as error:
            print(error)
    await terminal.close()
    await made.__aexit__(None, None, None)

async def main():
    client = AsyncOpencodeClient(sys.argv[1])
    made = client.terminal('bash')
    terminal = await made.__aenter__()
    assert await terminal.recv(5) == 'a'
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        asyncio._set_running_loop(None)
        asyncio.new_event_loop().run_until_complete(in_child(terminal, made))
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    await terminal.send('go on')
    print(await terminal.recv(5))
    await made.__aexit__(None, None, None)

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only some systems fork")
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_child_process_cannot_use_the_terminals_of_its_parent(
    warm_programs: WarmPrograms, is_async: bool
) -> None:
    script = [cursor(0), say("a"), hear, say("b")]
    with TerminalList(script) as server:
        done = warm_programs.run(_ASYNC_FORKED if is_async else _FORKED, server.url)
        lines = done.stdout.splitlines()
        assert (done.stderr, done.returncode) == ("", 0)
        assert all("it was opened in another process or event loop; connect" in line for line in lines[:4])
        assert lines[-1] == "b"
        assert (server.heard, server.removals) == (["go on"], 1)
