"""`make spec`: pull `/doc` from a server into openapi.json, or change nothing and say why.

From OPENCODE_URL if set (Basic auth from OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD, or in the URL), else
from a server of OPENCODE_VERSION that it gets from npm; by default the version that the committed document is of. The
document does not say its server's version, so that stands in openapi.source.json. ALLOW_REMOVED=1 lets operations go.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from attrs import frozen

from opencode_client.errors import ServerStartError
from scripts.documents import SpecError, lost_operations, operations, parse_document, start_of
from scripts.npm_server import NpmError, NpmMissingError
from scripts.rooms import ROOT
from scripts.scratch_server import scratch_server

NO_SERVER = 3
"""The exit code for: no OPENCODE_URL, and no npm to get a server from."""

_VERSION = re.compile(r"\w[\w.+-]{0,99}", re.ASCII)
_LISTED = 20
_TIMEOUT_S = 30.0


@frozen
class Served:
    """A document as served: its bytes after content decoding, and the version that its server says it is."""

    body: bytes
    version: str


def main() -> int:
    """0 when openapi.json is what the server serves, NO_SERVER without one to ask, 1 with a reason otherwise."""
    try:
        served = _fetch()
        document = parse_document(served.body, "/doc")
        _refuse_losses(document, ROOT)
        write(document, served, ROOT)
    except NpmMissingError as error:
        print(f"make spec: {error}, and OPENCODE_URL is not set", file=sys.stderr)
        return NO_SERVER
    except (SpecError, NpmError, ServerStartError, OSError, subprocess.CalledProcessError) as error:
        print(f"make spec: {error}", file=sys.stderr)
        return 1
    print(f"openapi.json: opencode {served.version}, {len(operations(document))} operations")
    return 0


def _fetch() -> Served:
    url = os.environ.get("OPENCODE_URL", "").strip()
    if url:
        user = os.environ.get("OPENCODE_SERVER_USERNAME") or "opencode"
        password = os.environ.get("OPENCODE_SERVER_PASSWORD")
        return fetch(url, (user, password) if password else None)
    with scratch_server(os.environ.get("OPENCODE_VERSION") or _committed_version()) as server:
        return fetch(server.url, server.auth)


def _committed_version() -> str:
    """The version that openapi.json is of, so that it stands in one place."""
    source: dict[str, str] = json.loads((ROOT / "openapi.source.json").read_text(encoding="utf-8"))
    return source["opencode_version"]


def fetch(url: str, auth: tuple[str, str] | None = None, *, called: str = "OPENCODE_URL") -> Served:
    """The document and the version of the server at `url`, with or without `/doc` at its end.

    `called` is where the URL is from, for messages.

    Raises:
        SpecError: there is no such server, or it answers something else; never with a credential in the message.
    """
    try:
        base = httpx.URL(url.rstrip("/").removesuffix("/doc"))
    except httpx.InvalidURL:  # whose words hold the password where that has a slash in it
        raise SpecError(
            f"{called} is no URL (in a password, / # ? and @ are written %2F %23 %3F %40)"
        ) from None
    shown = str(base.copy_with(userinfo=b""))
    if base.scheme not in ("http", "https") or not base.host:
        raise SpecError(f"{called} is no http:// or https:// URL")
    credentials = auth or ((base.username, base.password) if base.username else None)
    try:
        with httpx.Client(
            timeout=_TIMEOUT_S, auth=credentials, trust_env=not _is_loopback(base.host)
        ) as client:
            body = _get(client, f"{shown.rstrip('/')}/doc")
            health = _get(client, f"{shown.rstrip('/')}/global/health")
    except httpx.HTTPError as error:
        raise SpecError(f"{shown}: {type(error).__name__}: {error}") from None
    return Served(body, _version(health, shown))


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _get(client: httpx.Client, url: str) -> bytes:
    answer = client.get(url, headers={"accept": "application/json"})
    kind = answer.headers.get("content-type", "no content type")
    hint = "; set OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD" if answer.status_code == 401 else ""
    if hint and "authorization" in answer.request.headers:
        hint = "; the user name and the password that were given are not this server's"
    if answer.status_code != 200 or "html" in kind:
        raise SpecError(f"GET {url} gave {answer.status_code} {kind}: {start_of(answer.content)}{hint}")
    return answer.content


def _version(health: bytes, url: str) -> str:
    """A word: it goes into files, branches and outputs of jobs, and the server may be anybody's."""
    try:
        version: object = json.loads(health)["version"]
    except (ValueError, KeyError, TypeError):
        version = None
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise SpecError(f"{url}/global/health does not say a version: {start_of(health)}")
    return version


def _refuse_losses(document: dict[str, Any], root: Path) -> None:
    if not operations(document):
        raise SpecError(f"/doc is OpenAPI {document['openapi']} without operations")
    committed = root / "openapi.json"
    if os.environ.get("ALLOW_REMOVED") == "1" or not committed.exists():
        return
    try:
        before = parse_document(committed.read_bytes(), "it")
    except SpecError as error:
        raise SpecError(
            f"openapi.json is there but broken (put it back, or ALLOW_REMOVED=1): {error}"
        ) from None
    lost = lost_operations(before, document)
    if lost:
        more = [f"... and {len(lost) - _LISTED} more"] if len(lost) > _LISTED else []
        listed = "\n  ".join([*lost[:_LISTED], *more])
        raise SpecError(f"{len(lost)} operations would be lost (ALLOW_REMOVED=1 allows it):\n  {listed}")


def write(document: dict[str, Any], served: Served, root: Path) -> None:
    """openapi.json and openapi.source.json in `root`: each whole or not at all."""
    source = {
        "opencode_version": served.version,
        "document_sha256": hashlib.sha256(served.body).hexdigest(),
        "operations": len(operations(document)),
        "schemas": len(document.get("components", {}).get("schemas", {})),
    }
    texts = {
        "openapi.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "openapi.source.json": json.dumps(source, indent=2) + "\n",
    }
    try:
        files = {name: text.encode("utf-8") for name, text in texts.items()}
    except UnicodeEncodeError as error:
        raise SpecError(
            f"/doc holds half a surrogate pair, which no file can: {error.object[error.start]!a}"
        ) from None
    _swap(files, root)


def _swap(files: dict[str, bytes], root: Path) -> None:
    """All files replaced, or none: should a rename fail, those before it are taken back."""
    with tempfile.TemporaryDirectory(prefix=".spec-", dir=root) as scratch:
        done: list[str] = []
        for name, content in files.items():
            Path(scratch, name).write_bytes(content)
        try:
            for name in files:
                if (root / name).exists():
                    shutil.copy2(root / name, Path(scratch, f"{name}.before"))
                Path(scratch, name).replace(root / name)
                done.append(name)
        except OSError:
            for name in done:
                before = Path(scratch, f"{name}.before")
                before.replace(root / name) if before.exists() else (root / name).unlink()
            raise


if __name__ == "__main__":
    sys.exit(main())
