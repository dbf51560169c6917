"""`python -m scripts.mutation [group]`: how many mutants of the pure modules the tests kill.

mutmut changes one thing at a time in a copy below build/mutants and runs the tests that reach it. A group passes when
`LEAST_KILLED` of its mutants fail a test. What no test fails for is written to build/mutants/<group>.md, in the form
of docs/mutation.md.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from scripts.mutants import read_mutants
from scripts.rooms import PACKAGE, ROOT

WORK = ROOT / "build" / "mutants"
LEAST_KILLED = 0.8
_PROCESSES = 2
_SOURCES = (PACKAGE, "scripts")
_COPIED = ("openapi.json", "openapi.source.json", "custom_templates", "generator-config.yaml")
"""What the tests read besides the sources and themselves."""

_PYTEST = ("-pno:xdist", "-pno:cacheprovider", "-ptests.unshrunk", "--hypothesis-profile=unshrunk")

KILLED, SURVIVED, TIMEOUT, NO_TESTS = FATES = ("killed", "survived", "timeout", "no tests")
_FATES_BY_CODE = {0: SURVIVED, 1: KILLED, 3: KILLED, 5: NO_TESTS, 33: NO_TESTS} | dict.fromkeys(
    (-24, -9, 24, 36, 152, 255), TIMEOUT
)
"""Exit codes of mutmut's workers (`status_by_exit_code` of 3.8.1)."""


@frozen
class Group:
    """Modules whose mutants are counted together, and the tests that are to kill them, as pytest takes them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = {
    "splitter": Group(("opencode_client/streams/sse.py",), ("tests/streams/test_sse.py",)),
    "frames": Group(("opencode_client/terminals/frames.py",), ("tests/terminals/test_frames.py",)),
    "retries": Group(("opencode_client/calls/retry_policy.py",), ("tests/calls/test_retry_policy.py",)),
    # test_document.py keeps what it made of a document: a mutant's process would find it there, made without the mutant
    "normalisation": Group(
        ("scripts/normalise/*.py",), ("tests/normalise", "--ignore=tests/normalise/test_document.py")
    ),
}


def run(name: str) -> Path:
    """mutmut's folder, after it has tried all mutants of a group: the tree with the mutants and what became of them."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source in (*_SOURCES, *_COPIED, "tests", "pyproject.toml"):
        (folder / source).symlink_to(ROOT / source)
    (folder / "setup.cfg").write_text(_settings(GROUPS[name]), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(_PROCESSES)]
    with (WORK / f"{name}.log").open("w", encoding="utf-8") as log:
        done = subprocess.run(command, cwd=folder, check=False, stdout=log, stderr=subprocess.STDOUT)
    if done.returncode:
        raise SystemExit(f"make mutation: mutmut failed on {name}; see {Path(log.name).relative_to(ROOT)}")
    return folder / "mutants"


def _settings(group: Group) -> str:
    settings = {
        "source_paths": _SOURCES,
        "only_mutate": group.modules,
        "also_copy": _COPIED,
        "pytest_add_cli_args": _PYTEST,
        "pytest_add_cli_args_test_selection": group.tests,
        # a mutant has 5 * (4 s + what its tests take) before it is a timeout
        "timeout_multiplier": ("5.0",),
        "timeout_constant": ("4.0",),
    }
    lines = [f"{key} =\n" + "".join(f"    {value}\n" for value in values) for key, values in settings.items()]
    return "[mutmut]\n" + "".join(lines)


def read_fates(mutants: Path) -> dict[Path, dict[str, str]]:
    """{mutated module: {mutmut's name of a mutant in it: what became of it}}."""
    return {
        told.with_suffix(""): {
            mutant.rpartition(".")[2]: _FATES_BY_CODE.get(code, f"exit code {code}")
            for mutant, code in json.loads(told.read_text(encoding="utf-8"))["exit_code_by_key"].items()
        }
        for told in sorted(mutants.rglob("*.py.meta"))
    }


def left(fates: dict[Path, dict[str, str]]) -> Iterator[str]:
    """A line for each mutant that was not killed, under its module."""
    for module, fate_by_mutant in fates.items():
        mutants = read_mutants(module.read_text(encoding="utf-8"))
        alive = {name: fate for name, fate in fate_by_mutant.items() if fate != KILLED}
        if alive:
            yield f"\n`{module.name}`\n"
        for name, fate in alive.items():
            mutant = mutants[name]
            also = "" if fate == SURVIVED else f" ({fate})"
            yield f"- `{mutant.function}`: ``{mutant.before}`` -> ``{mutant.after}``{also}"


def main(names: list[str]) -> int:
    """0 when enough mutants of every group were killed."""
    if unknown := set(names) - GROUPS.keys():
        raise SystemExit(f"make mutation: no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    print(
        f"{'group':<14}{'mutants':>8}" + "".join(f"{fate:>10}" for fate in FATES) + f"{'share':>8}",
        flush=True,
    )
    passed = True
    for name in names:
        fates = read_fates(run(name))
        (WORK / f"{name}.md").write_text("\n".join(left(fates)) + "\n", encoding="utf-8")
        counts = Counter(fate for fate_by_mutant in fates.values() for fate in fate_by_mutant.values())
        share = counts[KILLED] / counts.total()
        passed = passed and share >= LEAST_KILLED
        columns = "".join(f"{counts[fate]:>10}" for fate in FATES)
        print(f"{name:<14}{counts.total():>8}{columns}{share:>8.1%}", flush=True)
    if not passed:
        print(
            f"fewer than {LEAST_KILLED:.0%} were killed; see {WORK.relative_to(ROOT)}/<group>.md",
            file=sys.stderr,
        )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(GROUPS)))
