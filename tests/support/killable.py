"""Programs that run one turn each until a test kills them: forks of a process that has imported the client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import IO, Self

_PROGRAM = """
import asyncio, gc, json, os, sys
import anyio, httpcore
from opencode_client import AsyncOpencodeClient, OpencodeClient
from opencode_client.api import event, session
from opencode_client.calls import async_caller, async_http_connection, caller, http_connection
from opencode_client.decoding import annotations, shapes
from opencode_client.models import model_ref, permission_rule, step_finish_part, step_start_part
from opencode_client.turns import async_turn, turn

anyio.run(anyio.sleep, 0)  # imports the rest of anyio
gc.freeze()  # otherwise a collection in a program copies all imported objects

async def run_async(**options):
    async with AsyncOpencodeClient(**options) as client:
        await client.run("hi", timeout=60)

def run(kind, **options):
    if kind == "async":
        return asyncio.run(run_async(**options))
    with OpencodeClient(**options) as client:
        client.run("hi", timeout=60)

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        try:
            run(**json.loads(line))
        finally:
            os._exit(0)
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("ended", flush=True)
"""


class Killable:
    """Starts programs, one at a time. Opened by `with`."""

    def __init__(self) -> None:
        self._pid = 0
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, kind: str, **options: str) -> None:
        """Start a program that runs a turn with the sync or the async client. `options` are those of the client."""
        print(json.dumps({"kind": kind, **options}), file=self._pipe(self._process.stdin), flush=True)
        self._pid = int(self._pipe(self._process.stdout).readline())

    def kill(self) -> None:
        """Kill the program."""
        os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait until the program has ended."""
        assert self._pipe(self._process.stdout).readline() == "ended\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.terminate()

    def _pipe(self, pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe
