"""The package of a document of OpenCode 2.1 can be imported, is typed, and has every operation as documented.

No server of 2.x could be run. The document was rebuilt from a public client of 2.1 (opencode-python-sdk 0.2.3 of PyPI).
"""

from __future__ import annotations

import lzma
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.generate import build, write_package
from scripts.recordings import DATA
from scripts.rooms import ROOT

pytestmark = pytest.mark.documents

_FACTS_OF_1_X = (
    "test_every_operation_is_called_or_is_a_stream_or_a_terminal",  # counts those of 1.18.33
    "test_37_operations_accept_no_directory_and_one_filters_by_it",
    "test_the_rest_of_a_path_keeps_its_slashes",  # names an operation of 1.x
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tests with this document and its package."""
    tree = tmp_path_factory.mktemp("second")
    for name in ("tests", "scripts"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    document = tree / "openapi.json"
    document.write_bytes(lzma.decompress((DATA / "opencode-2.1-rebuilt.json.xz").read_bytes()))
    with build(document, strict=False) as built:
        write_package(built, tree)
    return tree


def _run(tree: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tree, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return done.stdout


def test_every_module_of_the_package_can_be_imported(tree: Path) -> None:
    program = (
        "import importlib, pkgutil, opencode_client as package\n"
        "names = [one.name for one in pkgutil.walk_packages(package.__path__, 'opencode_client.')]\n"
        "print([importlib.import_module(name).__file__ for name in names][0], len(names))"
    )
    file, count = _run(tree, "-W", "error", "-c", program).split()
    assert file.startswith(str(tree))
    assert int(count) > 500


def test_the_package_is_typed(tree: Path) -> None:
    found = _run(tree, "-m", "mypy", "--strict", "--cache-dir", str(tree / ".mypy_cache"), "opencode_client")
    assert found.startswith("Success: no issues found in ")


def test_every_operation_is_as_documented(tree: Path) -> None:
    skipped = [f"--deselect=tests/calls/test_contract.py::{name}" for name in _FACTS_OF_1_X]
    found = _run(
        tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/calls/test_contract.py", *skipped
    )
    assert " passed" in found
    assert "failed" not in found
