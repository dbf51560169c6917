"""What an import costs: instructions counted by valgrind, in an environment with the runtime dependencies alone.

The environment is made in `.cache/bench-venv`, and made again when the package has changed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import site
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.measure import Ratio, Row
from benchmarks.peers import ROOT, STOCK, stock_package

TARGET = 1.5
VENV = ROOT / ".cache" / "bench-venv"
PYTHON = VENV / "bin" / "python"

_FROM = "import sys; sys.path.append(sys.argv[1]); "
_WEIGH = (
    "import time; start = time.perf_counter(); exec(sys.argv[2]); seconds = time.perf_counter() - start; "
    "status = open('/proc/self/status').read(); "
    "print(seconds, status.split('VmHWM:')[1].split()[0])"
)
"""Seconds of an import and the kilobytes of the process, from inside it; the exec is of our own text."""

_OURS = "import opencode_client.models; from opencode_client.models import Session; Session"


def _programs(*, peers: bool) -> dict[str, tuple[str, str]]:
    """By the name of the column: what is imported, and a folder to find it in."""
    programs = {"bare": ("pass", ""), "attrs": ("import attrs", ""), "ours": (_OURS, "")}
    if peers:
        package = stock_package("1.18.33")
        programs["stock, by type"] = (f"from {package}.models.session import Session", str(STOCK))
        programs["pydantic"] = ("from pydantic import BaseModel", site.getsitepackages()[0])
    return programs


def rows(*, peers: bool, times: int) -> list[Row]:
    """One row; instructions net of what the bare interpreter takes, relative to `import attrs`."""
    title = "import models and Session, instructions"
    try:
        _make_environment()
    except (OSError, RuntimeError) as error:
        return [Row(title, TARGET, {}, [f"skipped: the environment could not be made: {str(error)[-300:]}"])]
    programs = _programs(peers=peers)
    for program in programs.values():
        _run([*_command(_FROM + program[0]), program[1]])  # leaves the byte-code behind
    weighed = {name: _weigh(program, times) for name, program in programs.items()}
    notes = [
        f"{name}: {seconds * 1e3:.0f} ms, {kilobytes / 1024:.1f} MB"
        for name, (seconds, kilobytes) in weighed.items()
    ]
    ratios: dict[str, Ratio] = {}
    if shutil.which("valgrind") is None:
        notes.insert(0, "skipped: valgrind is not installed; times and memory for information")
    else:
        counts = _count_all(programs, times)
        bare = counts.pop("bare")
        base = [a - b for a, b in zip(counts.pop("attrs"), bare, strict=True)]
        for name, found in counts.items():
            net = [a - b for a, b in zip(found, bare, strict=True)]
            ratios[name] = Ratio(
                min(net) / min(base), sorted(a / b for a, b in zip(net, base, strict=True))[len(net) // 2]
            )
        notes.insert(0, f"attrs: {min(base) / 1e6:.0f} million instructions more than bare Python")
        notes.append(
            "stock: its models package imports every model; pydantic: the import alone, without a model"
        )
    return [Row(title, TARGET, ratios, notes)]


def _make_environment() -> None:
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


def _command(code: str) -> list[str]:
    return [str(PYTHON), "-I", "-c", code]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 # our own command lines
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done


def _weigh(program: tuple[str, str], times: int) -> tuple[float, int]:
    """Seconds and kilobytes, the least of a few runs each."""
    code, folder = program
    found = [_run([*_command(_FROM + _WEIGH), folder, code]).stdout.split() for _ in range(times)]
    return min(float(seconds) for seconds, _ in found), min(int(kilobytes) for _, kilobytes in found)


def _count_all(programs: dict[str, tuple[str, str]], times: int) -> dict[str, list[int]]:
    """Instructions by program. Counts do not suffer from neighbours, so two processes run at a time."""
    with ThreadPoolExecutor(2) as pool:
        jobs = {
            name: [pool.submit(_count, program) for _ in range(times)] for name, program in programs.items()
        }
        return {name: [job.result() for job in found] for name, found in jobs.items()}


def _count(program: tuple[str, str]) -> int:
    code, folder = program
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    said = _run([*valgrind, *_command(_FROM + code), folder]).stderr
    found = re.search(r"I\s+refs:\s+([\d,]+)", said)
    if found is None:
        raise RuntimeError(f"valgrind gave no count:\n{said}")
    return int(found[1].replace(",", ""))
