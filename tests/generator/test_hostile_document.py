"""A document is untrusted: with any content, the code compiles, runs nothing and stays in its folder.

openapi-python-client had CVE-2020-15141 and CVE-2020-15142 here, and our templates replace its escaping.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.generated_packages import document, write

_RUN = "__import__('pathlib').Path(r'{mark}').touch()"
_PAYLOADS = (
    '"); {run} #',
    '"""\n{run}\n"""',
    "'''\n{run}\n'''",
    "'); {run} #",
    "\\",
    "\\'); {run} #",
    '\\"""); {run} #',
    "\n{run}",
    "x\r{run}",
    "x\u2028{run}",
    "{{{{ 7 * 7 }}}}{{% for x in y %}}",
    "{{{{ config.__class__.__init__.__globals__ }}}}",
    "${{{run}}}",
    "f'{{{run}}}'",
    "../../escaped",
    "/etc/escaped",
    "..\\..\\escaped",
    "C:\\escaped",
    "a/b/../../../escaped",
    "a\x00b",
    "\ud83d",
    "",
    " ",
    "*",
    "class",
    "None",
    "self",
    "list",
    "str",
    "from_dict",
    "to_dict",
    "_raw",
    "__init__",
    "__class__",
    "data",
    "cls",
    "print",
    "OpencodeModel",
    "JsonObject",
    "Literal",
    "Unknown",
    "builtins",
    "models",
    "opencode_client",
    "x-oc",
    "x-pointer",
    "$ref",
    "properties",
    "éè漢字🙂",
    "1starts_with_digit",
    "a" * 300,
    "[31mred",
    "%s %(x)s {{}}",
    "# type: ignore",  # a hostile payload, not a comment of this file
    "endraw %}}",
)


_NOT_IN_PATHS = re.compile(r"[?#{}]")


def _payloads(mark: Path) -> list[str]:
    return [payload.format(run=_RUN.format(mark=mark)) for payload in _PAYLOADS]


def _schemas(payloads: list[str]) -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for index, bad in enumerate(payloads):
        reference = {"$ref": f"#/components/schemas/Safe{index}"}
        schemas[bad or "empty"] = {
            "type": "object",
            "title": bad,
            "description": bad,
            "properties": {
                bad: {"type": "string", "description": bad, "default": bad, "example": bad, "pattern": bad},
                f"{bad}2": {"type": "string", "enum": [bad, f"{bad}!", "plain"], "format": bad},
                "constant": {"const": bad, "description": f'{bad}"'},
                "inline": {"type": "object", "properties": {bad: {"enum": [bad, "y"]}}},
                "map": {"type": "object", "additionalProperties": reference},
                "union": {
                    "anyOf": [
                        {
                            "type": "object",
                            "properties": {bad: {"const": bad}, "v": reference},
                            "required": [bad],
                        },
                        {
                            "type": "object",
                            "properties": {bad: {"const": "o"}},
                            "required": [bad],
                            "title": bad,
                        },
                        {"$ref": f"#/components/schemas/{bad or 'empty'}"},
                    ]
                },
            },
            "required": [bad, "constant", bad * 2],
            f"x-{bad}": bad,
            "x-oc": {"kind": bad, "module": bad},
        }
        schemas[f"Safe{index}"] = {
            "anyOf": [
                {"type": "object", "properties": {"type": {"const": bad}}, "required": ["type"]},
                {
                    "type": "object",
                    "properties": {"type": {"enum": [f"{bad}a", f"{bad}b"]}},
                    "required": ["type"],
                },
                {
                    "type": "object",
                    "properties": {"type": {"const": "x"}},
                    "required": ["type"],
                    "description": bad,
                },
            ],
            "description": f"{bad}\\",
        }
    return schemas


def _paths(payloads: list[str]) -> dict[str, Any]:
    """Return paths. Characters that no path may have are refused before anything is generated."""
    variables = [_NOT_IN_PATHS.sub("-", bad) for bad in payloads]
    return {
        f"/{index}/{variables[index]}/{{{variables[index]}}}": {
            "get": {
                "operationId": bad,
                "summary": bad,
                "description": bad,
                "tags": [bad],
                "x-oc": {"errors": bad},
                "parameters": [
                    {"name": variables[index], "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": bad, "in": "query", "schema": {"default": bad, "enum": [bad, "z"]}},
                    {"name": bad, "in": "header", "schema": {"type": "string"}, "description": bad},
                    {"name": "deep", "in": "query", "style": "deepObject",
                     "schema": {"type": "object", "properties": {bad: {"type": "string"}}}},
                ],
                "requestBody": {"content": {bad or "x": {"schema": {"properties": {bad: {}}}}}},
                "responses": {
                    "200": {"description": bad, "content": {bad or "x": {"schema": {"type": "string"}}}},
                    "404": {"description": bad, "content": {"application/json": {"schema": {"const": bad}}}},
                },
            }
        }
        for index, bad in enumerate(payloads)
    }  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    payloads = _payloads(folder / "executed")
    content = document(_schemas(payloads), _paths(payloads))
    content["info"] = {"title": payloads[0], "version": payloads[1], "description": payloads[2]}
    return write(folder, content)


def test_every_generated_file_compiles(hostile: Path) -> None:
    for file in hostile.rglob("*.py"):
        compile(file.read_text(encoding="utf-8"), str(file), "exec")


def test_every_module_and_name_imports_and_runs_nothing_of_the_document(hostile: Path) -> None:
    code = (
        "import importlib, pathlib, opencode_client.models as models\n"
        "for name in models.__all__: getattr(models, name)\n"
        "for file in pathlib.Path(models.__file__).parent.glob('*.py'):\n"
        "    importlib.import_module(f'opencode_client.models.{file.stem}')\n"
        "print(models.__file__)"
    )
    environment = {**os.environ, "PYTHONPATH": str(hostile.parent), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(hostile / "models" / "__init__.py")
    assert not (hostile.parent.parent / "executed").exists()


def test_nothing_is_written_outside_the_given_folder(hostile: Path) -> None:
    folder = hostile.parent.parent
    assert sorted(file.name for file in folder.iterdir()) == ["document.json", "out"]
    assert [file.name for file in hostile.parent.iterdir()] == ["opencode_client"]
    outside = [file for file in hostile.rglob("*") if not file.resolve().is_relative_to(hostile.resolve())]
    assert outside == []


def test_every_generated_name_is_a_plain_identifier(hostile: Path) -> None:
    for file in hostile.rglob("*.py"):
        assert file.stem.isidentifier()
        assert file.stem.isascii()
        assert len(file.name) < 250
