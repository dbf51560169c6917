"""A copy of this project with a history: the work tree as it is, then the same as an older server would make it."""

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

_WHO = ("-c", "user.name=test", "-c", "user.email=test@localhost")
_PATIENCE_S = 900


@frozen
class Run:
    """What a run of the job left: its exit code, what it printed, its outputs, and its files by their names."""

    code: int
    printed: str = field(repr=False)
    outputs: dict[str, str]
    files: dict[str, bytes] = field(repr=False)

    @property
    def report(self) -> Any:  # Any: JSON
        return json.loads(self.files["report.json"])


@frozen
class Project:
    """The copy, with an environment of its own, as a fresh clone gets it."""

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
            timeout=_PATIENCE_S,
            check=False,
        )

    def run_job(self, **env: str) -> Run:
        """The job as the workflow runs it."""
        outputs = self.folder.with_name("outputs")
        outputs.unlink(missing_ok=True)
        done = self.make("regeneration-job", GITHUB_OUTPUT=str(outputs), **env)
        lines = outputs.read_text(encoding="utf-8").splitlines() if outputs.exists() else []
        made = self.folder / JOB
        files = {file.name: file.read_bytes() for file in made.iterdir()} if made.exists() else {}
        return Run(done.returncode, done.stdout, dict(line.split("=", 1) for line in lines), files)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *_WHO, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def older(folder: Path, version: str) -> Project:
    """The copy in `folder`: tag `now` is the work tree, the commit after it is of the document of `version`."""
    project = Project(folder)
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # else it was removed
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
    """Ours, without what pytest and a job set for themselves."""
    ours = ("PYTEST_", "OPENCODE_", "GITHUB_", "MAKE", "CHECK", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
