"""The Python blocks of README.md, README.zh.md and the pages in docs and docs/zh."""

from __future__ import annotations

import re

from scripts.rooms import ROOT

_ELSEWHERE = {"docs/testing.md", "docs/zh/testing.md"}
"""Pages whose blocks are tests: tests/test_testing_page.py and tests/live/test_testing_page.py run them."""

_SHOWN = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)


def blocks(page: str) -> list[str]:
    """Return the blocks of a page that begin with ```python; fragments, which cannot run, begin with ```py."""
    return re.findall(
        r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def pages_that_import_the_client() -> list[str]:
    """Return the pages that have code which imports the client."""
    paths = [*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "zh").glob("*.md")]
    pages = sorted({path.relative_to(ROOT).as_posix() for path in paths} - _ELSEWHERE)
    return [page for page in pages if "from opencode_client" in "".join(blocks(page))]


def shown_outputs(block: str) -> list[str]:
    """Return the comments that follow a `print(...)` on the same line: each ends with a line that is printed."""
    return _SHOWN.findall(block)


def missing_outputs(code: list[str], printed: str) -> list[str]:
    """Return the comments behind prints that do not end with a printed line."""
    lines = tuple(line.strip() for line in printed.splitlines() if line.strip())
    return [comment for block in code for comment in shown_outputs(block) if not comment.endswith(lines)]
