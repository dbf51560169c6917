"""Run `python -m scripts.changes [git ref]`: see `command.py`."""

from __future__ import annotations

import sys

from scripts.changes.command import main

if __name__ == "__main__":
    sys.exit(main())
