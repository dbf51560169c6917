"""`make demo`: talk to an agent on a real server with a scripted model; no key, no account.

Downloads the pinned opencode from npm (once, into .cache), starts it in a new folder, and runs examples/chat.py with a
prompt and a permission that are typed for you.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from opencode_client import OpencodeServer
from opencode_client._spec import OPENCODE_VERSION
from opencode_client.model import JsonObject
from opencode_client.testing import Reply, ScriptedModel, ToolCall
from scripts.npm_server import NpmError, get_server
from scripts.rooms import ROOT

_CHAT = ROOT / "examples" / "chat.py"
_TYPED = "Does greet.py work?\ny\n\n"
_LOOK = {"description": "Read greet.py", "prompt": "Read greet.py.", "subagent_type": "general"}
_RUN = {"command": "python3 greet.py", "description": "Run greet.py"}
_SUBAGENT = [
    Reply(tools=[ToolCall(name="read", arguments={"filePath": "greet.py"})]),
    Reply(text="It prints a greeting."),
]
_AGENT = [
    Reply(
        reasoning="Somebody should read the file first. I let a subagent do that, and then I run it.",
        text="I will have it read, and then run it.",
        tools=[ToolCall(name="task", arguments=_LOOK)],
        chunks=12,
        delay_s=0.05,
    ),
    Reply(tools=[ToolCall(name="bash", arguments=_RUN)]),
    Reply(
        text="Yes. It prints a greeting, and it ran without an error.\n"
        "I am scripted, but the server, its tools and the client between us are real.",
        chunks=25,
        delay_s=0.05,
    ),
]


def _script(request: JsonObject) -> Reply:
    """Return the next reply of the agent, or of its subagent."""
    messages = request["messages"]
    step: int = sum(message["role"] == "assistant" for message in messages)
    prompts = json.dumps([message for message in messages if message["role"] == "user"])
    return (_SUBAGENT if _LOOK["prompt"] in prompts else _AGENT)[step]


def _print(text: str) -> None:
    print(f"==> {text}", flush=True)


def _demo(folder: Path) -> int:
    _print(f"get opencode {OPENCODE_VERSION} (from .cache, or 60 MB from npm, once)")
    executable = get_server(OPENCODE_VERSION)
    home, workspace = folder / "home", folder / "workspace"
    workspace.mkdir()
    home.mkdir()
    (workspace / "greet.py").write_text('print("Hello from greet.py")\n', encoding="utf-8")
    with ScriptedModel(script=_script) as model:
        env = model.install(home, permission={"bash": "ask"})
        _print("start it with the scripted model as its only provider")
        with OpencodeServer(executable, directory=workspace, env=env, password="") as server:
            _print(f"opencode {server.version} runs at {server.url}")
            _print(f"run {_CHAT.relative_to(ROOT)}; the prompt and the answer `y` are typed for you")
            environment = {**os.environ, "OPENCODE_BASE_URL": server.url, "PYTHONUNBUFFERED": "1"}
            chat = [sys.executable, str(_CHAT)]
            code = subprocess.run(
                chat, cwd=workspace, env=environment, input=_TYPED, text=True, check=False
            ).returncode
    print()
    _print("done: the server and the model have stopped" if code == 0 else f"the chat failed: {code}")
    return code


def main() -> int:
    """Return 0 when the chat ran."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="opencode-demo-") as folder:
        try:
            return _demo(Path(folder).resolve())
        except NpmError as error:
            print(f"make demo: {error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
