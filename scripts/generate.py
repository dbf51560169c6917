"""`make generate`: generate the package from a document, offline.

    document --scripts/normalise--> openapi.normalised.json --openapi-python-client + custom_templates--> ruff --> rooms

Everything is made in a temporary folder; at the end the generated folders are replaced as a whole, or not at all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen
from ruamel.yaml import YAML

from scripts.all_or_none import all_or_none, remove
from scripts.documents import SpecError, misshapen, parse_document
from scripts.normalise import NameCollisionError, Normalised, normalise
from scripts.normalise.names import read_pins
from scripts.normalise.references import MissingReferenceError
from scripts.normalise.same import read_same
from scripts.normalise.schema import plain_text
from scripts.normalise.support import UnsupportedDocumentError
from scripts.overlays import Overlay, missing_overlays, remove_overlays
from scripts.render import generator
from scripts.rooms import PACKAGE, ROOMS, ROOT, SOURCE, TWINS
from scripts.sync_twins import TwinError, differing_twins, write_twins

SPEC = ROOT / "openapi.json"
_CONFIG = ROOT / "generator-config.yaml"
_BUILD = ROOT / "build"
_RUFF = ("--config", str(ROOT / "scripts" / "generated.ruff.toml"), "--quiet", "--no-cache")
MARK = ".written-by-opencode-client"
"""A file in every package that is written elsewhere: a folder without it is never replaced."""


WRITTEN = (*(ROOT / PACKAGE / name for name in (*ROOMS, *TWINS)), _BUILD / "openapi.normalised.json")
"""The files and folders that `make generate` writes."""


class GenerateError(Exception):
    """The package could not be generated: the message says why. Nothing was written."""


@frozen
class Built:
    """A generated package without its handwritten modules, in a temporary folder, with the normalised document."""

    folder: Path
    normalised: Normalised
    missing: list[Overlay]
    """Handwritten parts that do not work with this document."""


@contextmanager
def build(spec: Path, *, strict: bool) -> Generator[Built, None, None]:
    """Generate the package for the document at `spec`; the folder is removed at the end.

    Raises:
        GenerateError: the document is invalid, a name collides (with `strict`), or the generator warned.
    """
    try:
        pins, alike = read_pins(), read_same()
    except ValueError as error:
        raise GenerateError(str(error)) from error
    try:
        document = parse_document(spec.read_bytes(), spec.name)
    except (SpecError, OSError) as error:
        raise GenerateError(str(error)) from error
    try:
        normalised = normalise(document, strict=strict, pins=pins, alike=alike)
    except NameCollisionError as error:
        raise GenerateError(f"{spec.name}: names collide.\n\n{error}") from error
    except (MissingReferenceError, UnsupportedDocumentError) as error:
        raise GenerateError(f"{spec.name} {error}") from error
    except RecursionError as error:
        raise GenerateError(f"{spec.name} is nested too deeply: more than some hundred levels") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = misshapen(document) or f"{type(error).__name__}: {error}"
        raise GenerateError(f"{spec}: cannot be read as an OpenAPI document: {reason}") from error
    normalised.document["info"] = _origin(spec)
    with tempfile.TemporaryDirectory(prefix="opencode-client-") as scratch:
        missing = missing_overlays(document)
        yield Built(_run_generator(Path(scratch), normalised), normalised, missing)


def _origin(spec: Path) -> dict[str, str]:
    """Return the facts in `_spec.py`; the server's version is known only for an openapi.json with its source file."""
    source = {"opencode_version": "", "document_sha256": hashlib.sha256(spec.read_bytes()).hexdigest()}
    beside = spec.with_name("openapi.source.json")
    if spec.name == SPEC.name and beside.exists():
        source |= json.loads(beside.read_text(encoding="utf-8"))
    return {
        "title": "opencode",
        "version": source["opencode_version"],
        "description": source["document_sha256"],
    }


def _settings(normalised: Normalised) -> dict[str, Any]:
    """Return the generator's configuration: the committed one, and the module of every class."""
    settings: dict[str, Any] = YAML(typ="safe").load(_CONFIG)  # pyright: ignore[reportUnknownMemberType] # untyped
    return settings | {"class_overrides": normalised.class_overrides}


def _run_generator(scratch: Path, normalised: Normalised) -> Path:
    package = scratch / PACKAGE
    try:
        generator.run(normalised.document, _settings(normalised), package)
    except generator.GeneratorWarningError as warning:
        raise GenerateError(f"openapi-python-client warned:\n{warning}") from None
    _arrange(package)
    _run(scratch, "ruff", "check", *_RUFF, "--fix", str(package))
    _run(scratch, "ruff", "format", *_RUFF, str(package))
    return package


def _run(cwd: Path, module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-m", module, *arguments],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise GenerateError(f"{module} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}".rstrip())


def _arrange(package: Path) -> None:
    """Rename the generator's files, and remove those that are empty.

    `types.py` -> `_spec.py`; `api/<module>/__init__.py` -> `api/<module>.py`
    """
    (package / "types.py").rename(package / "_spec.py")
    for file in sorted((package / "api").glob("*/__init__.py")):
        file.rename(package / "api" / f"{file.parent.name}.py")
    for file in sorted(package.rglob("*.py")):
        if not file.read_text(encoding="utf-8").strip():
            file.unlink()
    for folder in sorted((f for f in package.rglob("*") if f.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def write_rooms(built: Built, package: Path) -> None:
    """Replace the generated folders and files of `package`."""
    for room in ROOMS:
        fresh = package / f".{room}.new"
        remove(fresh)
        if (built.folder / room).is_dir():
            shutil.copytree(built.folder / room, fresh)
            remove(package / room)
        else:
            shutil.copy(built.folder / room, fresh)
        fresh.replace(package / room)


def write_package(built: Built, out: Path) -> Path:
    """Write a complete package into `out`: the generated modules, and the handwritten ones that work with them.

    Raises:
        GenerateError: a folder of that name exists that this command did not write.
    """
    package, fresh = out / PACKAGE, out / f".{PACKAGE}.new"
    refuse_others(package)
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(SOURCE, fresh, ignore=shutil.ignore_patterns("__pycache__", "_generator.*", *ROOMS))
    write_rooms(built, fresh)
    changed = remove_overlays(fresh, built.missing)
    if changed:  # imports that nothing uses any more, and gaps
        _run(out, "ruff", "check", *_RUFF, "--select", "F401", "--fix", *map(str, changed))
        _run(out, "ruff", "format", *_RUFF, *map(str, changed))
    (fresh / MARK).touch()
    shutil.rmtree(package, ignore_errors=True)
    fresh.rename(package)
    return package


def refuse_others(package: Path) -> None:
    """Check that `package` is missing or was generated.

    Raises:
        GenerateError: the folder exists, and has no `MARK`.
    """
    if package.exists() and not (package / MARK).exists():
        raise GenerateError(f"{package} exists and was not written by this command")


def differences(built: Built, package: Path) -> list[str]:
    """Return a line for each file that differs from the generated one; untracked files count."""
    found: list[str] = []
    for room in ROOMS:
        ours, theirs = _files(package, room), _files(built.folder, room)
        found += [f"missing: {name}" for name in sorted(theirs - ours)]
        found += [f"not generated: {name}" for name in sorted(ours - theirs)]
        found += [
            f"differs: {name}"
            for name in sorted(ours & theirs)
            if (package / name).read_bytes() != (built.folder / name).read_bytes()
        ]
    return found


def _files(package: Path, room: str) -> set[str]:
    files = [package / room, *(package / room).rglob("*")]
    kept = (file for file in files if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(package).as_posix() for file in kept}


def print_notes(built: Built, where: Path) -> None:
    """Print the notes of the build, and how much was written to `where`."""
    rooms = [file for room in ROOMS for file in _files(built.folder, room)]
    lines = sum(len((built.folder / file).read_text(encoding="utf-8").splitlines()) for file in rooms)
    for overlay in built.missing:
        print(
            f"note: without {', '.join(overlay.names)}: the document lacks operations of opencode 1.x for them"
        )
    for line in built.normalised.report:
        print(f"note: {plain_text(line)}")
    print(f"{len(rooms)} files, {lines} lines in {where}")


def _keep_products(built: Built) -> None:
    _BUILD.mkdir(exist_ok=True)
    text = json.dumps(built.normalised.document, indent=2) + "\n"
    (_BUILD / "openapi.normalised.json").write_text(text, encoding="utf-8")


def _generate(spec: Path, out: Path | None, *, check: bool) -> int:
    with build(spec, strict=out is None and spec.resolve() == SPEC) as built:
        if check:
            found = differences(built, ROOT / PACKAGE) + differing_twins()
            print("\n".join(found[:20]) or "the generated files are up to date")
            if len(found) > 20:
                print(f"... and {len(found) - 20} more")
            return 1 if found else 0
        if out is not None:
            print_notes(built, write_package(built, out))
            return 0
        all_or_none(WRITTEN, partial(_write_here, built))
        print_notes(built, ROOT / PACKAGE)
    return 0


def _write_here(built: Built) -> int:
    write_rooms(built, ROOT / PACKAGE)
    write_twins()
    _keep_products(built)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 if the files were written, with --check if they are up to date."""
    parser = argparse.ArgumentParser(
        prog="make generate", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--spec", type=Path, help="the document (default: openapi.json)")
    parser.add_argument("--out", type=Path, help="write a whole package there, and nothing here")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if the committed files differ"
    )
    given = parser.parse_args(arguments)
    if given.spec and not given.out:
        parser.error("SPEC needs OUT: the package of this project is generated only from openapi.json")
    try:
        return _generate(given.spec or SPEC, given.out, check=given.check)
    except (GenerateError, TwinError) as error:
        print(f"make generate: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
