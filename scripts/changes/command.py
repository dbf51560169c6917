"""`make api-diff AGAINST=<git ref>`: report the changes from a commit to the work tree; no server is needed.

Writes build/report.json and build/report.txt. With CHECK=1 the exit code is 10 when something changed and 20 when a
change is breaking.
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
LIMIT = 40
"""The most lines that a group of changes gets on the screen."""


def main(arguments: list[str] | None = None) -> int:
    """Return 0, with CHECK=1 also 10 or 20, or 1 after printing why a state cannot be read."""
    parser = argparse.ArgumentParser(
        prog="make api-diff", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("against", nargs="?", default="HEAD", help="git ref to compare with (default: HEAD)")
    return report_changes(parser.parse_args(arguments).against)


def report_changes(against: str, root: Path = ROOT) -> int:
    """Print the report from `against` to the work tree and write it to build/; return the exit code as `main` does."""
    remove_report(root)
    try:
        report = make_report(against, root)
    except StateError as error:
        print(f"no change report: {error}", file=sys.stderr)
        return 1
    write_report(report, root / "build")
    print(report.text(LIMIT), end="")
    return EXIT_CODES[report.status] if os.environ.get("CHECK") == "1" else 0


def write_report(report: Report, folder: Path) -> None:
    """Write report.json and report.txt into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    written = json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n"
    (folder / REPORT).write_text(written, encoding="utf-8")
    (folder / "report.txt").write_text(report.text(), encoding="utf-8")


def remove_report(root: Path = ROOT) -> None:
    """Delete the last report, so that a run that fails leaves none."""
    (root / "build" / REPORT).unlink(missing_ok=True)
    (root / "build" / "report.txt").unlink(missing_ok=True)


def make_report(against: str, root: Path) -> Report:
    """Compare the commit with the work tree in `root`.

    Raises:
        StateError: one of them cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="opencode-client-") as scratch:
        return compare(committed(against, root, Path(scratch)), work_tree(root))


def compare(old: State, new: State) -> Report:
    """Compare two states.

    Raises:
        StateError: one of the documents is not valid.
    """
    return Report((old.name, new.name), (old.version, new.version), changes_between(old, new))


def changes_between(old: State, new: State) -> list[Change]:
    """Return the changes of the document and of the package.

    Raises:
        StateError: one of the documents is not valid.
    """
    return [*_documents(old, new), *compare_packages(old.folder, new.folder)]


def _documents(old: State, new: State) -> list[Change]:
    try:
        return compare_documents(old.document, new.document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        names = f"openapi.json of {old.name} or of {new.name}"
        raise StateError(f"{names}: not a valid OpenAPI document: {type(error).__name__}: {error}") from error
