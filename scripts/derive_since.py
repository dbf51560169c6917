"""Derive since.json: the first committed document with each operation, and the last one without it.

`python -m scripts.derive_since` writes it; tests/normalise/test_kinds.py compares.
"""

from __future__ import annotations

import json
from itertools import pairwise

from scripts.documents import operations
from scripts.normalise.kinds import SINCE
from scripts.recordings import DOCUMENTED, document


def derive() -> dict[str, dict[str, str | None]]:
    """Return for each operationId `absent`, the newest version without it or None, and `since`, the oldest with it."""
    found: dict[str, dict[str, str | None]] = {}
    for older, version in pairwise([None, *DOCUMENTED]):
        for name in sorted(operations(document(version or "")).values()):
            found.setdefault(name, {"absent": older, "since": version})
    return found


def text() -> str:
    """Return the text of since.json."""
    return json.dumps({"newest": DOCUMENTED[-1], "operations": derive()}, indent=1) + "\n"


if __name__ == "__main__":
    SINCE.write_text(text(), encoding="utf-8", newline="\n")
