"""The whole weekly job: an old state of this project, a newer server, and the patch that the job proposes.

From 1.3.2, a server of 1.18.33 must lead to the committed files; then an imaginary newer server brings additions. The
committed files are those of the ordinary suite, so that job runs few tests. The other runs all.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Generator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from scripts.rooms import ROOT
from tests.job.project import Project, Run, git, older
from tests.job.tomorrow import VERSION, of_tomorrow
from tests.job.workflow import propose

pytestmark = pytest.mark.job

_OLD, _NEW = "1.3.2", "1.18.33"
_PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return older(tmp_path_factory.mktemp("job") / "project", _OLD)


@pytest.fixture(scope="module")
def checkout(project: Project) -> Path:
    """A clone of the old state from before the job, with an origin to push to."""
    origin, clone = project.folder.with_name("origin.git"), project.folder.with_name("checkout")
    project.git("clone", "--quiet", "--bare", str(project.folder), str(origin))
    project.git("clone", "--quiet", str(origin), str(clone))
    return clone


@pytest.fixture(scope="module")
def newer(project: Project, checkout: Path) -> Run:
    """The job's run with a newer server, and with the tests of the operations alone."""
    return project.run_job(OPENCODE_VERSION=_NEW, TESTS="tests/calls/test_contract.py")


@pytest.fixture(scope="module")
def merged(project: Project, newer: Run) -> Project:
    """The project after the proposal was merged."""
    assert newer.code == 0, newer.printed[-4000:]
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "Merge")
    return project


@pytest.fixture(scope="module")
def tomorrow() -> Generator[str]:
    """The URL of an imaginary newer server."""
    with HTTPServer() as server:
        today = json.loads((ROOT / "openapi.json").read_bytes())
        allowed = {"Authorization": f"Basic {b64encode(f'opencode:{_PASSWORD}'.encode()).decode()}"}
        server.expect_request("/doc", headers=allowed).respond_with_json(of_tomorrow(today))
        health = {"healthy": True, "version": VERSION}
        server.expect_request("/global/health", headers=allowed).respond_with_json(health)
        yield server.url_for("")


def test_a_newer_server_is_breaking_and_the_tests_pass(newer: Run) -> None:
    assert newer.code == 0, newer.printed[-4000:]
    assert newer.outputs == {"status": "breaking", "version": _NEW}
    assert 100 < _passed(newer) < 1000


def _passed(run: Run) -> int:
    """Return the number of tests that passed. Some may have been skipped."""
    found = re.search(r"^(\d+) passed.* in ", run.printed, re.MULTILINE)
    return int(found[1]) if found else 0


def test_the_report_has_changes_of_the_document_and_of_python(newer: Run) -> None:
    report = newer.report
    assert [report[side]["opencode_version"] for side in ("old", "new")] == [_OLD, _NEW]
    found = {(c["part"], c["where"], c["kind"], c["breaking"]) for c in report["changes"]}
    assert {
        ("document", "operation v2.session.list", "added", False),
        ("python", "client.v2", "added", False),
    } <= found
    assert report["breaking"] == sum(breaking for *_, breaking in found) > 0


def test_the_patch_turns_the_old_state_into_the_committed_files(
    newer: Run, checkout: Path, tmp_path: Path
) -> None:
    (tmp_path / "patch").write_bytes(newer.files["regeneration.patch"])
    git(checkout, "worktree", "add", "--quiet", str(tmp_path / "applied"))
    git(tmp_path / "applied", "apply", "--index", str(tmp_path / "patch"))
    assert git(tmp_path / "applied", "diff", "--cached", "--name-only", "now").split() == ["CHANGELOG.md"]
    entry = git(tmp_path / "applied", "diff", "--cached", "--unified=0", "now").splitlines()[-1]
    assert entry.startswith(f"+- Regenerated from opencode {_NEW}, from {_OLD}: ")


@pytest.mark.parametrize(("open_", "command"), [("0", "pr create --head"), ("1", "pr edit")])
def test_the_workflow_proposes_the_patch(
    newer: Run, checkout: Path, tmp_path: Path, open_: str, command: str
) -> None:
    origin = checkout.with_name("origin.git")
    log = propose(newer.files, newer.outputs, origin, tmp_path, opened=open_)
    branch = f"regenerate/opencode-{_NEW}"
    assert f"{command} {branch}" in log
    assert f"pr edit {branch} --add-label breaking" in log
    assert git(origin, "log", "-1", "--format=%s", branch) == f"Regenerate from opencode {_NEW}\n"
    assert git(origin, "diff", "--name-only", "now", branch).split() == ["CHANGELOG.md"]
    body = (tmp_path / "made" / "body.md").read_text(encoding="utf-8")
    assert body.startswith("```text\nFrom HEAD (")
    assert f"opencode {_OLD} -> {_NEW}: breaking" in body


def test_without_changes_the_job_leaves_no_files(merged: Project) -> None:
    again = merged.run_job(OPENCODE_VERSION=_NEW)
    assert (again.code, again.outputs, again.files) == (0, {"status": "unchanged", "version": _NEW}, {})
    assert merged.git("status", "--porcelain") == ""


def test_there_is_no_patch_if_the_tests_fail(merged: Project, tomorrow: str) -> None:
    shared = merged.folder / "tests" / "conftest.py"
    shared.write_text(f"{shared.read_text(encoding='utf-8')}\nassert False\n", encoding="utf-8")
    failed = merged.run_job(OPENCODE_URL=tomorrow, OPENCODE_SERVER_PASSWORD=_PASSWORD)
    merged.git("reset", "--quiet", "--hard")
    assert failed.code != 0
    assert failed.files.keys() == {"report.txt", "report.json"}
    assert "The tests failed, so there is no patch." in failed.printed


def test_an_imaginary_newer_server_is_proposed_and_the_tests_pass(merged: Project, tomorrow: str) -> None:
    run = merged.run_job(OPENCODE_URL=tomorrow, OPENCODE_SERVER_PASSWORD=_PASSWORD)
    assert run.code == 0, run.printed[-4000:]
    assert run.outputs == {"status": "changed", "version": VERSION}
    assert _passed(run) > 3000  # the whole offline suite
    patch = run.files["regeneration.patch"].decode()
    assert "+    def consult(" in patch
    assert f"""+    "almanac.consult": ("{_NEW}", "{VERSION}"),""" in patch
    assert f"Source: `POST /almanac`, opencode {VERSION} (not in {_NEW})." in patch
    assert _PASSWORD not in run.printed + patch
    checked = merged.make("check-generated")
    assert checked.returncode == 0, checked.stdout
    assert {"client.almanac", "client.session.weather", "models.EventWeatherChanged"} <= {
        change["where"] for change in run.report["changes"] if change["part"] == "python"
    }
