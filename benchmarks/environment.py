"""Count the instructions of programs with valgrind, in an environment with only the package and its dependencies.

valgrind itself must be installed on the machine. The environment is `.cache/bench-venv`. The package in it is installed
again when its code has changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from scripts.rooms import PACKAGE, ROOT

VENV = ROOT / ".cache" / "bench-venv"
PYTHON = VENV / "bin" / "python"

Program = tuple[str, *tuple[str, ...]]
"""The code for `python -c`, and its arguments."""


def obstacle() -> str:
    """Make the environment. Return the reason why instructions cannot be counted here, or ""."""
    if shutil.which("valgrind") is None:
        return "skipped: valgrind is not installed"
    try:
        _make()
    except (OSError, RuntimeError) as error:
        return f"skipped: the environment could not be made: {str(error)[-300:]}"
    return ""


def _make() -> None:
    stamp = VENV / "package.sha256"
    digest = hashlib.sha256()
    for file in sorted((ROOT / PACKAGE).rglob("*.py")):
        digest.update(file.read_bytes())
    if stamp.exists() and stamp.read_text(encoding="utf-8") == digest.hexdigest():
        return
    if not PYTHON.exists():
        _run([sys.executable, "-m", "venv", "--without-pip", str(VENV)])
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", str(PYTHON)]
    _run([*pip, "install", "--upgrade", "--force-reinstall", "--no-deps", str(ROOT)])
    _run([*pip, "install", str(ROOT)])
    stamp.write_text(digest.hexdigest(), encoding="utf-8")


def output(program: Program) -> str:
    """Run a program with the environment's Python and return its output. Its imports are compiled afterwards.

    Raises:
        RuntimeError: it failed.
    """
    return _run(_command(program)).stdout


def instructions(programs: Mapping[str, Program]) -> dict[str, int]:
    """Count the instructions of each program.

    All runs use the same hash seed and compiled imports, so counts hardly vary. Other processes do not change a count,
    so two programs run at a time.
    """
    for program in programs.values():
        output(program)
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(programs, pool.map(_count, programs.values()), strict=True))


def _count(program: Program) -> int:
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    report = _run([*valgrind, *_command(program)]).stderr
    found = re.search(r"I\s+refs:\s+([\d,]+)", report)
    if found is None:
        raise RuntimeError(f"valgrind gave no count:\n{report}")
    return int(found[1].replace(",", ""))


def _command(program: Program) -> list[str]:
    code, *arguments = program
    return [str(PYTHON), "-s", "-P", "-c", code, *arguments]  # like -I, which would ignore PYTHONHASHSEED


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0"}
    if command[0] == sys.executable:
        environment = dict(os.environ)  # pip may need any of it to reach its index
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 # our own command lines
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done
