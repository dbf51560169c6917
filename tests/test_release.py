"""The release workflow, and the metadata that hatch_build.py makes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from ruamel.yaml import YAML

from opencode_client import __version__
from scripts.rooms import ROOT

_FILE = ROOT / ".github" / "workflows" / "release.yml"
_ADDRESS = "https://forge.example/owner/opencode_client"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    loaded: Any = YAML(typ="safe").load(_FILE)  # pyright: ignore[reportUnknownMemberType] # untyped
    found: dict[str, Any] = loaded["jobs"]
    return found


def _before(jobs: dict[str, Any], name: str) -> set[str]:
    """The jobs that must succeed before this one begins."""
    needs = jobs[name].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(_before(jobs, other) for other in direct))


def test_pypi_is_published_after_the_checks_and_a_trial_with_testpypi(jobs: dict[str, Any]) -> None:
    assert _before(jobs, "pypi") == {"check", "build", "testpypi", "try"}
    assert _before(jobs, "testpypi") == {"check", "build"}
    urls = {
        name: _publishing(jobs[name]).get("with", {}).get("repository-url") for name in ("testpypi", "pypi")
    }
    assert urls == {"testpypi": "https://test.pypi.org/legacy/", "pypi": None}


def _publishing(job: dict[str, Any]) -> dict[str, Any]:
    [step] = [step for step in job["steps"] if step["uses"].startswith("pypa/gh-action-pypi-publish@")]
    return step  # type: ignore[no-any-return] # the workflow is not typed


def test_only_jobs_that_run_no_code_of_the_project_may_publish(jobs: dict[str, Any]) -> None:
    trusted = {name for name, job in jobs.items() if job.get("permissions", {}).get("id-token") == "write"}
    assert trusted == {"testpypi", "pypi"}
    assert [step for name in trusted for step in jobs[name]["steps"] if "run" in step] == []
    assert {jobs[name]["environment"] for name in trusted} == trusted
    assert "secrets." not in _FILE.read_text(encoding="utf-8")


def test_the_version_is_checked_against_all_tags(jobs: dict[str, Any]) -> None:
    checkout, _, version, checks = jobs["check"]["steps"]
    assert checkout["with"]["fetch-depth"] == 0
    assert version == {"run": "make next-version", "env": {"CHECK": "1"}}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert {*checks["run"].split()[1:], "next-version", "dist"} <= targets


@pytest.mark.parametrize(("tag", "passes"), [("v0.2.0", True), ("v0.2.1", False), ("v0.2", False)])
def test_the_tag_matches_the_version_of_the_wheel_and_of_the_changelog(
    jobs: dict[str, Any], tmp_path: Path, tag: str, passes: bool
) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "opencode_client-0.2.0-py3-none-any.whl").touch()
    (tmp_path / "CHANGELOG.md").write_text("## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n", encoding="utf-8")
    for name in ("The tag is the package's version", "The changelog has the version"):
        [script] = [step["run"] for step in jobs["build"]["steps"] if step.get("name") == name]
        environment = {"GITHUB_REF_NAME": tag, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=tmp_path, env=environment, capture_output=True
        )
        assert (done.returncode == 0) is passes


def _metadata(repository: str | None = None) -> ProjectMetadata[PluginManager]:
    found = ProjectMetadata(str(ROOT), PluginManager())
    if repository is not None:
        found.config["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"] = repository
    return found


def test_all_urls_of_the_metadata_come_from_one_setting() -> None:
    core = _metadata(f"{_ADDRESS}/").core
    files = f"{_ADDRESS}/blob/v{__version__}"
    assert core.urls == {
        "Changelog": f"{files}/CHANGELOG.md",
        "Documentation": f"{files}/README.md",
        "Issues": f"{_ADDRESS}/issues",
        "Repository": _ADDRESS,
    }
    assert f"]({files}/docs/quick-start.md)" in core.readme
    assert "](https://opencode.ai)" in core.readme
    assert set(re.findall(r"\]\((?!https://)[^)]*", core.readme)) == set()


def test_without_a_url_the_metadata_has_no_links() -> None:
    core = _metadata("").core
    assert core.urls == {}
    assert core.readme == (ROOT / "README.md").read_text(encoding="utf-8")


def test_no_page_contains_the_url_of_the_repository() -> None:
    own: str = _metadata().config["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("scripts/reference/*")]
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages if page.is_file()}
    address = re.compile(rf"https?://[\w.-]+/[\w./-]*opencode[-_]client{'|' + re.escape(own) if own else ''}")
    assert {name for name, text in texts.items() if address.search(text)} == set()
