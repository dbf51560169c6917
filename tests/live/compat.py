"""`make compat`: call every operation on servers of many versions, and compare the outcomes with a table.

    python -m tests.live.compat [--write] [version ...]

The calls are those of tests/live/test_operations.py, with streams and terminals. The table is
tests/data/compatibility.json, and docs/compatibility.md shows its differences. An outcome that differs from the table
fails; `--write` writes it into both. A version that is not in the table is compared with the nearest older one, and
fails only if the client cannot read a response.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest

from opencode_client import OpencodeClient
from opencode_client.errors import OpencodeError, ServerStartError
from scripts.npm_server import NpmError, get_server, latest_version
from scripts.recordings import DATA
from scripts.rooms import ROOT
from tests.live.compat_page import MISSED, Column, case_order, page, read, version_numbers, written
from tests.live.recorded_calls import Record, recorded_exchanges
from tests.live.scripted_turns import CONFIG, script
from tests.live.servers import NEW, scripted_server
from tests.live.walk_asking import walk_asking
from tests.live.walk_server import walk_endings, walk_server
from tests.live.walk_sessions import walk_sessions
from tests.live.walk_streams import walk_streams
from tests.live.walk_v2 import walk_v2

TABLE = DATA / "compatibility.json"
PAGE = ROOT / "docs" / "compatibility.md"
VERSIONS = ("1.1.31", "1.2.27", "1.3.2", "1.14.48", "1.15.13", "1.17.19", NEW)


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Return 0 if all outcomes are those of the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.live.compat", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("versions", nargs="*", default=VERSIONS, help="of opencode, or `latest`")
    parser.add_argument("--write", action="store_true", help="write the outcomes into the table and the page")
    given = parser.parse_args(arguments)
    found: dict[str, Column] = {}
    try:
        versions = [latest_version() if version == "latest" else version for version in given.versions]
        for version in versions:
            get_server(version)
        for version in versions:
            started = perf_counter()
            found[version] = call_all(version)
            print(f"{version}: {_counts(found[version])}, {perf_counter() - started:.0f} s", flush=True)
    except (NpmError, ServerStartError) as error:
        print(f"make compat: {error}", file=sys.stderr)
        return 1
    committed = read(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
    if given.write:
        TABLE.write_text(written({**committed, **found}), encoding="utf-8")
        PAGE.write_text(page({**committed, **found}), encoding="utf-8")
        print(f"written: {PAGE.relative_to(ROOT)}, {TABLE.relative_to(ROOT)}")
        return 0
    newest = committed.get(NEW, {})
    for version in found.keys() - committed.keys():
        print("\n".join(compared(version, found[version], committed)))
    wrong = [
        line
        for version in versions
        for line in wrong_in(version, found[version], committed.get(version), newest)
    ]
    print("\n".join(wrong) or "all outcomes are those of docs/compatibility.md")
    return 1 if wrong else 0


def call_all(version: str) -> Column:
    """Return the outcome of every call at one version, and the warnings about responses."""
    log = _KeptMessages()
    with (
        tempfile.TemporaryDirectory(prefix="opencode-compat-") as folder,
        pytest.MonkeyPatch.context() as patch,
        recorded_exchanges() as exchanges,
        scripted_server(version, script=script, **CONFIG) as (server, _),
        OpencodeClient(server.url, directory=server.directory) as client,
    ):
        patch.setattr("opencode_client.decoding.shapes._warned", set[tuple[str, str]]())
        patch.setattr(logging.getLogger("opencode_client.decoding"), "handlers", [log])
        record = Record(exchanges)
        nowhere, copies = Path(folder, "nowhere"), Path(folder, "copies")
        nowhere.mkdir()
        copies.mkdir()
        ways: list[Callable[[], None]] = [
            lambda: walk_streams(record, client),
            lambda: walk_server(record, client, nowhere),
            lambda: walk_sessions(record, client),
            lambda: walk_asking(record, client),
            lambda: walk_v2(record, client, copies),
            lambda: walk_endings(record, client),
        ]
        for way in ways:
            try:
                way()
            except (OpencodeError, TimeoutError, LookupError, ValueError) as error:
                print(f"  {version}: {type(error).__name__}: {error}")  # the calls after it were not made
    outcomes = {case: outcome.text for case, outcome in record.outcomes.items()}
    return outcomes | {f"(reading warns) {text}": "warns" for text in log.messages}


class _KeptMessages(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def _counts(column: Column) -> str:
    lacking = sum(text == "UnsupportedOperationError" for text in column.values())
    unread = sum(text == "ResponseDecodeError" for text in column.values())
    return f"{len(column)} calls, {lacking} that the server lacks, {unread} that cannot be read"


def wrong_in(version: str, found: Column, committed: Column | None, newest: Column) -> list[str]:
    """Return the outcomes that differ from the table.

    Without a column for the version: the responses that cannot be read, but can at the newest version."""
    if committed is None:
        return [
            f"{version}: {case}: {text}"
            for case, text in found.items()
            if text in ("ResponseDecodeError", "warns") and newest.get(case) != text
        ]
    return [
        f"{version}: {case}: {found.get(case, MISSED)}, not {committed.get(case, MISSED)}"
        for case in sorted(found.keys() | committed.keys())
        if found.get(case, MISSED) != committed.get(case, MISSED)
    ]


def compared(version: str, found: Column, committed: dict[str, Column]) -> list[str]:
    """Compare a version that is not in the table with the nearest older one that is."""
    older = [known for known in committed if version_numbers(known) <= version_numbers(version)]
    nearest = max(older, key=version_numbers, default=NEW)
    before = committed.get(nearest, {})
    differ = [
        f"  {case}: {found.get(case, MISSED)}, at {nearest}: {before.get(case, MISSED)}"
        for case in sorted(found.keys() | before.keys(), key=case_order)
        if found.get(case, MISSED) != before.get(case, MISSED)
    ]
    title = f"{version} is not in docs/compatibility.md (WRITE=1 adds it)"
    return [f"{title}; {len(differ)} outcomes differ from those at {nearest}", *differ]


if __name__ == "__main__":
    sys.exit(main())
