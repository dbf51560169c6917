"""`make api-diff AGAINST=<git ref>`: what changed from a commit to the work tree; nothing is pulled.

Writes build/report.json and build/report.txt. With CHECK=1 the exit code is 10 when something changed and 20 when
something of it is breaking.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from scripts.changes.change import Change
from scripts.changes.document import compare_documents
from scripts.changes.python import compare_packages
from scripts.changes.report import EXIT_CODES, Report
from scripts.changes.states import State, StateError, committed, work_tree
from scripts.rooms import ROOT

REPORT = "report.json"
_LIMIT = 40


def main(arguments: list[str] | None = None) -> int:
    """0, with CHECK=1 also 10 or 20, or 1 with a reason when a state cannot be read."""
    parser = argparse.ArgumentParser(
        prog="make api-diff", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("against", nargs="?", default="HEAD", help="a git ref (default: HEAD)")
    return say(parser.parse_args(arguments).against)


def say(against: str, root: Path = ROOT) -> int:
    """Print the report from `against` to the work tree and keep it in build; the exit code as of `main`."""
    forget(root)
    try:
        report = make_report(against, root)
    except StateError as error:
        print(f"no change report: {error}", file=sys.stderr)
        return 1
    build = root / "build"
    build.mkdir(exist_ok=True)
    written = json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n"
    (build / REPORT).write_text(written, encoding="utf-8")
    (build / "report.txt").write_text(report.text(), encoding="utf-8")
    print(report.text(_LIMIT), end="")
    return EXIT_CODES[report.status] if os.environ.get("CHECK") == "1" else 0


def forget(root: Path = ROOT) -> None:
    """Remove the last report, so that none is taken for that of a run that failed."""
    (root / "build" / REPORT).unlink(missing_ok=True)
    (root / "build" / "report.txt").unlink(missing_ok=True)


def make_report(against: str, root: Path) -> Report:
    """What changed from the commit to the work tree in `root`.

    Raises:
        StateError: one of them cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="opencode-client-") as scratch:
        old, new = committed(against, root, Path(scratch)), work_tree(root)
        changes = [*_documents(old, new), *compare_packages(old.folder, new.folder)]
    return Report((old.name, new.name), (old.version, new.version), changes)


def _documents(old: State, new: State) -> list[Change]:
    try:
        return compare_documents(old.document, new.document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        names = f"openapi.json of {old.name} or of {new.name}"
        raise StateError(
            f"{names}: no OpenAPI document that can be read: {type(error).__name__}: {error}"
        ) from error
