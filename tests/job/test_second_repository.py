"""The workflow, called from a repository without a copy of this project: it uses the generator of the wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from pytest_httpserver import HTTPServer

from scripts.regeneration_job import JOB
from scripts.rooms import ROOT
from tests.job.project import Run, git
from tests.job.workflow import propose, run_step, steps
from tests.support.generated_packages import document

pytestmark = pytest.mark.job

_PASSWORD = "correct horse battery"
_INSTALL = "install, without the password"
_CHANGELOG = "# Changelog\n\n## [Unreleased]\n"
_WORKFLOW = ".github/workflows/ours.yml"
_FIRST, _SECOND = "26.08.24", "26.09.01"


def _operation(name: str, path: str) -> dict[str, Any]:  # Any: a piece of a document
    answer = {"description": "", "content": {"application/json": {"schema": {"type": "string"}}}}
    return {path: {"get": {"operationId": name, "responses": {"200": answer}}}}


_LIST, _READ = _operation("pet.list", "/pet"), _operation("pet.read", "/pet/one")


@frozen
class Repository:
    """A repository with a file of its own, its origin, and the folder of a runner."""

    folder: Path
    runner: Path

    @property
    def origin(self) -> Path:
        return self.folder.with_name("origin.git")

    def run_job(self, url: str, **given: str) -> Run:
        """Run the step `job`, and return its result."""
        outputs = self.runner / "outputs"
        outputs.unlink(missing_ok=True)
        values = {
            "PACKAGE": "opencode_client",
            "OPENCODE_VERSION": "latest",
            "OPENCODE_URL": url,
            "OPENCODE_SERVER_USERNAME": "me",
            "OPENCODE_SERVER_PASSWORD": _PASSWORD,
            "ALLOW_REMOVED": "",
        }
        env = {"RUNNER_TEMP": str(self.runner), "GITHUB_OUTPUT": str(outputs)}
        done = run_step("make", "job", self.folder, values | given, env)
        lines = outputs.read_text(encoding="utf-8").splitlines() if outputs.exists() else []
        made = self.folder / JOB
        files = {file.name: file.read_bytes() for file in made.iterdir()} if made.exists() else {}
        printed = done.stdout + done.stderr
        return Run(done.returncode, printed, dict(line.split("=", 1) for line in lines), files)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The repository, with the generator installed as the workflow does it."""
    folder = tmp_path_factory.mktemp("second")
    wheel = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(wheel, check=True)
    found = Repository(folder / "ours", folder / "runner")
    (found.folder / _WORKFLOW).parent.mkdir(parents=True)
    found.runner.mkdir()
    for name, text in {"CHANGELOG.md": _CHANGELOG, _WORKFLOW: "on: push\n", ".gitignore": "api/\n"}.items():
        (found.folder / name).write_text(text, encoding="utf-8")
    git(found.folder, "init", "--quiet", "--initial-branch", "main")
    git(found.folder, "add", "--all")
    git(found.folder, "commit", "--quiet", "--message", "First")
    git(found.folder, "clone", "--quiet", "--bare", str(found.folder), str(found.origin))
    [built] = folder.glob("*.whl")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {"RUNNER_TEMP": str(found.runner), "PATH": path}
    done = run_step("make", _INSTALL, found.folder, {"GENERATOR": f"{built}[generate]"}, env)
    assert done.returncode == 0, done.stdout + done.stderr
    return found


@pytest.fixture(scope="module")
def server() -> Generator[HTTPServer]:
    with HTTPServer() as server:
        yield server


def _serve(server: HTTPServer, content: Any, version: str) -> str:  # Any: a document
    """Serve the document to requests with the password, and return the URL."""
    server.clear()
    allowed = {"Authorization": f"Basic {b64encode(f'me:{_PASSWORD}'.encode()).decode()}"}
    server.expect_request("/doc", headers=allowed).respond_with_json(content)
    health = {"healthy": True, "version": version}
    server.expect_request("/global/health", headers=allowed).respond_with_json(health)
    return server.url_for("")


@pytest.fixture(scope="module")
def first(repository: Repository, server: HTTPServer) -> Run:
    """The first run, in a repository without a package."""
    return repository.run_job(_serve(server, document({}, _LIST), _FIRST))


@pytest.fixture(scope="module")
def second(repository: Repository, server: HTTPServer, first: Run) -> Run:
    """A run with a newer server, after the proposal of the first was merged."""
    assert first.code == 0, first.printed
    git(repository.folder, "add", "--all", "--force", "--", ".", ":(exclude)build")
    git(repository.folder, "commit", "--quiet", "--message", "Merge")
    git(repository.folder, "push", "--quiet", str(repository.origin), "main")
    return repository.run_job(_serve(server, document({}, _LIST | _READ), _SECOND))


def test_the_install_step_runs_before_the_step_with_the_password() -> None:
    assert steps("make") == [_INSTALL, "job"]  # the fixture checks the variables of both


def test_the_first_run_proposes_a_package(first: Run, repository: Repository, tmp_path: Path) -> None:
    assert first.outputs == {"status": "changed", "version": _FIRST}
    log = propose(first.files, first.outputs, repository.origin, tmp_path)
    branch = f"regenerate/opencode-{_FIRST}"
    assert f"pr create --head {branch}" in log
    files = set(git(repository.origin, "diff", "--name-only", "main", branch).split())
    assert {"CHANGELOG.md", "openapi.json", "openapi.source.json", "opencode_client/api/pet.py"} <= files
    others = {name for name in files if not name.startswith("opencode_client/")}
    assert others == {"CHANGELOG.md", "openapi.json", "openapi.source.json"}
    assert not [name for name in files if "__pycache__" in name]
    changelog = git(repository.origin, "show", f"{branch}:CHANGELOG.md")
    assert changelog == f"{_CHANGELOG}\n### Changed\n\n- Generated for opencode {_FIRST}.\n"


def test_a_newer_server_is_proposed_with_its_changes(
    second: Run, repository: Repository, tmp_path: Path
) -> None:
    assert second.code == 0, second.printed
    assert second.outputs == {"status": "changed", "version": _SECOND}
    assert "client.pet.read: method added" in second.files["report.txt"].decode()
    assert [change["where"] for change in second.report["changes"]] == [
        "operation pet.read",
        "client.pet.read",
    ]
    propose(second.files, second.outputs, repository.origin, tmp_path)
    branch = f"regenerate/opencode-{_SECOND}"
    files = set(git(repository.origin, "diff", "--name-only", "main", branch).split())
    generated = {"_spec.py", "api/pet.py"}
    assert files == {
        *("CHANGELOG.md", "openapi.json", "openapi.source.json"),
        *(f"opencode_client/{name}" for name in generated),
    }
    assert _PASSWORD not in second.printed + second.files["regeneration.patch"].decode()


def test_a_patch_changes_only_generated_files(second: Run, repository: Repository, tmp_path: Path) -> None:
    clone = tmp_path / "changed"
    git(tmp_path, "clone", "--quiet", str(repository.origin), str(clone))
    (clone / "opencode_client" / "moved.py").write_bytes((clone / _WORKFLOW).read_bytes())
    (clone / _WORKFLOW).unlink()
    (clone / "CHANGELOG.md").write_text("Ours\n", encoding="utf-8")
    (clone / ".github" / "workflows" / "new.yml").write_text("on: push\n", encoding="utf-8")
    git(clone, "add", "--all")
    harmful = git(clone, "diff", "--cached", "--find-renames")
    assert f"rename from {_WORKFLOW}" in harmful
    files = second.files | {"regeneration.patch": harmful.encode()}
    propose(files, second.outputs, repository.origin, tmp_path)
    branch = f"regenerate/opencode-{_SECOND}"
    changed = git(repository.origin, "diff", "--no-renames", "--name-only", "main", branch).split()
    assert changed == ["CHANGELOG.md", "opencode_client/moved.py"]


def test_without_changes_there_are_no_files(second: Run, repository: Repository, server: HTTPServer) -> None:
    again = repository.run_job(server.url_for(""))
    assert (again.code, again.outputs, again.files) == (0, {"status": "unchanged", "version": _SECOND}, {})


def test_lost_operations_are_refused_unless_they_are_allowed(
    second: Run, repository: Repository, server: HTTPServer
) -> None:
    url = _serve(server, document({}, _LIST), "26.10.01")
    before = git(repository.folder, "status", "--porcelain")
    refused = repository.run_job(url)
    assert refused.code == 1
    assert "1 operations would be removed (--allow-removed accepts that)" in refused.printed
    assert git(repository.folder, "status", "--porcelain") == before
    allowed = repository.run_job(url, ALLOW_REMOVED="1")
    assert allowed.outputs["status"] == "breaking"
    source = json.loads((repository.folder / "openapi.source.json").read_text(encoding="utf-8"))
    assert source["opencode_version"] == "26.10.01"
