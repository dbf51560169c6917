"""Two states of the project: a commit and the work tree."""

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
    """A state cannot be read; the message names it and gives the reason."""


@frozen
class State:
    """A state: its name, its document, the version of the document's server, and the folder with its package."""

    name: str
    document: Json
    version: str
    folder: Path


def work_tree(root: Path, name: str = "the work tree") -> State:
    """The state of the files in `root`; `name` is its name in the report.

    Raises:
        StateError: its document cannot be read.
    """
    document, source = (
        path.read_bytes() if (path := root / file).exists() else b""
        for file in ("openapi.json", "openapi.source.json")
    )
    return _state(name, document, source, root)


def committed(ref: str, root: Path, scratch: Path) -> State:
    """The state of the commit that `ref` names; its package is unpacked into `scratch`.

    Raises:
        StateError: there is no git, no such commit, or its document cannot be read.
    """
    commit = _git(ref, root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").decode().strip()
    files = _git(ref, root, "ls-tree", "--name-only", "-z", commit).decode().split("\0")
    if PACKAGE in files:
        packed = _git(ref, root, "archive", "--format=zip", commit, PACKAGE)
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            archive.extractall(scratch)
    document, source = (
        _git(ref, root, "show", f"{commit}:{name}") if name in files else b""
        for name in ("openapi.json", "openapi.source.json")
    )
    return _state(f"{ref} ({commit[:9]})", document, source, scratch)


def _state(name: str, document: bytes, source: bytes, folder: Path) -> State:
    """Without a file, the document is empty: everything in the other state is new then."""
    try:
        parsed = parse_document(document, f"openapi.json of {name}") if document else {}
        version: str = json.loads(source)["opencode_version"] if source else ""
    except (SpecError, ValueError, KeyError, TypeError) as error:
        raise StateError(f"{name}: {error}") from error
    return State(name, parsed, version, folder)


def _git(ref: str, root: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    except OSError as error:
        raise StateError(f"{ref}: git cannot be run: {error}") from error
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip() or "there is no such commit here"
        raise StateError(f"{ref}: {reason}")
    return done.stdout
