"""`make regenerate`: get the document from a server, generate the code and the API reference, and report the changes.

The report compares with the last commit. With CHECK=1 the exit code is the report's: 10 when something changed, 20 when
a change is breaking. make turns each of them into 2; to get the code, call `.venv/bin/python -m scripts.regenerate` or
read build/report.json.
"""

from __future__ import annotations

import os
import subprocess
import sys

from scripts import fetch_spec, generate
from scripts.all_or_none import all_or_none
from scripts.changes import command as changes
from scripts.rooms import REFERENCE, ROOT

_REFERENCE = ("scripts/gen-opencode-api-docs.py", "openapi.json")

WRITTEN = (ROOT / "openapi.json", ROOT / "openapi.source.json", *generate.WRITTEN, REFERENCE)
"""The files and folders that a regeneration writes: all of them, or none."""


def main() -> int:
    """Return 0 when everything is written; without a server, from the committed document.

    If a step fails, all files become what they were.
    """
    changes.remove_report()
    return all_or_none(WRITTEN, _write) or _report()


def _write() -> int:
    fetched = fetch_spec.main()
    if fetched == fetch_spec.NO_SERVER:
        print("No npm and no OPENCODE_URL: rebuilding from the committed openapi.json.")
    elif fetched:
        return fetched
    return generate.main([]) or _write_reference()


def _write_reference() -> int:
    """Run in a new process, which imports the package that was just written."""
    sys.stdout.flush()
    return subprocess.run([sys.executable, *_REFERENCE], cwd=ROOT, check=False).returncode


def _report() -> int:
    """Outside a git clone there is no report: that is an error with CHECK=1 only."""
    code = changes.report_changes("HEAD")
    return code if os.environ.get("CHECK") == "1" else 0


if __name__ == "__main__":
    sys.exit(main())
