"""The public names of the package."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

import opencode_client
from opencode_client import errors
from scripts.rooms import ROOT


def test_every_public_name_can_be_imported() -> None:
    assert {name for name in opencode_client.__all__ if getattr(opencode_client, name) is None} == set()
    assert set(opencode_client.__all__) <= set(dir(opencode_client))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = getattr(opencode_client, "nothing")  # noqa: B009 # type checkers know that it does not exist


def test_importing_the_package_imports_no_heavy_module() -> None:
    heavy = ("httpx", "attrs", "orjson", "logging")
    code = f"import sys, opencode_client; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_package_that_is_imported_is_a_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    needed = {re.split("[<>=]", one)[0] for one in [*project["dependencies"], *chain(*extras)]}
    homes = packages_distributions()
    missing = {name for name in _imported() if not needed & {*homes.get(name, ())}}
    # httpx has h2 for HTTP/2; pytest loads the plugin; only type checkers read typing_extensions, and they have it
    assert missing == {"h2", "pytest", "typing_extensions"}


def _imported() -> set[str]:
    """Return the packages that handwritten and generated modules import, without the standard library."""
    found: set[str] = set()
    for file in Path(opencode_client.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {one.name.partition(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names


@pytest.mark.documents  # checking all models takes seconds
def test_type_checkers_report_unknown_names(tmp_path: Path) -> None:
    for number, line in enumerate(
        ("from opencode_client import Typo", "from opencode_client.models import Typo")
    ):
        (tmp_path / f"user_{number}.py").write_text(line, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--no-incremental", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.count('has no attribute "Typo"') == 2


def test_every_error_is_public() -> None:
    kinds = {
        name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)
    }
    assert {name for name in kinds if name[0] != "_"} <= set(opencode_client.__all__)


def test_the_imports_for_type_checkers_give_each_public_name_its_module() -> None:
    """`__all__`, the imports and the table of modules name the same things."""
    tree = ast.parse(Path(opencode_client.__file__).read_text(encoding="utf-8"))
    [block] = [
        node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    imported = {
        name.name: f"{opencode_client.__name__}.{node.module}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    homes = {name: f"{opencode_client.__name__}.{home}" for home, names in _homes().items() for name in names}
    assert sorted(imported) == sorted(opencode_client.__all__)
    assert {name: home for name, home in imported.items() if home != errors.__name__} == homes


def _homes() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = vars(opencode_client)["_MODULES"]
    return found


@pytest.mark.parametrize("module", ["async_client", "client", "calls.options", "api"])
def test_httpx_is_not_imported_before_a_client_is_made(module: str) -> None:
    code = f"import sys, opencode_client.{module}; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("kind", ["OpencodeClient", "AsyncOpencodeClient"])
@pytest.mark.parametrize(
    ("argument", "imports"),
    [
        ("", False),
        ("'https://api.example.org:4096/a', timeout=5, password='p'", False),
        ("'http://[::1]:4096'", True),  # a host that httpx has to check
    ],
)
def test_a_client_imports_httpx_when_that_must_check_its_arguments(
    kind: str, argument: str, imports: bool
) -> None:
    code = (
        f"import sys; from opencode_client import {kind}; {kind}({argument}); print('httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(imports)
