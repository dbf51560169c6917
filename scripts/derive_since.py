"""Derive since.json: the first committed document with each operation, the last one without it, and its route.

`python -m scripts.derive_since` writes it; tests/normalise/test_kinds.py compares.
"""

from __future__ import annotations

import json
from itertools import pairwise

from scripts.documents import operations
from scripts.normalise.kinds import SINCE, route
from scripts.recordings import DOCUMENTED, document


def derive() -> dict[str, dict[str, str | None]]:
    """Return for each operationId its row in since.json, see `kinds.Since`."""
    found: dict[str, dict[str, str | None]] = {}
    for older, version in pairwise([None, *DOCUMENTED]):
        for (method, path), name in sorted(
            operations(document(version or "")).items(), key=lambda item: item[1]
        ):
            found.setdefault(name, {"absent": older, "since": version, "route": route(method, path)})
    return found


def text() -> str:
    """Return the text of since.json."""
    return json.dumps({"versions": DOCUMENTED, "operations": derive()}, indent=1) + "\n"


if __name__ == "__main__":
    SINCE.write_text(text(), encoding="utf-8", newline="\n")
