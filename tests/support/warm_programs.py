"""Programs that start quickly: forks of a process that has imported httpx, websockets and the models.

A program is `__main__` of its process, and its process ends like that of any program. The modules of the client
that are written by hand are not imported before it starts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

import pytest
from attrs import frozen

_STARTER = """
import asyncio, gc, json, os, signal, ssl, sys
import httpcore, httpx, websockets.asyncio.client, websockets.sync.client
from opencode_client.models import Event

gc.freeze()  # else each program traverses all that was imported when it ends
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
else:
    sys.exit()
signal.alarm(60)  # end a program that hangs
request = json.loads(line)
for number, name in enumerate((os.devnull, request["output"], request["errors"])):
    os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
sys.argv = ["-c", *request["arguments"]]
exec(compile(request["program"], "<string>", "exec"))
"""


@frozen
class Ended:
    """The output of a program, and its exit code."""

    stdout: str
    stderr: str
    returncode: int


class WarmPrograms:
    """Runs programs, one at a time. Opened by `with`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._starter = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _STARTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, program: str, *arguments: str) -> Ended:
        """Run a program until it ends. One that hangs ends after a minute with an exit code below 0."""
        self._count += 1
        output, errors = (self._folder / f"{self._count}.{name}" for name in ("output", "errors"))
        request = {"program": program, "arguments": arguments, "output": str(output), "errors": str(errors)}
        print(json.dumps(request), file=_pipe(self._starter.stdin), flush=True)
        code = int(_pipe(self._starter.stdout).readline())
        return Ended(output.read_text(encoding="utf-8"), errors.read_text(encoding="utf-8"), code)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._starter:
            _pipe(self._starter.stdin).close()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@pytest.fixture(scope="session")
def warm_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmPrograms]:
    """Runs programs in forks of one process. Skips the test on systems that cannot fork."""
    if sys.platform == "win32":
        pytest.skip("only some systems fork")
    with WarmPrograms(tmp_path_factory.mktemp("programs")) as programs:
        yield programs
