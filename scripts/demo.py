"""`make demo`: run the quick start against a real server with a scripted model; no key, no account.

Downloads the pinned opencode from npm (once, into .cache), starts it in an empty folder and runs examples/quickstart.py
unchanged; each request is shown with its status and time.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from opencode_client import OpencodeServer
from opencode_client._spec import OPENCODE_VERSION
from opencode_client.testing import Reply, ScriptedModel
from scripts.npm_server import NpmError, get_server
from scripts.rooms import ROOT

_QUICK_START = ROOT / "examples" / "quickstart.py"
_REPLY = Reply(text="Hello! I am scripted, but everything between us is real.", chunks=5)
_RUN = f"""
import logging, runpy, sys
logging.basicConfig(stream=sys.stdout, format="        %(message)s", level=logging.DEBUG)
for name in ("asyncio", "httpcore", "httpx"):
    logging.getLogger(name).setLevel(logging.WARNING)
runpy.run_path({str(_QUICK_START)!r})
"""


def _print(text: str) -> None:
    print(f"==> {text}", flush=True)


def _demo(folder: Path) -> int:
    _print(f"get opencode {OPENCODE_VERSION} (from .cache, or 60 MB from npm, once)")
    executable = get_server(OPENCODE_VERSION)
    home, workspace = folder / "home", folder / "workspace"
    workspace.mkdir()
    home.mkdir()
    with ScriptedModel(_REPLY) as model:
        _print("start it with the scripted model as its only provider")
        with OpencodeServer(executable, directory=workspace, env=model.install(home), password="") as server:
            _print(f"opencode {server.version} runs at {server.url}")
            _print(f"run {_QUICK_START.relative_to(ROOT)}; indented lines are its client's DEBUG log\n")
            environment = {**os.environ, "OPENCODE_BASE_URL": server.url, "PYTHONUNBUFFERED": "1"}
            code = subprocess.run(
                [sys.executable, "-c", _RUN], cwd=workspace, env=environment, check=False
            ).returncode
    print()
    _print("done: the server and the model have stopped" if code == 0 else f"the quick start failed: {code}")
    return code


def main() -> int:
    """Return 0 when the quick start ran."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    print(_QUICK_START.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="opencode-demo-") as folder:
        try:
            return _demo(Path(folder).resolve())
        except NpmError as error:
            print(f"make demo: {error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
