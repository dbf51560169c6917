"""Generate a client for your own server, and list what has changed.

The generator needs packages that the client does not: the extra `generate`.
"""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import tarfile
import tempfile
from importlib import metadata
from pathlib import Path

_NEEDED = ("griffe", "openapi-python-client", "ruamel.yaml", "ruff")
_URL = "http://127.0.0.1:4096"
_PACKAGE = Path(__file__).resolve().parents[1]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this subcommand."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--url",
        help=f"the server, or the full address of its document (default: OPENCODE_URL, or {_URL}); "
        "user name and password are read from OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD",
    )
    source.add_argument("--document", type=Path, metavar="FILE", help="read this document, JSON or YAML")
    source.add_argument(
        "--opencode-version", metavar="VERSION", help="get this version from npm and start it, or `latest`"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="gets the package, openapi.json and openapi.source.json (default: this folder)",
    )
    parser.add_argument(
        "--package",
        default="opencode_client",
        metavar="NAME",
        help="name of the package (default: %(default)s)",
    )
    parser.add_argument(
        "--allow-removed", action="store_true", help="accept a document that has lost operations"
    )
    parser.add_argument(
        "--report", type=Path, metavar="FOLDER", help="also write the changes to report.txt and report.json"
    )
    parser.add_argument(
        "--job",
        action="store_true",
        help="also add a line to CHANGELOG.md, write the report and a patch to build/job, and set outputs of GitHub",
    )


def run(given: argparse.Namespace) -> int:
    """Write everything, and return 0. If that fails, print the reason, change no file, and return 1."""
    if not _is_installed():
        print(
            "opencode-client generate needs more packages: pip install 'opencode-client[generate]'",
            file=sys.stderr,
        )
        return 1
    arguments = {name: value for name, value in vars(given).items() if name != "run"}
    arguments["url"] = given.url or os.environ.get("OPENCODE_URL", "").strip() or _URL
    with tempfile.TemporaryDirectory(prefix="opencode-client-") as scratch:
        folder = _find_generator(Path(scratch))
        if folder is None:
            print(
                f"opencode-client generate: {_PACKAGE} is itself generated: use the released package",
                file=sys.stderr,
            )
            return 1
        sys.path.insert(0, str(folder))
        # no import: type checkers would not find it in packages without the generator
        code: int = runpy.run_module("scripts.elsewhere")["main"](**arguments)
    return code


def _find_generator(scratch: Path) -> Path | None:
    """Unpack the generator of the installed package into `scratch`, or find it beside the package in its project."""
    packed = _PACKAGE / "_generator.tar.bz2"
    if packed.is_file():
        with tarfile.open(packed) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.3 has none
            archive.extractall(scratch)  # noqa: S202 # the archive is a part of this package
        return scratch
    return _PACKAGE.parent if (_PACKAGE.parent / "generator-config.yaml").is_file() else None


def _is_installed() -> bool:
    try:
        return all(metadata.version(name) for name in _NEEDED)
    except metadata.PackageNotFoundError:
        return False
