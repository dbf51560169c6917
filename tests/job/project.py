"""A copy of this project with two commits: the work tree, then the same regenerated from an older document."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from attrs import field, frozen

from scripts.fetch_spec import Served, write
from scripts.recordings import document
from scripts.regeneration_job import JOB
from scripts.rooms import ROOT

_AUTHOR = ("-c", "user.name=test", "-c", "user.email=test@localhost")
_TIMEOUT_S = 900


@frozen
class Run:
    """The result of one run of the job: exit code, printed text, outputs, and files by name."""

    code: int
    printed: str = field(repr=False)
    outputs: dict[str, str]
    files: dict[str, bytes] = field(repr=False)

    @property
    def report(self) -> Any:  # Any: JSON
        return json.loads(self.files["report.json"])


@frozen
class Project:
    """The copy, with its own virtual environment, like a fresh clone."""

    folder: Path

    def git(self, *arguments: str) -> str:
        return git(self.folder, *arguments)

    def make(self, *targets: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = ["make", f"PYTHON={sys.executable}", *targets]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=_environment() | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )

    def run_job(self, **env: str) -> Run:
        """Run the job as the workflow does."""
        outputs = self.folder.with_name("outputs")
        outputs.unlink(missing_ok=True)
        done = self.make("regeneration-job", GITHUB_OUTPUT=str(outputs), **env)
        lines = outputs.read_text(encoding="utf-8").splitlines() if outputs.exists() else []
        made = self.folder / JOB
        files = {file.name: file.read_bytes() for file in made.iterdir()} if made.exists() else {}
        return Run(done.returncode, done.stdout, dict(line.split("=", 1) for line in lines), files)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *_AUTHOR, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def older(folder: Path, version: str) -> Project:
    """Make the copy in `folder`: tag `now` is the work tree, the next commit is regenerated for `version`."""
    project = Project(folder)
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # a deleted file is still listed
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".cache").mkdir()
    (ROOT / ".cache" / "opencode").mkdir(parents=True, exist_ok=True)
    (folder / ".cache" / "opencode").symlink_to(ROOT / ".cache" / "opencode")
    project.git("init", "--quiet", "--initial-branch", "main")
    _commit(project, "As it is now")
    project.git("tag", "now")
    served = document(version)
    write(served, Served(json.dumps(served).encode(), version), folder)
    made = project.make("generate", "docs")
    assert made.returncode == 0, made.stdout
    _commit(project, f"Regenerate from opencode {version}")
    return project


def _commit(project: Project, message: str) -> None:
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", message)


def _environment() -> dict[str, str]:
    """Our environment without the variables of pytest, make and jobs."""
    removed = ("PYTEST_", "OPENCODE_", "GITHUB_", "MAKE", "CHECK", "TESTS", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(removed)}
