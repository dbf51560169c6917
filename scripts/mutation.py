"""`python -m scripts.mutation [group]`: run mutmut over groups of modules; docs/mutation.md explains it.

Each group has a folder of its own, build/mutants/<group>, with links to the sources and with mutmut's settings.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from attrs import frozen

from scripts.rooms import PACKAGE, ROOT

WORK = ROOT / "build" / "mutants"
MUTMUT = Path(sys.executable).with_name("mutmut")
LEAST_KILLED = 0.8
_PROCESSES = 2
_SOURCES = (PACKAGE, "scripts")
_COPIED = ("openapi.json", "openapi.source.json", "custom_templates", "generator-config.yaml")
"""Files that the tests read."""
_PYTEST = (
    "-pno:xdist",
    "-pno:cacheprovider",
    "-ptests.support.mutation_profile",
    "--hypothesis-profile=unshrunk",
)
_FATES = ("killed", "survived", "timeout", "no_tests")
"""Columns of the table: members of mutmut's statistics."""


@frozen
class Group:
    """Modules whose mutants are counted together, and pytest's arguments for the tests that must kill them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = {
    "splitter": Group(("opencode_client/streams/sse.py",), ("tests/streams/test_sse.py",)),
    "frames": Group(("opencode_client/terminals/frames.py",), ("tests/terminals/test_frames.py",)),
    "retries": Group(("opencode_client/calls/retry_policy.py",), ("tests/calls/test_retry_policy.py",)),
    # test_document.py caches results for all its tests; the process of a mutant is a fork, so it has that cache
    "normalisation": Group(
        ("scripts/normalise/*.py",), ("tests/normalise", "--ignore=tests/normalise/test_document.py")
    ),
}


def run(name: str) -> dict[str, int]:
    """Try all mutants of a group. Return mutmut's statistics: {"total": 112, "killed": 103, ...}."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source in (*_SOURCES, *_COPIED, "tests", "pyproject.toml"):
        (folder / source).symlink_to(ROOT / source)
    (folder / "setup.cfg").write_text(_settings(GROUPS[name]), encoding="utf-8")
    with (WORK / f"{name}.log").open("w", encoding="utf-8") as log:
        for arguments in (["run", "--max-children", str(_PROCESSES)], ["export-cicd-stats"]):
            done = subprocess.run(
                [MUTMUT, *arguments], cwd=folder, check=False, stdout=log, stderr=subprocess.STDOUT
            )
            if done.returncode:
                raise SystemExit(f"make mutation: mutmut failed on {name}; see build/mutants/{name}.log")
    counts: dict[str, int] = json.loads((folder / "mutants" / "mutmut-cicd-stats.json").read_bytes())
    return counts


def _settings(group: Group) -> str:
    settings = {
        "source_paths": _SOURCES,
        "only_mutate": group.modules,
        "also_copy": _COPIED,
        "pytest_add_cli_args": _PYTEST,
        "pytest_add_cli_args_test_selection": group.tests,
        # a mutant times out after 5 * (4 s + the time of its tests)
        "timeout_multiplier": ("5.0",),
        "timeout_constant": ("4.0",),
    }
    lines = [f"{key} =\n" + "".join(f"    {value}\n" for value in values) for key, values in settings.items()]
    return "[mutmut]\n" + "".join(lines)


def main(names: list[str]) -> int:
    """Print a line for each group. Return 1 if a group is below `LEAST_KILLED`, else 0."""
    if unknown := set(names) - GROUPS.keys():
        raise SystemExit(f"make mutation: no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    print(f"{'group':<14}{'mutants':>8}{''.join(f'{fate:>10}' for fate in _FATES)}{'share':>8}", flush=True)
    weak: list[str] = []
    for name in names:
        counts = run(name)
        share = counts["killed"] / counts["total"]
        if share < LEAST_KILLED:
            weak.append(name)
        columns = "".join(f"{counts[fate]:>10}" for fate in _FATES)
        print(f"{name:<14}{counts['total']:>8}{columns}{share:>8.1%}", flush=True)
    if weak:
        print(
            f"make mutation: the tests kill fewer than {LEAST_KILLED:.0%}: {', '.join(weak)}", file=sys.stderr
        )
    return 1 if weak else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(GROUPS)))
