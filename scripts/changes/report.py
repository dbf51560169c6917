"""The report: for people and, as JSON, for jobs. Its exit codes say what the worst of it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import asdict, frozen

from scripts.changes.change import Change
from scripts.normalise.schema import Json

Status = Literal["unchanged", "changed", "breaking"]
EXIT_CODES: dict[Status, int] = {"unchanged": 0, "changed": 10, "breaking": 20}
_PARTS = {"document": "the server's document", "python": "Python"}
_FOLDED = 3
"""From so many operations or models on, the same change of each is one line."""


@frozen
class Report:
    """What changed between two states, by their names and their servers' versions."""

    names: tuple[str, str]
    versions: tuple[str, str]
    changes: list[Change]

    @property
    def status(self) -> Status:
        """The worst of the changes."""
        return (
            "breaking"
            if any(c.breaking for c in self.changes)
            else "changed"
            if self.changes
            else "unchanged"
        )

    def to_dict(self) -> Json:
        """`build/report.json`; its form stands in CONTRIBUTING.md."""
        old, new = (
            {"name": name, "opencode_version": version}
            for name, version in zip(self.names, self.versions, strict=True)
        )
        return {
            "format": 1,
            "status": self.status,
            "exit_code": EXIT_CODES[self.status],
            "old": old,
            "new": new,
            "breaking": sum(change.breaking for change in self.changes),
            "changes": [asdict(change) for change in self.changes],
        }

    def text(self, limit: int | None = None) -> str:
        """The report to read; with `limit` no part of it is longer than that many lines."""
        lines = [self._title()]
        for heading, changes in self._groups():
            found = list(_folded(changes))
            cut = found if limit is None or len(found) <= limit else found[:limit]
            more = (
                [f"  ... and {len(found) - len(cut)} more lines in build/report.txt"]
                if len(cut) < len(found)
                else []
            )
            lines += ["", f"{heading} ({len(changes)})", *cut, *more]
        return "\n".join(lines) + "\n"

    def _title(self) -> str:
        versions = [version or "?" for version in self.versions]
        moved = " -> ".join(versions) if versions[0] != versions[1] else versions[0]
        title = f"From {self.names[0]} to {self.names[1]}, opencode {moved}: {self.status}"
        broken = sum(change.breaking for change in self.changes)
        return f"{title}, {broken} of {len(self.changes)} changes are breaking" if self.changes else title

    def _groups(self) -> Iterator[tuple[str, list[Change]]]:
        groups = (
            ("Breaking", [c for c in self.changes if c.breaking]),
            ("Added", [c for c in self.changes if not c.breaking and c.kind == "added"]),
            ("Changed", [c for c in self.changes if not c.breaking and c.kind not in ("added", "reworded")]),
            ("Other words", [c for c in self.changes if not c.breaking and c.kind == "reworded"]),
        )
        for heading, changes in groups:
            for part, said in _PARTS.items():
                chosen = [change for change in changes if change.part == part]
                if chosen:
                    yield f"{heading}, {said}", chosen


def _folded(changes: list[Change]) -> Iterator[str]:
    """A line for each change; the same change of several operations or models is one line."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for change in changes:
        owner, _, path = change.where.partition(" / ")
        what, _, name = owner.partition(" ")
        alike.setdefault((what, path or name, change.text) if path else (owner, "", change.text), []).append(
            name
        )
    for (what, path, text), names in alike.items():
        tail = f" / {path}" if path else ""
        if path and len(names) >= _FOLDED:
            yield f"  {len(names)} {what}s{tail}: {text} ({', '.join(names)})"
        else:
            yield from (f"  {what} {name}{tail}: {text}" if path else f"  {what}: {text}" for name in names)
