"""`make spec`: get `/doc` from a server into openapi.json, or change nothing and print the reason.

The server is OPENCODE_URL (Basic auth from OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD, or from the URL).
OPENCODE_URL may also be the full address of the document: `http://127.0.0.1:4096/api/openapi.json`.
Without it, npm provides a server of OPENCODE_VERSION; the default is the version of the committed document. A document
does not contain its server's version, so openapi.source.json does. ALLOW_REMOVED=1 accepts removed operations.
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
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from attrs import frozen

from opencode_client.calls.error_hints import connection_hint
from opencode_client.calls.options import is_loopback, split_url
from opencode_client.errors import ArgumentError, ServerStartError
from scripts.documents import SpecError, lost_operations, operations, parse_document, start_of
from scripts.npm_server import NpmError, NpmMissingError
from scripts.rooms import ROOT
from scripts.scratch_server import scratch_server

NO_SERVER = 3
"""The exit code if OPENCODE_URL is not set and npm is missing."""

_VERSION = re.compile(r"\w[\w.+-]{0,99}", re.ASCII)
_LISTED = 20
_TIMEOUT_S = 30.0


@frozen
class Served:
    """A document as served: its bytes after content decoding, its server's version, and its path."""

    body: bytes
    version: str
    path: str = "/doc"
    digest: str = ""
    """The SHA-256 that openapi.source.json has; "" for that of `body`."""


def main() -> int:
    """Return 0 when openapi.json is written, NO_SERVER if there is no server, or 1 after printing the reason."""
    try:
        served = _fetch()
        document = parse_document(served.body, served.path)
        is_allowed = os.environ.get("ALLOW_REMOVED") == "1"
        refuse_losses(document, None if is_allowed else _committed_document(ROOT))
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
        return fetch(url, credentials())
    with scratch_server(os.environ.get("OPENCODE_VERSION") or committed_version()) as server:
        return fetch(server.url, server.auth)


def credentials() -> tuple[str, str] | None:
    """User name and password from the environment; None without a password."""
    user = os.environ.get("OPENCODE_SERVER_USERNAME") or "opencode"
    password = os.environ.get("OPENCODE_SERVER_PASSWORD")
    return (user, password) if password else None


def committed_version() -> str:
    """The version of the server that openapi.json comes from."""
    source: dict[str, str] = json.loads((ROOT / "openapi.source.json").read_text(encoding="utf-8"))
    return source["opencode_version"]


def fetch(url: str, auth: tuple[str, str] | None = None, *, source: str = "OPENCODE_URL") -> Served:
    """Get the document and the version of the server at `url`; `url` may be the full address of the document.

    `source` names the origin of the URL in messages.

    Raises:
        SpecError: no server, or another response; the message never contains a credential.
    """
    try:
        root, path = _document_of(url)
        shown, user, password = split_url(root, source)
    except ArgumentError as error:
        raise SpecError(str(error)) from None
    login = auth or ((user, password or "") if user else None)
    try:
        with httpx.Client(timeout=_TIMEOUT_S, auth=login, trust_env=not is_loopback(shown)) as client:
            version = _find_version(client, shown, is_first=not path)
            return Served(_get(client, f"{shown}{path or '/doc'}"), version, path or "/doc")
    except httpx.HTTPError as error:
        hint = (
            f"; {connection_hint(shown, str(error), is_proxied=False)}"
            if isinstance(error, httpx.ConnectError)
            else ""
        )
        raise SpecError(f"{shown}: {type(error).__name__}: {error}{hint}") from None


def _find_version(client: httpx.Client, url: str, *, is_first: bool) -> str:
    """Return the server's version. With `is_first`, one of 2.x is an error."""
    try:
        return _version(_get(client, f"{url}/global/health"), f"{url}/global/health")
    except SpecError as error:
        second = client.get(f"{url}/api/info", headers={"accept": "application/json"})
        if second.status_code == 401 and "_tag" in second.text:
            _get(client, f"{url}/api/info")  # raises, and names the variables of the password
        if second.status_code != 200 or not second.content.startswith(b"{"):
            raise error from None
        version = _version(second.content, f"{url}/api/info")
    if is_first:
        raise SpecError(
            f"{url} is OpenCode {version} (by GET /api/info); this client speaks 1.x: see docs/opencode-2.md"
        )
    return version


def _document_of(url: str) -> tuple[str, str]:
    """Return the server's URL and the path of its document: "" if `url` does not name one."""
    found = re.fullmatch(r"(.*?)(/(?:api/)?(?:doc|openapi)(?:\.json|\.ya?ml)?)?/*", url)
    assert found is not None  # noqa: S101 # the pattern fits any text
    return found[1].rstrip("/"), found[2] or ""


def _get(client: httpx.Client, url: str) -> bytes:
    response = client.get(url, headers={"accept": "application/json"})
    kind = response.headers.get("content-type", "no content type")
    hint = (
        "; set OPENCODE_SERVER_USERNAME and OPENCODE_SERVER_PASSWORD" if response.status_code == 401 else ""
    )
    if hint and "authorization" in response.request.headers:
        hint = "; this server has another user name or password"
    if response.status_code != 200 or "html" in kind:
        raise SpecError(f"GET {url} gave {response.status_code} {kind}: {start_of(response.content)}{hint}")
    return response.content


def _version(health: bytes, url: str) -> str:
    """Check that the version is one word: it becomes part of file names, branches and job outputs."""
    try:
        version: object = json.loads(health)["version"]
    except (ValueError, KeyError, TypeError):
        version = None
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise SpecError(f"{url} has no valid version: {start_of(health)}")
    return version


def refuse_losses(
    document: dict[str, Any], earlier: bytes | None, allow: str = "ALLOW_REMOVED=1", name: str = "/doc"
) -> None:
    """Compare the operations with those of the earlier document, if there is one and losses are not allowed.

    Raises:
        SpecError: operations are lost, there are none at all, or `earlier` is broken; the message names `allow`.
    """
    if not operations(document):
        raise SpecError(f"{name} is OpenAPI {document['openapi']} without operations")
    if earlier is None:
        return
    try:
        before = parse_document(earlier, "it")
    except SpecError as error:
        raise SpecError(f"the earlier openapi.json is broken (restore it, or set {allow}): {error}") from None
    lost = lost_operations(before, document)
    if lost:
        more = [f"... and {len(lost) - _LISTED} more"] if len(lost) > _LISTED else []
        listed = "\n  ".join([*lost[:_LISTED], *more])
        raise SpecError(f"{len(lost)} operations would be removed ({allow} accepts that):\n  {listed}")


def _committed_document(root: Path) -> bytes | None:
    """Return openapi.json of the last commit; without one, that of the work tree; None if there is neither."""
    with suppress(FileNotFoundError):  # there is no git
        show = ("git", "-C", str(root), "show", "HEAD:./openapi.json")
        shown = subprocess.run(show, capture_output=True, check=False)
        if not shown.returncode:
            return shown.stdout
    file = root / "openapi.json"
    return file.read_bytes() if file.exists() else None


def write(document: dict[str, Any], served: Served, root: Path) -> None:
    """Write openapi.json and openapi.source.json in `root`: both or none."""
    source = {
        "opencode_version": served.version,
        "document_sha256": served.digest or hashlib.sha256(served.body).hexdigest(),
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
            f"/doc contains half a surrogate pair, which UTF-8 cannot encode: {error.object[error.start]!a}"
        ) from None
    _swap(files, root)


def _swap(files: dict[str, bytes], root: Path) -> None:
    """Replace all files or none: if a rename fails, undo the earlier ones."""
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
