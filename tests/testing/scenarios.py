"""Scenarios that run on a fake server and on real ones, and the results of a client in each of them.

    python -m tests.testing.scenarios [--write] [version ...]

compares real servers with the fake. `--write` also records what the client saw of the real ones, for the offline suite.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Callable, Sequence
from difflib import unified_diff
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from opencode_client import OpencodeClient
from opencode_client.model import JsonObject
from opencode_client.testing import FakeServer
from scripts.rooms import ROOT
from tests.testing import ask_scenes, server_scenes, session_scenes, turn_scenes
from tests.testing.model_script import script
from tests.testing.stage import SCENES
from tests.testing.witness import END, WITHOUT_EVENTS, Witness

VERSIONS = ("1.3.2", "1.18.33")
MODULES = (server_scenes, session_scenes, ask_scenes, turn_scenes)
"""The modules with the scenes; their import adds them."""
RECORDS = ROOT / "tests" / "data" / "scenarios"
CONFIG: JsonObject = {
    "permission": {"bash": {"*": "ask", "true": "allow", "false *": "deny"}},
    "agent": {"general": {"permission": {"task": "allow"}}, "helper": {"description": "helps"}},
    "command": {"hi": {"template": "say $ARGUMENTS", "description": "says something"}},
}


def play_fake(version: str, names: Sequence[str] = ()) -> JsonObject:
    """Play the scenes on a fake server, in a directory that has the files of real ones."""
    with TemporaryDirectory(prefix="opencode-fake-") as folder:
        Path(folder, "src").mkdir()
        Path(folder, "src", "main.py").write_text("def main():\n    return 42\n", encoding="utf-8")
        Path(folder, "a.txt").write_text("hello\nchanged\n", encoding="utf-8")
        Path(folder, "img.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
        fake = FakeServer(
            script=script(), version=version, directory=folder, config=CONFIG, terminal=server_scenes.terminal
        )

        def settle(witness: Witness) -> None:
            fake.wait_for_turns()
            fake.send_event(END)
            witness.wait_for_end()

        with fake:
            return _play(fake.url, folder, settle, names)


def play_real(version: str, names: Sequence[str] = ()) -> JsonObject:
    """Play the scenes on a real server."""
    from tests.live.servers import scripted_server

    with scripted_server(version, script=script(), **CONFIG) as (real, _):
        return _play(real.url, str(real.directory), Witness.wait_until_quiet, names)


def _play(url: str, directory: str, settle: Callable[[Witness], None], names: Sequence[str]) -> JsonObject:
    found: JsonObject = {}
    with OpencodeClient(url, directory=directory, turn_timeout=60) as client:
        client.run("begin")  # a new instance is slow, and publishes more
        with Witness(client, directory) as witness:
            settle(witness)
        for name in names or SCENES:
            with Witness(client, directory) as witness:
                SCENES[name](witness, client)
                settle(witness)
                found[name] = witness.take()
                if name in WITHOUT_EVENTS:
                    del found[name]["events"], found[name]["order"]
    return found


def differences(real: JsonObject, fake: JsonObject) -> list[str]:
    """Return the lines of both that differ, by scene."""
    lines: list[str] = []
    for name in real:
        first, second = (
            json.dumps(one.get(name), indent=1, sort_keys=True).splitlines() for one in (real, fake)
        )
        lines += unified_diff(first, second, f"{name}: real", f"{name}: fake", lineterm="", n=2)
    return lines


@cache
def recorded(version: str) -> JsonObject:
    """Return what the client saw of a real server."""
    with gzip.open(RECORDS / f"{version}.json.gz", "rt", encoding="utf-8") as file:
        found: JsonObject = json.load(file)
        return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command. Return 0 if the fake is like the real servers."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.testing.scenarios", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("versions", nargs="*", default=VERSIONS)
    parser.add_argument("--write", action="store_true", help="record what the client saw of the real servers")
    parser.add_argument(
        "--scene", action="append", default=[], choices=list(SCENES), help="one scene; may be repeated"
    )
    given = parser.parse_args(arguments)
    status = 0
    for version in given.versions:
        real = play_real(version, given.scene)
        if given.write:
            RECORDS.mkdir(exist_ok=True)
            kept = recorded(version) if given.scene else {}
            data = gzip.compress(json.dumps({**kept, **real}, indent=1, sort_keys=True).encode(), mtime=0)
            (RECORDS / f"{version}.json.gz").write_bytes(data)
        lines = differences(real, play_fake(version, given.scene))
        print(f"{version}: {len(real)} scenes, {len(lines)} lines differ", *lines, sep="\n")
        status = status or int(bool(lines))
    return status


if __name__ == "__main__":
    sys.exit(main())
