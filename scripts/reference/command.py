"""`python scripts/gen-opencode-api-docs.py`: the API reference from a server's document or from a file.

Basic auth is from OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD, or in the URL. Without a document that can be
read, nothing is written.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from scripts.documents import SpecError, operations, parse_document
from scripts.fetch_spec import fetch
from scripts.normalise.schema import Json
from scripts.reference.index import DEFAULT_URL
from scripts.reference.writing import LANGUAGES, differences, make_reference, write
from scripts.rooms import REFERENCE, ROOT

_LISTED = 20


def main(arguments: list[str] | None = None) -> int:
    """0 when the pages are written (with --check: as committed), 1 with a reason in one line."""
    given = _arguments(arguments)
    out: Path = given.out
    languages = (given.lang,) if given.lang else LANGUAGES
    try:
        document, version = _document(given.source)
        reference = make_reference(document, out, languages, version)
        if given.check:
            return _check(differences(reference, out))
        write(reference, out)
    except (SpecError, OSError) as error:
        print(f"gen-opencode-api-docs: {error}", file=sys.stderr)
        return 1
    for note in reference.notes:
        print(note)
    print(f"{len(operations(document))} operations, {len(reference.pages)} pages in {out}")
    return 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="gen-opencode-api-docs", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("source", nargs="?", default=DEFAULT_URL, help="URL of a server (/doc) or a file")
    parser.add_argument("--out", type=Path, default=REFERENCE, help="the folder (default: docs/api)")
    parser.add_argument("--lang", choices=LANGUAGES, help="one language (default: both)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the pages differ")
    return parser.parse_args(arguments)


def _document(source: str) -> tuple[Json, str]:
    """The document and its server's version, which is known of a server and of openapi.json."""
    if "://" in source:
        user = os.environ.get("OPENCODE_SERVER_USERNAME") or "opencode"
        password = os.environ.get("OPENCODE_SERVER_PASSWORD")
        served = fetch(source, (user, password) if password else None, called="what was given")
        document, version = parse_document(served.body, "/doc"), served.version
    else:
        document, version = parse_document(Path(source).read_bytes(), source), _version(Path(source))
    if not operations(document):
        raise SpecError(f"{source if '://' not in source else '/doc'} is OpenAPI without operations")
    return document, version


def _version(file: Path) -> str:
    if file.resolve() != ROOT / "openapi.json":
        return ""
    recorded: dict[str, str] = json.loads((ROOT / "openapi.source.json").read_text(encoding="utf-8"))
    return recorded["opencode_version"]


def _check(found: list[str]) -> int:
    more = [f"... and {len(found) - _LISTED} more"] if len(found) > _LISTED else []
    print("\n".join([*found[:_LISTED], *more]) or "the API reference is what `make docs` gives")
    return 1 if found else 0
