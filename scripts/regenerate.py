"""`make regenerate`: the document from a server, the rooms and the API reference from it, and what that changed.

The report is against the last commit. With CHECK=1 the exit code is that of the report: 10 when something changed, 20
when something of it is breaking. make itself answers any of them with 2, so who wants the code calls
`.venv/bin/python -m scripts.regenerate`, or reads it in build/report.json.
"""

from __future__ import annotations

import os
import subprocess
import sys

from scripts import fetch_spec, generate
from scripts.changes import command as changes
from scripts.rooms import ROOT

_REFERENCE = ("scripts/gen-opencode-api-docs.py", "openapi.json")


def main() -> int:
    """0 when all is written from the document; without a server to be had, from the committed one."""
    changes.remove_report()
    fetched = fetch_spec.main()
    if fetched == fetch_spec.NO_SERVER:
        print("No npm and no OPENCODE_URL: rebuilding from the committed openapi.json.")
    elif fetched:
        return fetched
    made = generate.main([]) or _write_reference()
    if made:
        return made
    return _report()


def _write_reference() -> int:
    """A process of its own: it reads the package that was just written."""
    sys.stdout.flush()
    return subprocess.run([sys.executable, *_REFERENCE], cwd=ROOT, check=False).returncode


def _report() -> int:
    """Outside a clone there is nothing to compare with: that fails those who asked for the code alone."""
    code = changes.report_changes("HEAD")
    return code if os.environ.get("CHECK") == "1" else 0


if __name__ == "__main__":
    sys.exit(main())
