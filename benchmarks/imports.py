"""Instructions of imports and of a first call, in an environment with the runtime dependencies alone."""

from __future__ import annotations

import site

from benchmarks.environment import Program, instructions, obstacle, output
from benchmarks.json_server import serving_json, session_json
from benchmarks.measure import Row, exact
from benchmarks.peers import STOCK, stock_package

_MODELS = "import models and Session, instructions / import attrs"
_IMPORT = "import OpencodeClient, instructions / import attrs, httpx, orjson"
_BUILT = "... and make one, instructions / import httpx"
_CALLED = "... and its first session.get, instructions / import httpx"
_TARGETS = {_MODELS: 1.5, _IMPORT: 1.05, _BUILT: 0.6, _CALLED: 1.6}

_FROM = "import sys; sys.path.append(sys.argv[1]); "
_WEIGH = (
    "import time; start = time.perf_counter(); exec(sys.argv[2]); seconds = time.perf_counter() - start; "
    "status = open('/proc/self/status').read(); "
    "print(seconds, status.split('VmHWM:')[1].split()[0])"
)
"""Prints the seconds of an import and the kilobytes of the process. `exec` runs only code of this module."""


def rows(*, peers: bool) -> list[Row]:
    """Return one row for models and three for the client. Counts exclude those of the bare interpreter."""
    why_not = obstacle()
    if why_not:
        return [Row(title, target, {}, [why_not]) for title, target in _TARGETS.items()]
    return [_models_row(peers=peers), *_client_rows()]


def _models_row(*, peers: bool) -> Row:
    ours = "import opencode_client.models; from opencode_client.models import Session; Session"
    programs: dict[str, tuple[str, str]] = {
        "bare": ("pass", ""),
        "attrs": ("import attrs", ""),
        "ours": (ours, ""),
    }
    if peers:
        package = stock_package("1.18.33")
        programs["stock, by type"] = (f"from {package}.models.session import Session", str(STOCK))
        programs["pydantic"] = ("from pydantic import BaseModel", site.getsitepackages()[0])
    counts = _net({name: (_FROM + code, folder) for name, (code, folder) in programs.items()})
    base = counts.pop("attrs")
    notes = [f"attrs: {base / 1e6:.0f} million instructions more than bare Python"]
    for name, (code, folder) in programs.items():
        seconds, kilobytes = output((_FROM + _WEIGH, folder, code)).split()
        notes.append(f"{name}: {float(seconds) * 1e3:.0f} ms, {int(kilobytes) / 1024:.1f} MB")
    notes.append("stock: its models package imports every model; pydantic: the import alone, without a model")
    ratios = {name: exact(count / base) for name, count in counts.items()}
    return Row(_MODELS, _TARGETS[_MODELS], ratios, notes)


def _client_rows() -> list[Row]:
    ours = "from opencode_client import OpencodeClient"
    with serving_json({"": session_json()}) as url:
        counts = _net({
            "bare": ("pass",),
            "httpx": ("import httpx",),
            "libraries": ("import attrs, httpx, orjson",),
            "package": ("import opencode_client",),
            "import": (ours,),
            "async": (ours.replace("Op", "AsyncOp"),),
            "built": (f"{ours}; OpencodeClient('http://127.0.0.1:1')",),
            "called": (f"import sys; {ours}; OpencodeClient(sys.argv[1]).session.get('ses_1').id", url),
            "theirs": ("import sys, httpx; httpx.Client().get(sys.argv[1]).json()['id']", url),
        })  # fmt: skip
    of_httpx = {name: count / counts["httpx"] for name, count in counts.items()}
    return [
        _row(_IMPORT, counts["import"] / counts["libraries"], [
            f"httpx: {counts['httpx'] / 1e6:.0f} million instructions more than bare Python",
            f"relative to it: the three libraries {of_httpx['libraries']:.2f}, "
            f"OpencodeClient {of_httpx['import']:.2f}, AsyncOpencodeClient {of_httpx['async']:.2f}, "
            f"`import opencode_client` {of_httpx['package']:.2f}",
        ]),
        _row(_BUILT, of_httpx["built"], ["the import is part of it"]),
        _row(_CALLED, of_httpx["called"], [
            "import and client are part of it",
            f"httpx's own first GET and its import, untyped: {of_httpx['theirs']:.2f}",
        ]),
    ]  # fmt: skip


def _net(programs: dict[str, Program]) -> dict[str, int]:
    """Count the instructions of each program, minus those of the program `bare`."""
    counts = instructions(programs)
    bare = counts.pop("bare")
    return {name: count - bare for name, count in counts.items()}


def _row(title: str, ratio: float, notes: list[str]) -> Row:
    return Row(title, _TARGETS[title], {"ours": exact(ratio)}, notes)
