"""The committed tables of operations: kinds.toml, written by hand, and since.json, derived from documents."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterable
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


def route(method: str, path: str) -> str:
    """Return an operation's place without the names of its parameters: `GET /session/{}`, also for `/session/*`."""
    return f"{method.upper()} {re.sub(r'{[^}]*}|[*]', '{}', path)}"


VERSION_PATHS = ("/global/health", "/api/info")
"""The paths with the version of opencode 1.x and 2.x."""


@frozen
class Since:
    """The operations of opencode's own versions: `versions` were compared, from old to new.

    `rows`: for each operationId `absent`, the newest version without it or None; `since`, the oldest with it; `route`.
    """

    versions: tuple[str, ...]
    rows: dict[str, dict[str, Any]]

    def is_other(self, name: str, place: str) -> bool:
        """Return True if opencode 1.x has this operationId for another route."""
        return name in self.rows and self.rows[name]["route"] != place

    def is_related(self, places: Iterable[tuple[str, str]]) -> bool:
        """Return True if opencode 1.x has one of these (operationId, route): only then its deviations may occur."""
        return any(self.rows.get(name, {}).get("route") == place for name, place in places)

    def describes(self, places: Collection[str]) -> bool:
        """Return True if a document with these routes may be one of opencode 1.x.

        Each version has all operations of the older ones. A document that lacks one of them, or that has an operation
        of its own although it lacks some of the newest version, is another program's.
        """
        ages = {row["route"]: self.versions.index(row["since"]) for row in self.rows.values()}
        newest = max((ages[place] for place in places if place in ages), default=-1)
        expected = {place for place, age in ages.items() if age < newest}
        has_own = any(place not in ages for place in places)
        has_all = set(ages) <= set(places)
        return newest >= 0 and expected <= set(places) and (has_all or not has_own)

    def versions_of(self, name: str, places: Collection[str]) -> dict[str, str | None]:
        """Return `absent` and `since` of an operation of a document with these routes.

        In a document that is not opencode's own, `since` is "". `absent` is "" if the server shows a version: then its
        document is asked, else nothing is known and None.
        """
        if not self.describes(places):
            has_version = any(route("get", path) in places for path in VERSION_PATHS)
            return {"absent": "" if has_version else None, "since": ""}
        return self.row(name)

    def row(self, name: str) -> dict[str, str | None]:
        """Return `absent` and `since` of an operation in opencode's own versions."""
        row = self.rows.get(name, {"absent": self.versions[-1], "since": None})
        return {"absent": row["absent"], "since": row["since"]}


def read_since(path: Path = SINCE) -> Since:
    """Return the committed table."""
    held = json.loads(path.read_text(encoding="utf-8"))
    return Since(tuple(held["versions"]), held["operations"])
