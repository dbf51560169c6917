"""Pack the generator into the wheel, as `opencode_client/_generator.tar.bz2`. `opencode-client generate` unpacks it.

Packed, it needs 50 kB less, and no program imports it by chance. Editable installs do not get it: there the command
finds the generator beside the package.
"""

from __future__ import annotations

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
_ARGUMENTS = "scripts/normalise/arguments.toml"
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
            for name in _PACKED:
                packed.add(Path(self.root, name), name, filter=_plain)
            _add_english(packed, Path(self.root, _ARGUMENTS))
        build_data["force_include"][str(archive)] = f"opencode_client/{archive.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # Any: as above
        """Delete the archive."""
        if version != "editable":
            self._scratch.cleanup()


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what the command does not run."""
    if Path(member.name).name in _LEFT_OUT or member.name == _ARGUMENTS:
        return None
    return _reset(member)


def _add_english(packed: tarfile.TarFile, arguments: Path) -> None:
    """Add the texts of docstrings without their Chinese halves, which only the reference shows: 5 kB less."""
    data = _CHINESE.sub(r"\1-\2", arguments.read_text(encoding="utf-8")).encode()
    member = tarfile.TarInfo(_ARGUMENTS)
    member.size = len(data)
    packed.addfile(_reset(member), io.BytesIO(data))


def _reset(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove what differs from one build to the next."""
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member
