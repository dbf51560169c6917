"""The examples in docs/testing.md and docs/zh/testing.md run as tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.rooms import ROOT
from tests.support.doc_examples import blocks
from tests.support.faulty_server import FaultyServer, answer, hang_up, http

_PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
_EXAMPLES = {
    section.partition("\n")[0]: block.partition("```")[0]
    for section, _, block in (part.partition("```python\n") for part in _PAGE.split("\n### ")[1:])
    if block
}
_CONFTEST = _PAGE.partition("## The pytest plugin")[2].partition("```python\n")[2].partition("```")[0]
_CHINESE = {
    f"zh {number}": block
    for number, block in enumerate(blocks("docs/zh/testing.md"))
    if "OpencodeServer" not in block  # tests/live/test_testing_page.py runs that
}
_ALL = _EXAMPLES | _CHINESE


_PLUGINS = ("-p", "pytest_httpx", "-p", "respx.plugin", "-p", "anyio.pytest_plugin")
"""The plugins that the examples need; others take seconds to load."""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The output of all examples, run twice as tests with warnings as errors. The server answers one request."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    for name, example in _ALL.items():
        (folder / f"test_{_word(name)}.py").write_text(example, encoding="utf-8")
    with FaultyServer([answer(http(b'[{"id": "ses_1"}]'))], [hang_up]) as server:
        return _run_twice(folder, server.url)


def _word(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _run_twice(folder: Path, url: str) -> str:
    command = [sys.executable, "-m", "pytest", *_PLUGINS, "-rA", "-W", "error", "-p", "no:cacheprovider"]
    command += ["--rootdir", ".", "--keep-duplicates", ".", "."]
    env = {
        **os.environ,
        "OPENCODE_BASE_URL": url,
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    done = subprocess.run(command, cwd=folder, env=env, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_the_page_begins_with_fakes_of_the_client() -> None:
    assert _PAGE.split("\n## ")[1].startswith("Faking the client in your tests\n")


def test_the_page_has_an_example_for_each_way() -> None:
    names = [
        "A model with some members",
        "unittest.mock",
        "Mocks of an async client",
        "httpx.MockTransport",
        "respx",
        "pytest-httpx",
        "vcrpy",
        "A test with the plugin",
        "An async test with the plugin",
        "A turn of the fake",
        "Faults",
    ]
    assert list(_EXAMPLES) == names


@pytest.mark.parametrize("example", list(_ALL))
def test_an_example_passes_with_a_server_and_then_without(output: str, example: str) -> None:
    assert output.count(f"PASSED test_{_word(example)}.py::") == 2


@pytest.mark.parametrize("example", list(_ALL))
def test_an_example_has_at_most_twelve_lines_without_imports(example: str) -> None:
    lines = [line for line in _ALL[example].splitlines() if line and not re.match(r"(import|from) ", line)]
    assert len(lines) <= 12
