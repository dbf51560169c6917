"""`make regeneration-job`: the weekly job: regenerate, test, and make a patch to propose.

The server is OPENCODE_URL or OPENCODE_VERSION, as for `make spec`. If something changed, build/job gets `report.txt`
and `report.json`. If the tests pass, the changelog gets an entry, and build/job gets `regeneration.patch`: the
generated files and the changelog, no other change of the work tree. If nothing changed, build/job is removed. In GitHub
Actions the outputs `status` (unchanged, changed, breaking) and `version` are set. The job runs the offline suite; TESTS
names files or folders with tests to run instead, for a quick look.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.normalise.schema import Json
from scripts.rooms import PACKAGE, REFERENCE, ROOMS, ROOT

JOB = Path("build", "job")
_REGENERATE = ("-m", "scripts.regenerate")
_OFFLINE = "not live and not documents and not package and not job and not stress"
TEST = ("-m", "pytest", "-q", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", "-m", _OFFLINE)
_CHANGED = (10, 20)
CHANGELOG = "CHANGELOG.md"
PROPOSED = (
    *("openapi.json", "openapi.source.json", REFERENCE.relative_to(ROOT).as_posix()),
    *(f"{PACKAGE}/{room}" for room in ROOMS),
)
_UNRELEASED = "## [Unreleased]\n"
_SECTION = "### Changed\n"


def main() -> int:
    """Return 0 when nothing changed or the patch is ready; otherwise the exit code of the step that failed."""
    shutil.rmtree(ROOT / JOB, ignore_errors=True)  # of an earlier run
    code = _run(_REGENERATE, os.environ | {"CHECK": "1"})
    if code not in (0, *_CHANGED):
        return code
    build = ROOT / "build"
    report: Json = json.loads((build / "report.json").read_text(encoding="utf-8"))
    set_outputs(report)
    if code == 0:
        return 0
    (ROOT / JOB).mkdir(parents=True, exist_ok=True)
    for name in ("report.txt", "report.json"):
        shutil.copy(build / name, ROOT / JOB / name)
    settings = {name: value for name, value in os.environ.items() if not name.startswith("OPENCODE_")}
    tests = shlex.split(os.environ.get("TESTS", ""))  # none: all
    if failed := _run((*TEST, *tests), settings):  # without the server's password
        print(
            f"The tests failed, so there is no patch. The generated files are in the work tree, the report in {JOB};"
            " to undo: `git restore .` and `git clean -fd opencode_client docs/api`.",
            file=sys.stderr,
        )
        return failed
    propose(ROOT, report, PROPOSED)
    return 0


def propose(root: Path, report: Json, paths: Sequence[str]) -> None:
    """Add the entry to the changelog, if that has a place for it, and write the patch of `paths` and the changelog.

    Raises:
        CalledProcessError: git failed.
    """
    changelog = root / CHANGELOG
    text = changelog.read_text(encoding="utf-8") if changelog.exists() else ""
    if _UNRELEASED in text:
        changelog.write_text(with_entry(text, entry(report)), encoding="utf-8", newline="\n")
        paths = (*paths, CHANGELOG)
    else:
        print(f"{CHANGELOG} with {_UNRELEASED.strip()} is missing, so it gets no line")
    (root / JOB / "regeneration.patch").write_bytes(patch(root, paths))
    print(f"to propose: {JOB / 'regeneration.patch'}")


def entry(report: Json) -> str:
    """The line for the changelog: the server's version and the number of changes."""
    old, new = report["old"]["opencode_version"], report["new"]["opencode_version"]
    if not old:
        return f"- Generated for opencode {new}."
    versions = f"opencode {new}" if old == new else f"opencode {new}, from {old}"
    breaking = f", {report['breaking']} of them breaking" if report["breaking"] else ""
    return f"- Regenerated from {versions}: {len(report['changes'])} changes{breaking}."


def with_entry(changelog: str, line: str) -> str:
    """The changelog with `line` as the first entry of Unreleased, Changed."""
    head, found, rest = changelog.partition(_UNRELEASED)
    unreleased, mark, older = rest.partition("\n## ")
    if _SECTION in unreleased:
        unreleased = unreleased.replace(_SECTION + "\n", f"{_SECTION}\n{line}\n", 1)
    else:
        kept = f"{unreleased.rstrip()}\n" if unreleased.strip() else ""
        unreleased = f"{kept}\n{_SECTION}\n{line}\n"
    return head + found + unreleased + mark + older


def patch(repository: Path, paths: Sequence[str]) -> bytes:
    """The patch of `paths` since the last commit, ignored files too; the git index does not change."""
    git = ("git", "-C", str(repository))
    index = str(repository / "build" / "index")
    env = {**os.environ, "GIT_INDEX_FILE": index}
    subprocess.run([*git, "read-tree", "HEAD"], check=True, env=env)
    subprocess.run(
        [*git, "add", "--all", "--force", "--", *paths, ":(exclude,glob)**/__pycache__/**"],
        check=True,
        env=env,
    )
    made = subprocess.run(
        [*git, "diff", "--cached", "--binary", "HEAD"], check=True, env=env, capture_output=True
    )
    Path(index).unlink()
    return made.stdout


def _run(arguments: Sequence[str], env: Mapping[str, str]) -> int:
    sys.stdout.flush()
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=env, check=False).returncode


def set_outputs(report: Json) -> None:
    """Print the outputs, and set them if this runs in GitHub Actions."""
    outputs = {"status": report["status"], "version": report["new"]["opencode_version"]}
    lines = "".join(f"{name}={value}\n" for name, value in outputs.items())
    print(lines, end="")
    if file := os.environ.get("GITHUB_OUTPUT"):
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(lines)


if __name__ == "__main__":
    sys.exit(main())
