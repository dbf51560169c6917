"""The blocks of Python in the README and in docs/terminals.md."""

from __future__ import annotations

import re

from scripts.rooms import ROOT


def _blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)


BLOCKS = _blocks("README.md")
TERMINAL_BLOCKS = _blocks("docs/terminals.md")


def needs_server(block: str) -> bool:
    """Whether a block makes requests."""
    return (
        re.search(r"^ *(async )?(with )?(Async)?Opencode(Client|Server)\(|^asyncio\.run", block, re.MULTILINE)
        is not None
    )
