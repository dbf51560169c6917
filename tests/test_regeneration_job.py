"""The job that proposes a regeneration: what it writes into the changelog, and the patch."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from scripts.normalise.schema import Json
from scripts.regeneration_job import entry, patch, with_entry

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
def test_a_line_is_added_to_what_is_not_released(before: str, after: str) -> None:
    assert with_entry(before, "- new") == after


def test_a_changelog_without_a_place_for_it_is_an_error() -> None:
    with pytest.raises(ValueError, match=re.escape("no ## [Unreleased]")):
        with_entry("# Changelog\n", "- new")


def test_the_patch_makes_the_work_tree_of_the_last_commit(tmp_path: Path) -> None:
    def git(folder: Path, *arguments: str) -> None:
        who = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "core.autocrlf=false")
        subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)

    made, other = tmp_path / "made", tmp_path / "other"
    made.mkdir()
    git(made, "init", "--quiet")
    (made / ".gitignore").write_bytes(b"/build/\n")
    (made / "old").write_bytes(b"a\n")
    (made / "gone").write_bytes(b"b\n")
    git(made, "add", ".")
    git(made, "commit", "--quiet", "--message", "first")
    git(tmp_path, "clone", "--quiet", str(made), str(other))
    (made / "build").mkdir()
    (made / "build" / "ignored").write_bytes(b"x\n")
    (made / "old").write_bytes(b"changed\n")
    (made / "gone").unlink()
    (made / "new").write_bytes(b"\0\1")
    (tmp_path / "patch").write_bytes(patch(made))
    git(other, "apply", str(tmp_path / "patch"))
    found = {path.name: path.read_bytes() for path in other.iterdir() if path.is_file()}
    assert found == {".gitignore": b"/build/\n", "old": b"changed\n", "new": b"\0\1"}
