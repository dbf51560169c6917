"""Derive since.json: which of the committed documents has each operation first, and which is the last without it.

`python -m scripts.derive_since` writes it; tests/normalise/test_kinds.py compares.
"""

from __future__ import annotations

import json
from itertools import pairwise

from scripts.documents import operations
from scripts.normalise.kinds import SINCE
from scripts.recordings import DOCUMENTED, document


def derive() -> dict[str, dict[str, str | None]]:
    """{operationId: {"absent": newest version without it, None if all have it, "since": oldest version with it}}."""
    found: dict[str, dict[str, str | None]] = {}
    for older, version in pairwise([None, *DOCUMENTED]):
        for name in sorted(operations(document(version or "")).values()):
            found.setdefault(name, {"absent": older, "since": version})
    return found


def text() -> str:
    """The file's content."""
    return json.dumps({"newest": DOCUMENTED[-1], "operations": derive()}, indent=1) + "\n"


if __name__ == "__main__":
    SINCE.write_text(text(), encoding="utf-8", newline="\n")
