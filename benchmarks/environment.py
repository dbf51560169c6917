"""An environment with the runtime dependencies alone, and instructions counted in it by valgrind.

It is made in `.cache/bench-venv`, and the package in it made again when it has changed.
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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".cache" / "bench-venv"
PYTHON = VENV / "bin" / "python"

Program = tuple[str, *tuple[str, ...]]
"""What `python -c` runs, and its arguments."""


def obstacle() -> str:
    """Why instructions cannot be counted here; "" if they can: the environment is made, with the package as it is."""
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
    for file in sorted((ROOT / "opencode_client").rglob("*.py")):
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
    """What a program prints when the environment's Python runs it; leaves the byte-code of its imports behind.

    Raises:
        RuntimeError: it failed.
    """
    return _run(_command(program)).stdout


def instructions(programs: Mapping[str, Program]) -> dict[str, int]:
    """How many instructions each program takes.

    Strings hash alike in every run and the byte-code is there, so a count hardly varies, and two processes may run at
    a time: no neighbour matters.
    """
    for program in programs.values():
        output(program)
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(programs, pool.map(_count, programs.values()), strict=True))


def _count(program: Program) -> int:
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    said = _run([*valgrind, *_command(program)]).stderr
    found = re.search(r"I\s+refs:\s+([\d,]+)", said)
    if found is None:
        raise RuntimeError(f"valgrind gave no count:\n{said}")
    return int(found[1].replace(",", ""))


def _command(program: Program) -> list[str]:
    code, *arguments = program
    return [str(PYTHON), "-s", "-P", "-c", code, *arguments]  # all of -I but its deafness to PYTHONHASHSEED


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0"}
    if command[0] == sys.executable:
        environment = dict(os.environ)  # pip: whatever it needs to reach its index
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603 # our own command lines
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done
