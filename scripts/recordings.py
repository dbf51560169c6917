"""The committed recordings: responses and events of real servers, and their documents.

`tests/data/documents/<version>.json.gz` is a server's `/doc` as served. `tests/data/recorded/<version>.json.gz` holds
`operations` (operationId -> [{tag, request, response}]), `streams` and `other` (name -> [[seconds, event]]).
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import Any

from scripts.rooms import ROOT

DATA = ROOT / "tests" / "data"
DOCUMENTED = ("1.1.31", "1.2.27", "1.3.2", "1.14.48", "1.15.13", "1.17.19", "1.18.33")
RECORDED = ("1.1.31", "1.18.33")


def document(version: str) -> dict[str, Any]:
    """Parse a server's document; each call returns a new one, which may be changed."""
    parsed: dict[str, Any] = json.loads(
        gzip.decompress((DATA / "documents" / f"{version}.json.gz").read_bytes())
    )
    return parsed


@cache
def recording(version: str) -> dict[str, Any]:
    """The recording of a server; shared, so do not change it."""
    parsed: dict[str, Any] = json.loads(
        gzip.decompress((DATA / "recorded" / f"{version}.json.gz").read_bytes())
    )
    return parsed


def events(version: str, stream: str) -> list[dict[str, Any]]:
    """The events of one recorded stream, in order."""
    recorded = recording(version)
    timed = recorded["streams"].get(stream) or recorded["other"][stream]
    return [event for _, event in timed]


def answers(version: str) -> list[tuple[str, str, int, Any]]:
    """Every recorded JSON response as (operationId, tag, status, body)."""
    return [
        (operation, exchange["tag"], exchange["response"]["status"], exchange["response"]["json"])
        for operation, exchanges in recording(version)["operations"].items()
        for exchange in exchanges
        if isinstance(exchange["response"].get("status"), int)
        and exchange["response"].get("json") is not None
    ]
