"""The steps of `.github/workflows/regenerate.yml`, run as GitHub's runner does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from scripts.rooms import ROOT
from tests.job.project import git

_GH = """#!/bin/sh
printf '%s\\n' "$*" >> "$GH_LOG"
case "$1 $2" in "pr list") echo "$GH_OPEN" ;; esac
"""
"""A fake of GitHub's command: it logs its arguments, and reports $GH_OPEN open pull requests."""


def steps(job: str) -> list[str]:
    """Return the names (or ids) of the steps of a job that run a script, in order."""
    return list(_scripts(job))


def _scripts(job: str) -> dict[str, Any]:  # Any: parsed YAML
    workflow: Any = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "regenerate.yml")  # pyright: ignore[reportUnknownMemberType] # untyped
    scripts = [step for step in workflow["jobs"][job]["steps"] if "run" in step]
    return {step.get("id") or step.get("name", "last"): step for step in scripts}


def run_step(
    job: str, name: str, folder: Path, given: Mapping[str, str], env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a step in `folder`: `given` are the variables that the workflow sets, and `env` those of the runner."""
    step = _scripts(job)[name]
    assert given.keys() == step["env"].keys()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENCODE_", "GITHUB_"))}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-c", step["run"]],
        cwd=folder,
        env={**kept, **env, **given},
        capture_output=True,
        text=True,
        check=False,
    )


def propose(
    files: Mapping[str, bytes], outputs: Mapping[str, str], origin: Path, folder: Path, *, opened: str = "0"
) -> str:
    """Run the step that opens the pull request in a clone of `origin`; return the log of a fake `gh`."""
    made, programs, log = folder / "made", folder / "bin", folder / "log"
    made.mkdir()
    programs.mkdir()
    for name, content in files.items():
        (made / name).write_bytes(content)
    (programs / "gh").write_text(_GH, encoding="utf-8")
    (programs / "gh").chmod(0o755)
    git(folder, "clone", "--quiet", str(origin), str(folder / "clone"))
    given = {
        "GH_TOKEN": "t",
        "STATUS": outputs["status"],
        "VERSION": outputs["version"],
        "PACKAGE": "opencode_client",
        "MADE": str(made),
    }
    env = {"GH_LOG": str(log), "GH_OPEN": opened, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = run_step("propose", "last", folder / "clone", given, env)
    assert done.returncode == 0, done.stdout + done.stderr
    return log.read_text(encoding="utf-8")
