"""`make next-version`: the version that the next release needs, and the reasons.

The last release is the newest tag `v1.2.3` before HEAD; AGAINST=<git ref> names another. The version follows from the
change report from there to the work tree. With CHECK=1 the exit code is 1 if the package's version is lower, or if a
handwritten name is gone that was not deprecated in the last release.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from attrs import frozen

from scripts.changes.change import Change
from scripts.changes.command import changes_between
from scripts.changes.report import folded
from scripts.changes.states import StateError, committed, work_tree
from scripts.changes.surface import Surface, is_generated, read_surface
from scripts.rooms import PACKAGE, ROOT

DEPRECATED = "Deprecated since "
"""A docstring with this text announces that its name, or an argument that it names, goes away."""

_VERSION = re.compile(r'^__version__ = "(\d+)\.(\d+)\.(\d+)[^"]*"', re.M)
_SHOWN = 10


@frozen(order=True)
class Version:
    """A version without the part for pre-releases: 0.2.0rc1 counts as 0.2.0."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def after(self, changes: list[Change]) -> tuple[Version, str]:
        """Return the version that a release with these changes needs, and the rule that gives it."""
        breaking = any(change.breaking for change in changes)
        if breaking and self.major:
            return Version(self.major + 1, 0, 0), "a breaking change raises the first number"
        if breaking:
            return Version(0, self.minor + 1, 0), "before 1.0.0, a breaking change raises the second number"
        if any(change.kind == "added" for change in changes) and self.major:
            return Version(self.major, self.minor + 1, 0), "something new raises the second number"
        return Version(self.major, self.minor, self.patch + 1), "all else raises the third number"


def main(root: Path = ROOT) -> int:
    """Print the next version with its reasons; return 0, or 1 as the module says, or if a state cannot be read."""
    try:
        current = read_version(root)
        against = os.environ.get("AGAINST") or last_release(root)
        if not against:
            print(
                f"{current}: the first release. No tag v* is before HEAD; {PACKAGE}/__init__.py has this version."
            )
            return 0
        with tempfile.TemporaryDirectory(prefix="opencode-client-") as scratch:
            old, new = committed(against, root, Path(scratch)), work_tree(root)
            changes = changes_between(old, new)
            released, rough = read_version(old.folder), undeprecated(read_surface(old.folder), changes)
    except StateError as error:
        print(f"no next version: {error}", file=sys.stderr)
        return 1
    needed, rule = released.after(changes)
    print("\n".join(_lines(needed, rule, old.name, changes)))
    problems = [f"{name} is gone, and the last release did not say that it is deprecated" for name in rough]
    if current < needed:
        problems.append(f'{PACKAGE}/__init__.py has {current}; set __version__ = "{needed}"')
    print("".join(f"! {problem}\n" for problem in problems), end="")
    return 1 if problems and os.environ.get("CHECK") == "1" else 0


def read_version(folder: Path) -> Version:
    """Return the version of the package in `folder`.

    Raises:
        StateError: the package has no version of three numbers.
    """
    file = folder / PACKAGE / "__init__.py"
    found = _VERSION.search(file.read_text(encoding="utf-8")) if file.exists() else None
    if found is None:
        raise StateError(f'{PACKAGE}/__init__.py has no line such as __version__ = "1.2.3"')
    return Version(*map(int, found.groups()))


def last_release(root: Path) -> str:
    """Return the newest tag of a release before HEAD, without those of `current` and of pre-releases; "" if none.

    Raises:
        StateError: there is no git, or this is not a clone with its tags.
    """
    if _git(root, "rev-parse", "--is-shallow-repository") != "false":
        raise StateError(f"{root} is not a full clone, so tags may be missing: git fetch --unshallow --tags")
    here = _git(root, "tag", "--points-at", "HEAD").splitlines()
    leave_out = [f"--exclude={tag}" for tag in ("v*[a-z]*", *here)]
    return _git(root, "describe", "--tags", "--abbrev=0", "--match=v[0-9]*", *leave_out)


def _git(root: Path, *arguments: str) -> str:
    """Return the output of git, or "" if it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise StateError(f"git cannot be run: {error}") from error
    return "" if done.returncode else done.stdout.strip()


def undeprecated(old: Surface, changes: list[Change]) -> list[str]:
    """Return the handwritten names and arguments that are gone and were not deprecated in `old`.

    Names that the server's document gave are not listed: the server's authors remove them.
    """
    gone = [change.where for change in changes if change.part == "python" and change.breaking
            and change.kind in ("removed", "moved")]  # fmt: skip
    return [where for where in gone if not _is_announced(old, where)]


def _is_announced(old: Surface, where: str) -> bool:
    label, _, argument = where.rstrip(")").partition("(")
    item = old.items.get(label)
    if item is None or is_generated(item):
        return True
    docstring = item.docstring.value if item.docstring else ""
    lines = [line for line in docstring.split("\n") if DEPRECATED in line]
    return any(not argument or f"`{argument}`" in line for line in lines)


def _lines(needed: Version, rule: str, old: str, changes: list[Change]) -> list[str]:
    breaking = [change for change in changes if change.breaking]
    title = f"{needed}: {rule}. From {old}: {len(breaking)} of {len(changes)} changes are breaking."
    reasons = breaking or [change for change in changes if change.kind == "added"]
    found = list(folded(reasons))
    rest = (
        [f"  ... and {len(found) - _SHOWN} more lines; `make api-diff` lists all"]
        if len(found) > _SHOWN
        else []
    )
    return [title, *found[:_SHOWN], *rest]


if __name__ == "__main__":
    sys.exit(main())
