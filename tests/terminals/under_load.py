"""Run the tests of terminals over TLS with many openings, while other processes keep the processors busy.

python -m tests.terminals.under_load 500
"""

from __future__ import annotations

import os
import subprocess
import sys

_BUSY_LOOPS = 3
_BUSY = (sys.executable, "-c", "while True: pass")


def main() -> int:
    """Return the exit code of pytest."""
    busy = [subprocess.Popen(_BUSY) for _ in range(_BUSY_LOOPS)]
    try:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            "0",
            "--timeout",
            "1800",
            "tests/terminals/test_tls.py",
        ]
        return subprocess.run(command, env={**os.environ, "TERMINAL_OPENINGS": sys.argv[1]}).returncode
    finally:
        for process in busy:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
