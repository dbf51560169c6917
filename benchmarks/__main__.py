"""`make bench`: print one table that compares this client, the code of the stock generator, and pydantic.

A cell is a ratio: the time or the instructions of the column over those of the base. The row's title names the base
after " / "; without one, the base is `json.loads`. Rows that end with "MB" give memory.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import time
from importlib.metadata import version

from benchmarks import call_instructions, calls, events, imports, latency, messages, streams, terminals, turns
from benchmarks.measure import Row
from scripts.recordings import RECORDED

_COLUMNS = ("ours", "stock, by type", "stock's union", "pydantic")
_PACKAGES = ("attrs", "httpx", "orjson", "websockets", "openapi-python-client", "pydantic")


def main() -> None:
    """Print the table. No figure makes it fail."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds, a shorter message list, no imports of the peers"
    )
    quick: bool = parser.parse_args().quick
    logging.getLogger("opencode_client").setLevel(logging.ERROR)  # it warns of each undocumented member once
    started = time.perf_counter()
    print(_setting())
    rows = events.rows(RECORDED, rounds=2 if quick else 30)
    rows += messages.rows(rounds=2 if quick else 15, count=500 if quick else 2000)
    rows += calls.rows(
        rounds=3 if quick else 30, list_rounds=2 if quick else 10, count=500 if quick else 2000
    )
    rows += streams.rows(rounds=3 if quick else 20, memory_events=20_000 if quick else 200_000)
    rows += latency.rows(rounds=2 if quick else 6, seconds=1 if quick else 2)
    rows += terminals.rows(rounds=3 if quick else 20, idle_s=1 if quick else 3)
    rows += turns.rows(rounds=2 if quick else 10, memory_deltas=20_000 if quick else 200_000)
    rows += [] if quick else call_instructions.rows()
    rows += imports.rows(peers=not quick)
    print(_table(rows))
    print(f"\n{time.perf_counter() - started:.0f} s{', --quick' if quick else ''}")


def _setting() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{platform.python_implementation()} {platform.python_version()} on {machine}; {packages}\n"


def _table(rows: list[Row]) -> str:
    lines: list[tuple[str, ...]] = [("ratio: best / median of rounds", "target", *_COLUMNS)]
    lines += [
        (
            f"{row.title} [{number}]",
            f"<= {row.target:g}",
            *(str(row.ratios.get(column, "-")) for column in _COLUMNS),
        )
        for number, row in enumerate(rows, 1)
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    notes = [f"[{number}] {'; '.join(row.notes)}" for number, row in enumerate(rows, 1)]
    return "\n".join([shown[0], "-" * sum(widths), *shown[1:], "", *notes])


if __name__ == "__main__":
    main()
