"""The workflow that builds and publishes the site."""

from __future__ import annotations

from typing import Any

import pytest
from ruamel.yaml import YAML

from scripts.rooms import ROOT


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    file = ROOT / ".github" / "workflows" / "site.yml"
    loaded: Any = YAML(typ="safe").load(file)  # pyright: ignore[reportUnknownMemberType] # untyped
    found: dict[str, Any] = loaded["jobs"]
    return found


def test_the_workflow_uploads_the_output_of_make_site(jobs: dict[str, Any]) -> None:
    *_, build, upload = jobs["build"]["steps"]
    assert build == {"run": "make site"}
    assert upload["with"] == {"path": "build/site/html"}


def test_the_workflow_publishes_only_with_the_owners_setting(jobs: dict[str, Any]) -> None:
    conditions = jobs["publish"]["if"].split(" && ")
    assert "vars.PUBLISH_SITE == 'true'" in conditions
    assert "github.ref == 'refs/heads/main'" in conditions
    assert [name for name, job in jobs.items() if "permissions" in job] == ["publish"]
