"""A server leaves no process and no folder, at any end of its program."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest

from opencode_client import OpencodeServer, ServerStartError
from tests.support.both_clients import ClientKind
from tests.support.fake_opencode import SERVE, Fake
from tests.support.fake_opencode import fake as fake  # a fixture
from tests.support.processes import is_empty, is_gone
from tests.support.warm_programs import WarmPrograms
from tests.support.warm_programs import warm_programs as warm_programs  # a fixture

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="what is left of a process is read from /proc"
)

_SILENT = """
import os, pathlib, time
mark = pathlib.Path({mark!r})
mark.with_suffix(".new").write_text(str(os.getpid()))
mark.with_suffix(".new").rename(mark)
time.sleep(600)
"""
"""A server that never listens. It writes its process id into a file."""

_PROGRAM = """
import os, pathlib, signal, subprocess, sys, tempfile, threading, time
from opencode_client import OpencodeServer
from opencode_client.server import process, process_group

moment, number, executable, mark, tempfile.tempdir = sys.argv[1:]
popen, pids = subprocess.Popen, []

def die():
    print(*pids, flush=True)
    os.kill(os.getpid(), int(number))
    time.sleep(10)

def start(*arguments, **options):
    if pids and moment == "before the supervisor":
        die()
    child = popen(*arguments, **options)
    pids.append(child.pid)
    return child

def watch():
    while not os.path.exists(mark):
        time.sleep(0.01)
    die()

process_group.subprocess.Popen = start
if moment == "before its release":
    process.release = lambda process: die()
if moment == "while it starts":
    threading.Thread(target=watch, daemon=True).start()
with OpencodeServer(executable, isolated=True):
    die()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """The file that a silent server writes."""
    return tmp_path / "mark"


@pytest.fixture
def silent(fake: Fake, mark: Path) -> str:
    """The path of a silent server."""
    return fake(_SILENT.format(mark=str(mark)))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "moment", ["before the supervisor", "before its release", "while it starts", "when it runs"]
)
def test_a_killed_program_leaves_no_process_and_no_folder(
    fake: Fake, mark: Path, folder: Path, warm_programs: WarmPrograms, moment: str, number: int
) -> None:
    executable = fake(_SILENT.format(mark=str(mark)) if moment == "while it starts" else SERVE)
    done = warm_programs.run(_PROGRAM, moment, str(number), executable, str(mark), str(folder))
    assert done.returncode != 0
    pids = done.stdout.split()
    assert len(pids) == (1 if moment == "before the supervisor" else 2)
    assert all(is_gone(int(pid)) for pid in pids)
    assert is_empty(folder)


def test_a_server_ends_with_its_program_even_if_a_forked_child_still_runs(
    fake: Fake, folder: Path, warm_programs: WarmPrograms
) -> None:
    program = (
        "import os, signal, sys, tempfile\nfrom opencode_client import OpencodeServer\n"
        "tempfile.tempdir = sys.argv[2]\nserver = OpencodeServer(sys.argv[1], isolated=True).start()\n"
        "if (child := os.fork()) == 0:\n    signal.alarm(60)\n    signal.pause()\n"
        "print(server.pid, child, flush=True)\nos.kill(os.getpid(), 9)"
    )
    server, child = map(int, warm_programs.run(program, fake(SERVE), str(folder)).stdout.split())
    assert is_gone(server)
    assert is_empty(folder)
    os.kill(child, signal.SIGKILL)


def test_a_program_that_ends_without_closing_it_leaves_no_folder(
    fake: Fake, folder: Path, warm_programs: WarmPrograms
) -> None:
    program = (
        "import sys, tempfile\nfrom opencode_client import OpencodeServer\ntempfile.tempdir = sys.argv[2]\n"
        "server = OpencodeServer(sys.argv[1], isolated=True).start()\nprint(server.pid)"
    )
    done = warm_programs.run(program, fake(SERVE), str(folder))
    assert is_gone(int(done.stdout))
    assert is_empty(folder)


def test_an_error_of_the_start_leaves_no_process_and_no_folder(silent: str, mark: Path, folder: Path) -> None:
    with pytest.raises(ServerStartError, match=r"was not listening after 0\.5 s"):
        OpencodeServer(silent, isolated=True, startup_timeout_s=0.5).start()
    assert is_gone(int(mark.read_text(encoding="utf-8")))
    assert is_empty(folder)


def test_closing_a_starting_server_ends_the_start(silent: str, mark: Path, folder: Path) -> None:
    server = OpencodeServer(silent, isolated=True)

    def close() -> None:
        while not mark.exists():
            threading.Event().wait(0.01)  # another process writes it
        server.close()

    closing = threading.Thread(target=close)
    closing.start()
    with pytest.raises(ServerStartError, match="was closed while it started"):
        server.start()
    closing.join()
    assert is_gone(int(mark.read_text(encoding="utf-8")))
    assert is_empty(folder)


async def _until(mark: Path) -> None:
    while not mark.exists():
        await asyncio.sleep(0.01)  # as above


async def _cancel_task(mark: Path, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
    task = asyncio.ensure_future(start())
    await _until(mark)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()  # again, while it ends the server
    with pytest.raises(asyncio.CancelledError):
        await task


async def _cancel_scope(mark: Path, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(start)
        await _until(mark)
        group.cancel_scope.cancel()


@pytest.mark.parametrize("cancel", [_cancel_task, _cancel_scope])
def test_a_cancelled_start_leaves_no_process_and_no_folder(
    silent: str,
    mark: Path,
    folder: Path,
    cancel: Callable[[Path, Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]],
) -> None:
    async def start() -> None:
        async with OpencodeServer(silent, isolated=True):
            raise AssertionError("it has started")

    async def main() -> None:
        await asyncio.wait_for(cancel(mark, start), 20)

    asyncio.run(main())
    assert is_gone(int(mark.read_text(encoding="utf-8")))
    assert list(folder.iterdir()) == []


def test_async_with_starts_and_ends_a_server(fake: Fake, folder: Path) -> None:
    async def main() -> int | None:
        async with OpencodeServer(fake(SERVE), isolated=True) as server, server.async_client() as client:
            assert (await client.global_.health()).version == server.version == "1.2.3"
            return server.pid

    assert is_gone(asyncio.run(main()) or 0)
    assert list(folder.iterdir()) == []


def test_async_with_raises_the_error_of_the_start(fake: Fake) -> None:
    async def main() -> None:
        async with OpencodeServer(fake("import sys; sys.exit(3)")):
            pass

    with pytest.raises(ServerStartError, match="ended with exit code 3"):
        asyncio.run(main())


def test_ten_servers_start_and_end_at_the_same_time(
    fake: Fake, folder: Path, client_kind: ClientKind
) -> None:
    executable = fake(SERVE)

    def use(_: int) -> tuple[str, int | None]:
        with OpencodeServer(executable, isolated=True) as server:
            return server.url, server.pid

    async def use_async() -> tuple[str, int | None]:
        async with OpencodeServer(executable, isolated=True) as server:
            return server.url, server.pid

    async def all_at_once() -> list[tuple[str, int | None]]:
        return await asyncio.gather(*(use_async() for _ in range(10)))

    if client_kind.is_async:
        found = asyncio.run(all_at_once())
    else:
        with ThreadPoolExecutor(10) as pool:
            found = list(pool.map(use, range(10)))
    assert len(set(found)) == 10
    assert all(is_gone(pid or 0) for _, pid in found)
    assert list(folder.iterdir()) == []
