"""Arguments that subcommands have in common, and the client that they make."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..client import OpencodeClient


def add_connection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--url`, `--directory` and `--json`."""
    parser.add_argument(
        "--url",
        help="the server (default: OPENCODE_BASE_URL, or http://127.0.0.1:4096); "
        "the password is read from OPENCODE_SERVER_PASSWORD",
    )
    parser.add_argument(
        "--directory", default=".", help="the project on the server's machine (default: this folder)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one object in each line")


def connected(given: argparse.Namespace, *, timeout: float = 10.0) -> OpencodeClient:
    """Return a client for the arguments. A password from the environment is sent to the server of `--url`, too.

    Raises:
        ArgumentError: the URL is wrong.
    """
    from ..client import OpencodeClient

    password = os.environ.get("OPENCODE_SERVER_PASSWORD") if given.url and "@" not in given.url else None
    return OpencodeClient(
        given.url, directory=given.directory, password=password, timeout=timeout, max_retries=0
    )
