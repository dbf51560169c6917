"""Parse a server's version and its operations from its responses. No I/O; shared by sync and async.

A server with the version of this package's document has all its operations. For other versions, the table of versions
in `_spec.py` and the server's own document decide.

Source: `GET /global/health` and `GET /doc`, servers 1.1.31 to 1.18.33. The document of 1.14.34 to 1.14.41 has only
three operations, so it is not used. 1.1.31 forwards unknown paths to the internet.
"""

from __future__ import annotations

import re

import httpx
from attrs import field, frozen

from .._spec import OPENCODE_VERSION, OPERATIONS, VERSION_PATH
from ..decoding import json_text
from ..errors import (
    OpencodeError,
    RequestTimeoutError,
    StatusError,
    UnsupportedOperationError,
    UnsupportedServerError,
)
from ..model import is_object
from ..signatures import explain_call
from .operation import Operation

DOCUMENT: Operation[None] = Operation("check_server", "GET", "/doc")
SECOND_INFO: Operation[None] = Operation("check_server", "GET", "/api/info")
"""OpenCode 2.x has it, and sends a web page for most operations of 1.x."""
_GENERATION = 2 if SECOND_INFO.path == VERSION_PATH else 1
"""The first number of the versions that have this client's operations."""
_STUNTED = 3
"""The number of operations in the document of 1.14.34 to 1.14.41."""
_RELEASE = re.compile(r"v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})")


def health(operation_id: str) -> Operation[None]:
    """Return the operation that reads the version. Its errors name `operation_id`, which needs the version."""
    return Operation(operation_id, "GET", VERSION_PATH)


@frozen
class ServerInfo:
    """The server's version, and those operationIds of this client that the server has.

    `from_document` is True if the operations were read from the server's document. It is False if the document was not
    usable: then they come from a table of versions.
    """

    version: str
    operations: frozenset[str] = field(repr=lambda ids: f"<{len(ids)}>")
    from_document: bool

    @property
    def is_alike(self) -> bool:
        """True if the server lists more than half of the operations of this client."""
        return self.from_document and 2 * len(self.operations) > len(OPERATIONS)

    @property
    def missing(self) -> frozenset[str]:
        """The operationIds of this client that the server does not have."""
        return frozenset(OPERATIONS) - self.operations

    @explain_call
    def supports(self, operation: str) -> bool:
        """Return True if the server has the operation with this operationId."""
        return operation in self.operations


def release(version: str) -> tuple[int, ...] | None:
    """Return the three numbers of a version; None for a build without them (`local`, `0.0.0-...`)."""
    found = _RELEASE.match(version)  # at most nine digits: Python refuses to parse very long numbers
    numbers = tuple(int(part) for part in found.groups()) if found else None
    return None if numbers == (0, 0, 0) else numbers


def has_operation(operation_id: str, version: str) -> bool | None:
    """Return True if servers of a version have an operation, False if they do not, None if that is not known."""
    numbers = release(version)
    absent, since = OPERATIONS[operation_id]
    if numbers is None:
        return None
    if absent == "":
        return True if version == OPENCODE_VERSION else None
    if absent is None:
        return True
    first, last_without = release(since or ""), release(absent) or ()
    if first is None or first <= last_without:
        return None  # the document came from a private build, and its version number has no meaning
    if numbers <= last_without:
        return False
    return True if numbers >= first else None


def version_in(response: httpx.Response, url: str) -> str:
    """Return the version in the response to `health`.

    Raises:
        UnsupportedServerError: the server is not opencode.
    """
    version: object = _json_object(response.content).get("version")
    if not isinstance(version, str):
        kind = response.headers.get("content-type", "no content type")
        got = f"GET {VERSION_PATH} gave {response.status_code} {kind} without a version"
        raise UnsupportedServerError(f"{url} is not an opencode server: {got}", url=url)
    return version


def is_expected(version: str) -> bool:
    """Return True for versions that this package supports, and for builds without a version number."""
    numbers = release(version)
    return numbers is None or numbers[0] == _GENERATION or version == OPENCODE_VERSION


def no_server(error: StatusError, url: str) -> UnsupportedServerError | None:
    """Return the error for a status that opencode does not send; None if opencode may have sent it."""
    if error.status in (401, 403, 407, 408, 429) or error.status >= 500:
        return None
    return UnsupportedServerError(f"{url} is not an opencode server: {error}", url=url)


def second_generation(answer: httpx.Response | StatusError, url: str) -> UnsupportedServerError | None:
    """Return the error for OpenCode 2.x if `answer`, the response to `SECOND_INFO`, comes from it; else None."""
    if isinstance(answer, StatusError):
        refused = answer.status == 401 and is_object(answer.data) and "_tag" in answer.data
        return other_version(url, None, SECOND_INFO.path) if refused else None
    version: object = _json_object(answer.content).get("version")
    return other_version(url, version, SECOND_INFO.path) if isinstance(version, str) else None


def other_version(url: str, version: str | None, path: str) -> UnsupportedServerError:
    """Return the error for a server of another generation, whose version was read from `path`."""
    message = (
        f"{url} is OpenCode {version or '2.x'} (by GET {path}); "
        f"this client speaks {_GENERATION}.x: see docs/opencode-2.md"
    )
    return UnsupportedServerError(message, url=url, version=version)


def info(version: str, document: bytes | None) -> ServerInfo:
    """Return the operations of a server, from its document if that is usable, else from the table of versions."""
    listed = _operation_ids(document or b"")
    if len(listed) > min(_STUNTED, len(OPERATIONS) - 1):
        return ServerInfo(version, listed & OPERATIONS.keys(), from_document=True)
    # a version between two versions of the table counts as the older one
    is_unknown = release(version) is None
    known = (
        name
        for name, (absent, _) in OPERATIONS.items()
        if is_unknown or absent == "" or has_operation(name, version)
    )
    return ServerInfo(version, frozenset(known), from_document=False)


def _operation_ids(document: bytes) -> frozenset[str]:
    paths: object = _json_object(document).get("paths")
    items = paths.values() if is_object(paths) else ()
    operations = [operation for item in items if is_object(item) for operation in item.values()]
    return frozenset(str(one["operationId"]) for one in operations if is_object(one) and "operationId" in one)


def _json_object(content: bytes) -> dict[str, object]:
    """Return the object in a JSON text; an empty one for any other text."""
    try:
        parsed: object = json_text.loads(content)
    except ValueError:
        return {}
    return parsed if is_object(parsed) else {}


def not_ready(failure: OpencodeError, url: str, timeout: float | None) -> RequestTimeoutError:
    """Return the error for a server that did not respond in `timeout` seconds. `failure` is that of the last try."""
    message = f"wait_until_ready: no opencode server at {url} within {timeout} s; the last try: {failure}"
    return RequestTimeoutError(
        message, operation="wait_until_ready", method="GET", url=f"{url}{VERSION_PATH}"
    )


def unsupported(operation: Operation[object], url: str, version: str | None) -> UnsupportedOperationError:
    """Return the error for an operation that the server does not have."""
    absent, since = OPERATIONS.get(operation.id, (None, None))
    known = f": {since} has it, {absent} does not" if since and absent and since != absent else ""
    return UnsupportedOperationError(
        f"{operation.id}: opencode {version or '(version unknown)'} at {url} does not have "
        f"{operation.method} {operation.path}{known}",
        operation=operation.id,
        url=url,
        version=version,
    )
