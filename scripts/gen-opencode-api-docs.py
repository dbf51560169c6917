"""Write the API reference of a server, in Chinese and English: see scripts/reference/command.py."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run as a file, from anywhere

from scripts.reference.command import main

if __name__ == "__main__":
    sys.exit(main())
