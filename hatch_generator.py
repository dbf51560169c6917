"""Pack the generator into the wheel, as `opencode_client/_generator.tar.bz2`. `opencode-client generate` unpacks it.

Packed, it needs 50 kB less, and no program imports it by chance. Editable installs do not get it: there the command
finds the generator beside the package.
"""

from __future__ import annotations

import ast
import io
import re
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PACKED = (
    *("custom_templates", "scripts/changes", "scripts/normalise", "scripts/render"),
    *("generator-config.yaml", "scripts/generated.ruff.toml"),
    *("scripts/__init__.py", "scripts/all_or_none.py", "scripts/documents.py", "scripts/elsewhere.py"),
    *("scripts/fetch_spec.py", "scripts/generate.py", "scripts/npm_server.py", "scripts/overlays.py"),
    *(
        "scripts/regeneration_job.py",
        "scripts/rooms.py",
        "scripts/scratch_server.py",
        "scripts/sync_twins.py",
    ),
)
_LEFT_OUT = {"__pycache__", "__main__.py", "README.md", "upstream.toml"}
_ARGUMENTS = "arguments.toml"
_CHINESE = re.compile(r'(?m)^("[^"]+" = \["(?:[^"\\]|\\.)*", ").+("\])$')


class GeneratorHook(BuildHookInterface[Any]):  # Any: the configuration of a builder
    """Packs the generator before the wheel is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # Any: defined by hatchling
        """Add the archive, unless the install is editable."""
        if version == "editable":
            return
        self._scratch = tempfile.TemporaryDirectory(prefix="opencode-client-")
        archive = Path(self._scratch.name, "_generator.tar.bz2")
        with tarfile.open(archive, "w:bz2") as packed:
            for file in (file for name in _PACKED for file in _files(Path(self.root, name))):
                data = _shortened(file)
                member = tarfile.TarInfo(file.relative_to(self.root).as_posix())
                member.size = len(data)
                packed.addfile(member, io.BytesIO(data))
        build_data["force_include"][str(archive)] = f"opencode_client/{archive.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # Any: as above
        """Delete the archive."""
        if version != "editable":
            self._scratch.cleanup()


def _files(place: Path) -> list[Path]:
    """Return the files that the command needs."""
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    return [file for file in files if file.is_file() and not _LEFT_OUT & {*file.parts}]


def _shortened(file: Path) -> bytes:
    """Return the contents of a file without docstrings, and without the Chinese that only the reference shows.

    That is 20 kB less. The lines keep their numbers.
    """
    text = file.read_text(encoding="utf-8")
    if file.name == _ARGUMENTS:
        return _CHINESE.sub(r"\1-\2", text).encode()
    if file.suffix != ".py":
        return text.encode()
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            first, end = node.lineno - 1, node.end_lineno or node.lineno
            lines[first:end] = [f'{" " * node.col_offset}""\n', *["\n"] * (end - first - 1)]
    return "".join(lines).encode()
