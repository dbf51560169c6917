"""The committed tables of operations: kinds.toml, written by hand, and since.json, derived from documents."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import field, frozen

KINDS = Path(__file__).with_name("kinds.toml")
SINCE = Path(__file__).with_name("since.json")
_KINDS = frozenset({"blocking", "request", "stream", "websocket"})


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)


@frozen(kw_only=True)
class Kind:
    """An operation's entry in kinds.toml."""

    id: str
    reason: str
    kind: str = "request"
    consumes: bool = False
    filters: tuple[str, ...] = field(default=(), converter=tuple)
    numbers: tuple[str, ...] = field(default=(), converter=tuple)
    location: str | None = None
    resumes: str | None = None
    late: bool = False
    pages: str | None = None
    options: tuple[str, ...] = field(default=(), converter=_texts)
    note: str = ""
    headers: dict[str, str] = field(factory=dict[str, str])


def read_kinds(path: Path = KINDS) -> dict[str, Kind]:
    """Return the entries by operationId.

    Raises:
        ValueError: an entry has no reason, is there twice, or has a key that nothing reads.
    """
    entries: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8")).get("operation", [])
    kinds: dict[str, Kind] = {}
    for entry in entries:
        try:
            kind = Kind(**entry)
        except TypeError as error:
            raise ValueError(f"{path.name}: {entry}: {error}") from None
        if kind.kind not in _KINDS:
            raise ValueError(f"{path.name}: {kind.id}: no kind {kind.kind!r}")
        if kind.id in kinds:
            raise ValueError(f"{path.name}: {kind.id} has two entries")
        kinds[kind.id] = kind
    return kinds


def read_since(path: Path = SINCE) -> tuple[str, dict[str, dict[str, str | None]]]:
    """Return the newest version of the documents, and {operationId: {absent, since}}."""
    held = json.loads(path.read_text(encoding="utf-8"))
    return held["newest"], held["operations"]
