"""Facts that are written in two places: each test compares the two."""

from __future__ import annotations

import inspect
import re
import tomllib
from functools import cached_property
from typing import Any

import pytest
from ruamel.yaml import YAML

import opencode_client
from opencode_client import (
    AsyncOpencodeClient,
    ClientOptions,
    OpencodeClient,
    PtyOptions,
    StreamOptions,
    testing,
)
from scripts import regeneration_job
from scripts.normalise.methods import ON_CLIENTS
from scripts.normalise.names import HANDWRITTEN
from scripts.recordings import DATA, DOCUMENTED, RECORDED
from scripts.rooms import PACKAGE, ROOMS, ROOT
from tests.support.suites import SLOW, TOOLS

_PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
_CI = ROOT / ".github" / "workflows" / "ci.yml"


@pytest.mark.parametrize("client", [OpencodeClient, AsyncOpencodeClient])
def test_handwritten_names_of_the_clients_are_reserved(client: type) -> None:
    public = {name: inspect.getattr_static(client, name) for name in dir(client) if not name.startswith("_")}
    by_hand = {name for name, member in public.items() if not isinstance(member, cached_property)}
    assert len(by_hand) >= 8
    assert by_hand - ON_CLIENTS == set()


def test_public_names_are_reserved_for_handwritten_classes() -> None:
    assert set(opencode_client.__all__) - {"to_datetime", "to_epoch_ms"} <= HANDWRITTEN


def test_names_of_the_testing_module_are_reserved_for_handwritten_classes() -> None:
    own = {name for name in testing.__all__ if inspect.isclass(getattr(testing, name))}
    assert "ScriptedModel" in own
    assert own - HANDWRITTEN == set()


def test_ruff_and_coverage_exclude_the_generated_folders() -> None:
    rooms = {f"{PACKAGE}/{room}" for room in ROOMS}
    omitted = _PROJECT["tool"]["coverage"]["run"]["omit"]
    assert rooms <= set(_PROJECT["tool"]["ruff"]["extend-exclude"])
    assert rooms <= {pattern.removesuffix("/*") for pattern in omitted}


def test_make_the_job_and_the_workflow_run_the_same_offline_tests() -> None:
    make = re.search(r"^OFFLINE := (.+)$", _MAKEFILE, re.M)
    job = regeneration_job.TEST[regeneration_job.TEST.index("-m", 2) + 1]
    workflow = re.search(r'python -m pytest .*-m "(.+)"', _CI.read_text(encoding="utf-8"))
    assert make is not None
    assert workflow is not None
    markers = {line.partition(":")[0] for line in _PROJECT["tool"]["pytest"]["ini_options"]["markers"]}
    markers -= {"matrix", "tools"}  # the tests of the first are marked "live", too
    for expression in (make[1], job, workflow[1]):
        assert {part.removeprefix("not ") for part in expression.split(" and ")} == markers


def test_every_path_of_a_suite_exists() -> None:
    assert [place for place in (*TOOLS, *SLOW) if not (ROOT / "tests" / place).exists()] == []


def test_every_committed_document_and_recording_is_listed() -> None:
    for folder, versions in (("documents", DOCUMENTED), ("recorded", RECORDED)):
        files = {file.name.removesuffix(".json.gz") for file in (DATA / folder).glob("*.json.gz")}
        assert files == set(versions)


def test_the_oldest_python_is_the_same_everywhere() -> None:
    oldest = _PROJECT["project"]["requires-python"].removeprefix(">=")
    tools = _PROJECT["tool"]
    assert (tools["mypy"]["python_version"], tools["basedpyright"]["pythonVersion"]) == (oldest, oldest)
    assert tools["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    texts = (ROOT / "README.md").read_text(encoding="utf-8") + _MAKEFILE
    assert set(re.findall(r"Python (?:>= )?(3\.\d+)", texts)) == {oldest}


def test_the_workflow_tests_every_python_that_the_package_names() -> None:
    workflow: Any = YAML(typ="safe").load(_CI)  # pyright: ignore[reportUnknownMemberType] # untyped
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(_PROJECT["project"]["classifiers"]))
    assert workflow["jobs"]["offline"]["strategy"]["matrix"]["python"] == named


def test_the_page_lists_every_argument_of_the_client() -> None:
    page = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
    table = page.partition("## The arguments of a client\n")[2]
    rows = re.findall(r"^\| (`.+?) \|", table, re.M)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert listed == set(inspect.signature(OpencodeClient).parameters)


def test_the_clients_accept_every_option() -> None:
    options = set(inspect.signature(ClientOptions).parameters)
    assert set(inspect.signature(OpencodeClient).parameters) - {"http_client"} == options
    changeable = options - {"base_url", "username", "password"}
    assert set(inspect.signature(OpencodeClient.with_options).parameters) - {"self"} == changeable


@pytest.mark.parametrize(("page", "options"), [("events", StreamOptions), ("terminals", PtyOptions)])
def test_the_guides_name_every_option(page: str, options: type) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert [name for name in options.__annotations__ if not re.search(rf"`{name}\b|\b{name}=", text)] == []
