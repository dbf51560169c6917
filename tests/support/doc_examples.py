"""The Python blocks in README.md, docs/terminals.md and docs/turns.md."""

from __future__ import annotations

import re

from scripts.rooms import ROOT


def _blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


_SHOWN = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)

BLOCKS = _blocks("README.md")
TERMINAL_BLOCKS = _blocks("docs/terminals.md")
TURN_BLOCKS = _blocks("docs/turns.md")


def shown_outputs(block: str) -> list[str]:
    """Return the comments that follow a `print(...)` on the same line.

    In README blocks that need no server, `tests/test_readme.py` requires each comment to end with a printed line.
    """
    return _SHOWN.findall(block)


def needs_server(block: str) -> bool:
    """Return True if a block makes requests."""
    return (
        re.search(r"^ *(async )?(with )?(Async)?Opencode(Client|Server)\(|^asyncio\.run", block, re.MULTILINE)
        is not None
    )
