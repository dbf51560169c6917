"""Copies of the package under other names: two documents, three names and three servers in one process."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.normalise.schema import Json, with_schemas
from scripts.recordings import document
from scripts.rooms import PACKAGE, ROOT
from tests.support.faulty_server import http
from tests.support.generated_packages import write
from tests.support.terminal_server import PtyServer, cursor, end, say

_OLD = "other"
_NESTED = "acme.oc"
_NESTED_DEEPER = "acme.vendored.oc"
_NAMES = (_NESTED, _NESTED_DEEPER, _OLD)
_KEPT = ("/event", "/global", "/permission", "/pty", "/question", "/session")
_PROGRAM = ROOT / "tests" / "support" / "use_packages.py"

each_use = pytest.mark.parametrize(
    ("name", "client_kind"), [(name, kind) for name in _NAMES for kind in ("sync", "async")]
)


def _server(name: str) -> PtyServer:
    """Start a server that puts the package's name into its session's title and its terminal's output."""
    session = {
        "id": "ses_1",
        "slug": "a",
        "projectID": "p",
        "directory": "/r",
        "title": name,
        "version": "1",
        "time": {"created": 1, "updated": 2},
    }
    answers = {"/session": http(json.dumps([session]).encode())}
    return PtyServer([say(name), cursor(len(name)), end], answers=answers)


def _small(served: Json) -> Json:
    """Return the document with only the operations used here, and the schemas that these refer to."""
    paths = {path: item for path, item in served["paths"].items() if path.startswith(_KEPT)}
    schemas, todo = dict[str, Json](), [json.dumps(paths)]
    while todo:
        for name in set(re.findall(r'#/components/schemas/([^"]+)"', todo.pop())) - schemas.keys():
            schemas[name] = served["components"]["schemas"][name]
            todo.append(json.dumps(schemas[name]))
    return with_schemas({**served, "paths": paths}, schemas)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the committed package twice and, as `other`, a package of some operations of 1.1.31."""
    out = tmp_path_factory.mktemp("copies")
    for name in (_NESTED, _NESTED_DEEPER):  # with the compiled code, which saves seconds
        shutil.copytree(ROOT / PACKAGE, out.joinpath(*name.split(".")))
    write(tmp_path_factory.mktemp("old"), _small(document("1.1.31"))).rename(out / _OLD)
    return out


@pytest.fixture(scope="module")
def report(folder: Path) -> Any:  # Any: parsed JSON
    """Run a program that uses all three packages, and return its report."""
    servers = {name: _server(name) for name in _NAMES}
    pairs = [f"{name}={server.url}" for name, server in servers.items()]
    command = [sys.executable, "-I", str(_PROGRAM), str(folder), *pairs]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    finally:
        for server in servers.values():
            server.stop()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def use(report: Any, name: str, client_kind: str) -> dict[str, str]:  # Any: as above
    found: dict[str, str] = report["used"][name][client_kind]
    return found


@each_use
def test_a_copy_calls_its_own_server(use: dict[str, str], name: str) -> None:
    assert use["title"] == name


@each_use
def test_a_copys_terminal_reads_from_its_own_server(use: dict[str, str], name: str) -> None:
    assert use["text"] == name


@each_use
@pytest.mark.parametrize(
    ("part", "module"),
    [
        ("session", "models.session"),
        ("error", "errors"),
        ("event", "models.event_server_connected"),
        ("namespace", "api.pty"),
    ],
)
def test_a_copy_returns_and_raises_its_own_classes(
    use: dict[str, str], name: str, part: str, module: str
) -> None:
    assert use[part] == f"{name}.{module}"


@each_use
def test_a_copys_terminal_has_its_own_class(use: dict[str, str], name: str) -> None:
    assert use["terminal"].startswith(f"{name}.terminals.")


def test_a_copy_logs_under_its_own_name(report: Any) -> None:  # Any: as above
    ours = {logger for logger in report["loggers"] if logger.startswith((*_NAMES, PACKAGE))}
    assert ours >= {f"{name}.calls" for name in _NAMES}
    assert not {logger for logger in ours if logger.startswith(PACKAGE)}


def test_copies_do_not_import_the_installed_package(report: Any) -> None:  # Any: as above
    assert f"{_NESTED}.client" in report["modules"]
    assert [name for name in report["modules"] if name.partition(".")[0] == PACKAGE] == []
