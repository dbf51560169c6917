"""Start `opencode serve` and end it, or use a server that runs already."""

from __future__ import annotations

from .opencode_server import OpencodeServer

__all__ = ["OpencodeServer"]
