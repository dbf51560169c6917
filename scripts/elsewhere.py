"""`opencode-client generate`: write a whole package for a server's document into any folder, and report the changes.

The folder gets the package, openapi.json and openapi.source.json: all of them, or nothing changes there.
"""

from __future__ import annotations

import json
import keyword
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from opencode_client.errors import ServerStartError
from scripts.all_or_none import all_or_none, remove
from scripts.changes.command import LIMIT, compare, write_report
from scripts.changes.report import Report
from scripts.changes.states import StateError, work_tree
from scripts.documents import SpecError, operations, parse_document
from scripts.fetch_spec import Served, credentials, fetch, refuse_losses, write
from scripts.generate import GenerateError, build, print_notes, refuse_others, write_package
from scripts.npm_server import NpmError
from scripts.regeneration_job import JOB, propose, set_outputs
from scripts.rooms import PACKAGE
from scripts.scratch_server import scratch_server

_DOCUMENT, _SOURCE = "openapi.json", "openapi.source.json"
_IMPORT = """
import importlib, pkgutil, sys
for module in pkgutil.walk_packages(importlib.import_module(sys.argv[1]).__path__, sys.argv[1] + "."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as missing:
        if str(missing.name).startswith(sys.argv[1]):
            raise
"""
"""A program that imports every module of a package, except those that need an extra which is not installed."""

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def main(
    *,
    url: str,
    document: Path | None,
    opencode_version: str | None,
    out: Path,
    package: str,
    allow_removed: bool,
    report: Path | None,
    job: bool,
) -> int:
    """Return 0 if everything is written, or 1 after printing the reason.

    Then nothing has changed in `out`, unless it is the job's last steps that failed.
    """
    try:
        made = _generate(_read(url, document, opencode_version), out, package, allow_removed=allow_removed)
        if report is not None:
            write_report(made, report)
        if job:
            _do_job(made, out, package)
    except (
        *(SpecError, GenerateError, StateError, NpmError, ServerStartError),
        *(OSError, subprocess.CalledProcessError),
    ) as error:
        files: list[tuple[str, str, str]] = error.args[0] if isinstance(error, shutil.Error) else []
        print(f"opencode-client generate: {files[0][2] if files else error}", file=sys.stderr)
        return 1
    return 0


def _read(url: str, document: Path | None, opencode_version: str | None) -> Served:
    if document is not None:
        return _from_file(document)
    if opencode_version is not None:
        with scratch_server(opencode_version) as server:
            return fetch(server.url, server.auth)
    return fetch(url, credentials(), source="--url")


def _from_file(file: Path) -> Served:
    """Read a document; an openapi.json that an earlier run wrote keeps the facts of its source file."""
    if not file.is_file():
        raise SpecError(f"--document {file}: {'a folder' if file.is_dir() else 'this file does not exist'}")
    beside = file.with_name(_SOURCE)
    source: Mapping[str, str] = {}
    if file.name == _DOCUMENT and beside.exists():
        try:
            source = json.loads(beside.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SpecError(f"{beside} is not JSON: {error}") from error
    return Served(
        file.read_bytes(), source.get("opencode_version", ""), file.name, source.get("document_sha256", "")
    )


def _generate(served: Served, out: Path, name: str, *, allow_removed: bool) -> Report:
    places = _places(out, name)
    document = parse_document(served.body, served.path)
    earlier = None if allow_removed or not places[_DOCUMENT].exists() else places[_DOCUMENT].read_bytes()
    refuse_losses(document, earlier, "--allow-removed", served.path)
    with tempfile.TemporaryDirectory(prefix="opencode-client-") as scratch:
        old, new = Path(scratch, "old"), Path(scratch, "new")
        new.mkdir()
        write(document, served, new)
        with build(new / _DOCUMENT, strict=False) as built:
            write_package(built, new)
            is_first = not _copy(places, old)
            report = compare(work_tree(old, "the earlier files"), work_tree(new, "the new files"))
            all_or_none(list(places.values()), partial(_replace, new, places))
            print(f"{served.path}: opencode {served.version or '?'}, {len(operations(document))} operations")
            print_notes(built, places[PACKAGE])
    print("there are no earlier files to compare with\n" if is_first else _short(report), end="")
    return report


def _places(out: Path, name: str) -> dict[str, Path]:
    """Return the place of each file and folder that is written, by its name in a generated folder.

    Raises:
        GenerateError: `name` is not the name of a package, or one of the places has something else.
    """
    if not _NAME.fullmatch(name) or any(map(keyword.iskeyword, name.split("."))):
        raise GenerateError(f"--package {name}: not a name of a Python package, such as opencode_client")
    if out.exists() and not out.is_dir():
        raise GenerateError(f"--out {out}: this is a file; name a folder")
    places = {_DOCUMENT: out / _DOCUMENT, _SOURCE: out / _SOURCE, PACKAGE: out.joinpath(*name.split("."))}
    refuse_others(places[PACKAGE])
    if places[_DOCUMENT].exists() and not places[_SOURCE].exists():
        raise GenerateError(
            f"{places[_DOCUMENT]} exists and was not written by this command: {_SOURCE} is not beside it"
        )
    return places


def _copy(places: Mapping[str, Path], to: Path) -> bool:
    """Copy the files and folders of the places to the folder `to`. Return False if there are none."""
    to.mkdir()
    for name, place in places.items():
        if place.is_dir():
            shutil.copytree(place, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif place.exists():
            shutil.copy2(place, to / name)
    return any(to.iterdir())


def _replace(new: Path, places: Mapping[str, Path]) -> int:
    """Put the new files beside the earlier ones, then exchange them all at once: a killed run rarely mixes them."""
    fresh = {name: place.with_name(f".{place.name}.new") for name, place in places.items()}
    earlier = {name: place.with_name(f".{place.name}.old") for name, place in places.items()}
    try:
        for name, place in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            remove(fresh[name])
            remove(earlier[name])
            shutil.move(new / name, fresh[name])
        for name, place in places.items():
            if place.exists():
                place.replace(earlier[name])
            fresh[name].replace(place)
    finally:
        for left in (*fresh.values(), *earlier.values()):
            remove(left)
    return 0


def _short(report: Report) -> str:
    return report.text(LIMIT, "with --report FOLDER")


def _do_job(report: Report, out: Path, name: str) -> None:
    """Set the outputs. If something has changed, write the reports and the patch into build/job.

    Raises:
        GenerateError: the package cannot be imported.
        CalledProcessError: git failed.
    """
    found = report.to_dict()
    shutil.rmtree(out / JOB, ignore_errors=True)  # of an earlier run
    set_outputs(found)
    if report.status == "unchanged":
        return
    write_report(report, out / JOB)
    _import_whole(name, out)
    propose(out, found, (_DOCUMENT, _SOURCE, name.replace(".", "/")))


def _import_whole(name: str, folder: Path) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("OPENCODE_")}  # the password
    command = [sys.executable, "-B", "-c", _IMPORT, name]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GenerateError(f"{name} cannot be imported, so there is no patch:\n{done.stderr[-4000:]}")
