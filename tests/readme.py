"""The blocks of Python in the README."""

from __future__ import annotations

import re

from scripts.rooms import ROOT

BLOCKS: list[str] = re.findall(
    r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
)


def needs_server(block: str) -> bool:
    """Whether a block makes requests."""
    return (
        re.search(r"^ *(async )?(with )?(Async)?Opencode(Client|Server)\(|^asyncio\.run", block, re.MULTILINE)
        is not None
    )
