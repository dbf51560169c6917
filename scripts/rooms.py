"""The generated files, which nobody edits. `.gitattributes` lists the same."""

from __future__ import annotations

import os
from pathlib import Path

import opencode_client

ROOT = Path(__file__).resolve().parent.parent
"""The folder of this project; for an installed package, a folder into which its generator is unpacked."""

PACKAGE = "opencode_client"
IN_PROJECT = (ROOT / PACKAGE).is_dir()
"""False for an installed package."""

SOURCE = ROOT / PACKAGE if IN_PROJECT else Path(opencode_client.__file__).parent
"""The package with the handwritten modules, which generated packages get."""

_CACHES = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
CACHE = ROOT / ".cache" / "opencode" if IN_PROJECT else _CACHES / "opencode-client"
"""Servers from npm are kept here: in the project, or for an installed package in the user's folder for caches."""

REFERENCE = ROOT / "docs" / "api"
"""The API reference, which `make docs` writes."""

ROOMS = ("api", "models", "_spec.py")
"""The generated folders and files of the package, each replaced as a whole."""

TWINS = {
    "client.py": "async_client.py",
    "client_calls.py": "async_client_calls.py",
    "client_turns.py": "async_client_turns.py",
    "calls/caller.py": "calls/async_caller.py",
    "calls/connections.py": "calls/async_connections.py",
    "calls/http_connection.py": "calls/async_http_connection.py",
    "calls/paginator.py": "calls/async_paginator.py",
    "calls/server_check.py": "calls/async_server_check.py",
    "calls/tls.py": "calls/async_tls.py",
    "terminals/connection.py": "terminals/async_connection.py",
    "terminals/exit_watch.py": "terminals/async_exit_watch.py",
    "terminals/receiver.py": "terminals/async_receiver.py",
    "terminals/temporary.py": "terminals/async_temporary.py",
    "streams/aborter.py": "streams/async_aborter.py",
    "streams/body.py": "streams/async_body.py",
    "streams/connection.py": "streams/async_connection.py",
    "streams/fan_out.py": "streams/async_fan_out.py",
    "streams/filtered_stream.py": "streams/async_filtered_stream.py",
    "streams/items.py": "streams/async_items.py",
    "streams/receiver.py": "streams/async_receiver.py",
    "streams/shared_stream.py": "streams/async_shared_stream.py",
    "streams/stream.py": "streams/async_stream.py",
    "turns/asks.py": "turns/async_asks.py",
    "turns/calls.py": "turns/async_calls.py",
    "turns/hub.py": "turns/async_hub.py",
    "turns/many.py": "turns/async_many.py",
    "turns/turn.py": "turns/async_turn.py",
}
"""The synchronous modules that `make generate` writes, each with its source."""
