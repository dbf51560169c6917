"""Two states of the project: a commit's, and that of the work tree."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from pathlib import Path

from attrs import frozen

from scripts.documents import SpecError, parse_document
from scripts.normalise.schema import Json
from scripts.rooms import PACKAGE


class StateError(Exception):
    """A state cannot be read; the message says which and why."""


@frozen
class State:
    """A state: what it is called, its document and the version of the server that this is of, its package's folder."""

    name: str
    document: Json
    version: str
    folder: Path


def work_tree(root: Path) -> State:
    """What stands in `root` now."""
    texts = {name: _bytes(root / name) for name in ("openapi.json", "openapi.source.json")}
    return _state("the work tree", texts["openapi.json"], texts["openapi.source.json"], root)


def committed(ref: str, root: Path, scratch: Path) -> State:
    """What stands in the commit that `ref` names, its package unpacked into `scratch`.

    Raises:
        StateError: no git, no such commit, or a document in it that is none.
    """
    commit = _git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", said=ref)
    name = commit.decode().strip()
    held = _git(root, "ls-tree", "--name-only", "-z", name, said=ref).decode().split("\0")
    if PACKAGE in held:
        packed = _git(root, "archive", "--format=zip", name, PACKAGE, said=ref)
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            archive.extractall(scratch)
    texts = [
        _git(root, "show", f"{name}:{file}", said=ref) if file in held else b""
        for file in ("openapi.json", "openapi.source.json")
    ]
    return _state(f"{ref} ({name[:9]})", texts[0], texts[1], scratch)


def _state(name: str, document: bytes, source: bytes, folder: Path) -> State:
    """Without a document, one that has nothing: all is new then."""
    try:
        parsed = parse_document(document, f"openapi.json of {name}") if document else {}
        version: str = json.loads(source)["opencode_version"] if source else ""
    except (SpecError, ValueError, KeyError, TypeError) as error:
        raise StateError(f"{name}: {error}") from error
    return State(name, parsed, version, folder)


def _bytes(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _git(root: Path, *arguments: str, said: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    except OSError as error:
        raise StateError(f"{said}: git cannot be run: {error}") from error
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip() or "there is no such commit here"
        raise StateError(f"{said}: {why}")
    return done.stdout
