"""The report as text for people and as JSON for jobs, with an exit code for the worst change."""

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
"""The same change of this many operations or models, or more, is one line."""


@frozen
class Report:
    """The changes between two states, with their names and their servers' versions."""

    names: tuple[str, str]
    versions: tuple[str, str]
    changes: list[Change]

    @property
    def status(self) -> Status:
        """`breaking` if one of the changes is."""
        if any(change.breaking for change in self.changes):
            return "breaking"
        return "changed" if self.changes else "unchanged"

    @property
    def _breaking(self) -> int:
        return sum(change.breaking for change in self.changes)

    def to_dict(self) -> Json:
        """`build/report.json`; CONTRIBUTING.md describes its members."""
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
            "breaking": self._breaking,
            "changes": [asdict(change) for change in self.changes],
        }

    def text(self, limit: int | None = None, rest: str = "in build/report.txt") -> str:
        """The report as text. With `limit`, each group has at most that many lines; `rest` says where all are."""
        lines = [self._title()]
        for heading, changes in self._groups():
            found = list(folded(changes))
            shown = found[:limit]
            lines += ["", f"{heading} ({len(changes)})", *shown]
            if len(shown) < len(found):
                lines.append(f"  ... and {len(found) - len(shown)} more lines {rest}")
        return "\n".join(lines) + "\n"

    def _title(self) -> str:
        old, new = (version or "?" for version in self.versions)
        versions = f"{old} -> {new}" if old != new else old
        title = f"From {self.names[0]} to {self.names[1]}, opencode {versions}: {self.status}"
        return (
            f"{title}, {self._breaking} of {len(self.changes)} changes are breaking"
            if self.changes
            else title
        )

    def _groups(self) -> Iterator[tuple[str, list[Change]]]:
        groups = (
            ("Breaking", [c for c in self.changes if c.breaking]),
            ("Added", [c for c in self.changes if not c.breaking and c.kind == "added"]),
            ("Changed", [c for c in self.changes if not c.breaking and c.kind not in ("added", "reworded")]),
            ("Descriptions and limits", [c for c in self.changes if not c.breaking and c.kind == "reworded"]),
        )
        for heading, changes in groups:
            for part, name in _PARTS.items():
                chosen = [change for change in changes if change.part == part]
                if chosen:
                    yield f"{heading}, {name}", chosen


def folded(changes: list[Change]) -> Iterator[str]:
    """One line for each change; the same change of several operations or models is one line."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for change in changes:
        owner, _, path = change.where.partition(" / ")
        kind, _, name = owner.partition(" ")
        text = f"{change.text} [{change.direction}]" if change.direction else change.text
        key = (kind, path or name, text) if path else (owner, "", text)
        groups.setdefault(key, []).append(name)
    for (kind, path, text), names in groups.items():
        tail = f" / {path}" if path else ""
        if path and len(names) >= _FOLDED:
            yield f"  {len(names)} {kind}s{tail}: {text} ({', '.join(names)})"
        else:
            yield from (f"  {kind} {name}{tail}: {text}" if path else f"  {kind}: {text}" for name in names)
