"""The job that proposes a regeneration: its entry in the changelog, and the patch."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.normalise.schema import Json
from scripts.regeneration_job import PROPOSED, entry, patch, with_entry

_REPORT: Json = {
    "old": {"opencode_version": "1.18.33"}, "new": {"opencode_version": "1.18.34"},
    "changes": [{}, {}, {}], "breaking": 1,
}  # fmt: skip


def test_the_entry_names_the_version_and_how_much_changed() -> None:
    assert (
        entry(_REPORT) == "- Regenerated from opencode 1.18.34, from 1.18.33: 3 changes, 1 of them breaking."
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("## [Unreleased]\n\n### Changed\n\n- a\n", "## [Unreleased]\n\n### Changed\n\n- new\n- a\n"),
        ("## [Unreleased]\n", "## [Unreleased]\n\n### Changed\n\n- new\n"),
        (
            "# C\n\n## [Unreleased]\n\n### Added\n\n- a\n\n## [0.1]\n\n### Changed\n\n- b\n",
            "# C\n\n## [Unreleased]\n\n### Added\n\n- a\n\n### Changed\n\n- new\n\n## [0.1]\n\n### Changed\n\n- b\n",
        ),
    ],
)
def test_a_line_is_added_to_the_unreleased_section(before: str, after: str) -> None:
    assert with_entry(before, "- new") == after


def test_the_first_entry_has_no_earlier_version() -> None:
    first = {**_REPORT, "old": {"opencode_version": ""}}
    assert entry(first) == "- Generated for opencode 1.18.34."


_ROOMS = (
    *("openapi.json", "openapi.source.json", "CHANGELOG.md", "docs/api/gone", "docs/api/page"),
    *("opencode_client/api/a", "opencode_client/models/a", "opencode_client/_spec.py"),
)


def test_the_patch_contains_only_generated_files(tmp_path: Path) -> None:
    def git(folder: Path, *arguments: str) -> None:
        author = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "core.autocrlf=false")
        subprocess.run(["git", "-C", str(folder), *author, *arguments], check=True, capture_output=True)

    made, other = tmp_path / "made", tmp_path / "other"
    for name in _ROOMS:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(b"a\n")
    (made / "mine").write_bytes(b"a\n")
    git(made, "init", "--quiet")
    git(made, "add", ".")
    git(made, "commit", "--quiet", "--message", "first")
    git(tmp_path, "clone", "--quiet", str(made), str(other))
    (made / "build").mkdir()
    (made / "openapi.json").write_bytes(b"changed\n")
    (made / "docs/api/gone").unlink()
    (made / "opencode_client/models/new").write_bytes(b"\0\1")
    for name in ("mine", "notes"):
        (made / name).write_bytes(b"nobody else's\n")
    (tmp_path / "patch").write_bytes(patch(made, PROPOSED))
    git(other, "apply", str(tmp_path / "patch"))
    expected = dict.fromkeys(_ROOMS, b"a\n") | {
        "mine": b"a\n", "openapi.json": b"changed\n", "opencode_client/models/new": b"\0\1",
    }  # fmt: skip
    del expected["docs/api/gone"]
    files = [file for file in other.rglob("*") if file.is_file() and ".git" not in file.parts]
    assert {file.relative_to(other).as_posix(): file.read_bytes() for file in files} == expected
