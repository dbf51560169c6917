"""The program of examples/web in this process, at an address of its own."""

from __future__ import annotations

import importlib.util
import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import uvicorn

from scripts.rooms import ROOT


@contextmanager
def web_example(opencode_url: str, directory: Path) -> Generator[str]:
    """Run the program with the opencode server at `opencode_url`, in `directory`. Yields its URL."""
    with (
        mock.patch.dict(os.environ, {"OPENCODE_BASE_URL": opencode_url}),
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        app = _app()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        before = Path.cwd()
        os.chdir(directory)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            host, port = listener.getsockname()
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            thread.join()
            os.chdir(before)


def _app() -> Any:  # Any: a module without types here
    spec = importlib.util.spec_from_file_location("web_example_app", ROOT / "examples" / "web" / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app
