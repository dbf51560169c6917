"""`python scripts/gen-opencode-api-docs.py`: write the API reference from a server's document or from a file.

Basic auth comes from OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD, or from the URL. Nothing is written if the
document cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.documents import SpecError, operations, parse_document
from scripts.fetch_spec import committed_version, credentials, fetch
from scripts.normalise.schema import Json
from scripts.reference.index import DEFAULT_URL
from scripts.reference.writing import LANGUAGES, differences, make_reference, write
from scripts.rooms import REFERENCE, ROOT

_LISTED = 20


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when the pages are written (with --check: unchanged), or 1 after printing the reason in one line."""
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
    parser.add_argument("source", nargs="?", default=DEFAULT_URL, help="URL of a server (/doc), or a file")
    parser.add_argument("--out", type=Path, default=REFERENCE, help="output folder (default: docs/api)")
    parser.add_argument("--lang", choices=LANGUAGES, help="write one language (default: both)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the pages differ")
    return parser.parse_args(arguments)


def _document(source: str) -> tuple[Json, str]:
    """The document and its server's version, which is only known for a server and for openapi.json."""
    if "://" in source:
        served = fetch(source, credentials(), source="the URL")
        document, version = parse_document(served.body, "/doc"), served.version
    else:
        is_committed = Path(source).resolve() == ROOT / "openapi.json"
        document = parse_document(Path(source).read_bytes(), source)
        version = committed_version() if is_committed else ""
    if not operations(document):
        raise SpecError(f"{source if '://' not in source else '/doc'} is OpenAPI without operations")
    return document, version


def _check(found: list[str]) -> int:
    more = [f"... and {len(found) - _LISTED} more"] if len(found) > _LISTED else []
    print("\n".join([*found[:_LISTED], *more]) or "the API reference is what `make docs` gives")
    return 1 if found else 0
