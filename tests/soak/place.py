"""The process with everything but the clients: the scripted model, the real server, and the proxy in front of it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from attrs import frozen

from opencode_client.model import JsonObject
from opencode_client.server import OpencodeServer
from opencode_client.testing import Reply, ScriptedModel, ToolCall
from scripts.npm_server import get_server
from tests.live.servers import NEW, NO_INTERNET, commit_files
from tests.soak.fault_proxy import FaultProxy

_FIRST_KILL_S = 20.0
_PAUSE_S = 1.0
_TEXT = re.compile(r"turn \d+( with a tool)?")
_SETTINGS: JsonObject = {"permission": {"bash": "ask"}, "snapshot": False}
_TOOL = ToolCall(name="bash", arguments={"command": "echo hi", "description": "says hi"})


@frozen
class Place:
    """The URLs of the server and of the proxy, and the server's directory."""

    server: str
    proxy: str
    directory: str
    _pipe: Any  # Any: a Connection, whose type is generic in new versions of Python only

    def finish(self) -> JsonObject:
        """End all faults. Return the number of restarts, the faults, and the requests for each prompt."""
        self._pipe.send("finish")
        found: JsonObject = self._pipe.recv()
        return found


@contextmanager
def a_place(*, kill_s: float, turn_s: float, seed: int) -> Generator[Place]:
    """Run the process. It kills the server every `kill_s` seconds. The model needs `turn_s` seconds for a turn."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_run, args=(theirs, kill_s, turn_s, seed))
    process.start()
    try:
        server, proxy, directory = ours.recv()
        yield Place(server, proxy, directory, ours)
    finally:
        ours.send("end")
        process.join(30)
        process.kill()


def _run(pipe: Any, kill_s: float, turn_s: float, seed: int) -> None:  # Any: as above
    def reply(request: JsonObject) -> Reply:
        last = request["messages"][-1]
        users = [json.dumps(one) for one in request["messages"] if one["role"] == "user"]
        found = _TEXT.search(users[-1])
        if found is not None and found[1] and last["role"] != "tool":
            return Reply(tools=[_TOOL])
        return Reply(text=f"echo: {found and found[0]}", chunks=10, delay_s=turn_s / 12)

    with tempfile.TemporaryDirectory(prefix="opencode-soak-", ignore_cleanup_errors=True) as folder:
        repository = Path(folder, "workspace")
        repository.mkdir()
        commit_files(repository)
        with ScriptedModel(script=reply) as model:
            removed = {name: None for name in os.environ if name.startswith(("OPENCODE_", "XDG_"))}
            env = {
                **removed,
                **model.install(Path(folder, "home"), **_SETTINGS),
                **NO_INTERNET,
                "TMPDIR": folder,
            }
            killed = _KilledServer(repository, env, kill_s, model)
            asyncio.run(_serve(pipe, killed, str(repository), seed))


async def _serve(pipe: Any, killed: _KilledServer, directory: str, seed: int) -> None:
    proxy = FaultProxy(killed.port, seed)
    await proxy.start()
    await asyncio.to_thread(killed.start)
    pipe.send((f"http://127.0.0.1:{killed.port}", proxy.url, directory))
    await asyncio.to_thread(pipe.recv)
    await asyncio.to_thread(killed.calm)
    proxy.calm()
    pipe.send({"restarts": killed.restarts, "faults": dict(proxy.faults), "prompts": dict(proxy.prompts)})
    await asyncio.to_thread(pipe.recv)
    killed.server.close()


class _KilledServer:
    """A server that a thread kills and starts again, on the same port and with the same files, until `calm`."""

    def __init__(
        self, repository: Path, env: dict[str, str | None], kill_s: float, model: ScriptedModel
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.restarts: int = 0
        self._repository = repository
        self._env = env
        self.server: OpencodeServer = self._make()
        self._kill_s = kill_s
        self._model = model
        self._calm = threading.Event()
        self._thread = threading.Thread(target=self._kill_often)

    def _make(self) -> OpencodeServer:
        return OpencodeServer(
            get_server(NEW),
            directory=self._repository,
            port=self.port,
            env=self._env,
            password="",
            startup_timeout_s=120,
        )

    def start(self) -> None:
        """Start the server and the thread."""
        self.server.start()
        self._thread.start()

    def calm(self) -> None:
        """Stop killing it. Return when it runs."""
        self._calm.set()
        self._thread.join()

    def _kill_often(self) -> None:
        wait_s = min(self._kill_s, _FIRST_KILL_S)
        while not self._calm.wait(wait_s):
            wait_s = self._kill_s
            assert self.server.pid is not None
            os.kill(self.server.pid, signal.SIGKILL)
            self.server.close()
            self._model.clear()
            self._calm.wait(_PAUSE_S)
            self.server = self._make()
            self.server.start()
            self.restarts += 1
