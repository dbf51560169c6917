"""Which server answers, and which operations it has: pure, shared by the synchronous and the asynchronous client.

Source: `GET /global/health` and `GET /doc`, servers 1.1.31 to 1.18.33. 1.14.34 to 1.14.41 serve a document of three
operations, which says nothing. 1.1.31 forwards paths that it does not know to the internet.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
from attrs import field, frozen

from .._spec import OPERATIONS
from ..decoding import json_text
from ..errors import StatusError, UnsupportedOperationError, UnsupportedServerError
from ..model import is_object
from .operation import Operation

DOCUMENT: Operation[None] = Operation("check_server", "GET", "/doc")
_RELEASE = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def health(asking: str) -> Operation[None]:
    """What asks for the version, on behalf of an operation: errors bear its name."""
    return Operation(asking, "GET", "/global/health")


@frozen
class ServerInfo:
    """What `check_server` found: the server's version, and the operationIds that it has and this client knows.

    `from_document` tells whether its own document says so, or the table of versions, where that is implausible.
    """

    version: str
    operations: frozenset[str] = field(repr=lambda ids: f"<{len(ids)}>")
    from_document: bool

    @property
    def missing(self) -> frozenset[str]:
        """The operations of this client that the server does not have."""
        return frozenset(OPERATIONS) - self.operations

    def supports(self, operation: str) -> bool:
        """Whether the server has the operation, named by its operationId."""
        return operation in self.operations


def release(version: str) -> tuple[int, ...] | None:
    """The numbers of a version; None for a build that has none (`local`, `0.0.0-...`)."""
    found = _RELEASE.match(version)
    numbers = tuple(int(part) for part in found.groups()) if found else None
    return None if numbers == (0, 0, 0) else numbers


def has_operation(operation_id: str, version: str) -> bool | None:
    """Whether servers of a version have an operation; None where nobody looked."""
    numbers = release(version)
    absent, since = OPERATIONS[operation_id]
    if numbers is None:
        return None
    if absent is None:
        return True
    first, last_without = release(since or ""), release(absent) or ()
    if first is None or first <= last_without:
        return None  # it was generated from somebody's own build, whose version says nothing of what it has
    if numbers <= last_without:
        return False
    return True if numbers >= first else None


def version_in(response: httpx.Response, url: str) -> str:
    """The version that an answer to `health` tells.

    Raises:
        UnsupportedServerError: it is no opencode server, or none of 1.x.
    """
    try:
        health: object = json_text.loads(response.content)
    except ValueError:
        health = None
    version: object = health.get("version") if is_object(health) else None
    if not isinstance(version, str):
        kind = response.headers.get("content-type", "no content type")
        raise UnsupportedServerError(
            f"{url} is no opencode server: GET /global/health gave {response.status_code} {kind} without a version",
            url=url,
        )
    numbers = release(version)
    if numbers is not None and numbers[0] != 1:
        raise UnsupportedServerError(
            f"{url} is opencode {version}; this client speaks to 1.x", url=url, version=version
        )
    return version


def no_server(error: StatusError, url: str) -> UnsupportedServerError | None:
    """What a status that is no opencode server's means; None where the status says something else."""
    if error.status in (401, 403, 407, 408, 429) or error.status >= 500:
        return None
    return UnsupportedServerError(f"{url} is no opencode server: {error}", url=url)


def info(version: str, document: bytes | None) -> ServerInfo:
    """What a server of `version` that serves `document` has."""
    listed = _operation_ids(document) if document is not None else frozenset[str]()
    oldest = {name for name, (absent, _) in OPERATIONS.items() if absent is None}
    if 2 * len(listed & oldest) > len(oldest):
        return ServerInfo(version, listed & OPERATIONS.keys(), from_document=True)
    # between two looked-at versions the older one counts
    known = (name for name in OPERATIONS if has_operation(name, version) or release(version) is None)
    return ServerInfo(version, frozenset(known), from_document=False)


def _operation_ids(document: bytes) -> frozenset[str]:
    try:
        parsed: object = json_text.loads(document)
    except ValueError:
        return frozenset()
    paths: object = parsed.get("paths") if is_object(parsed) else None
    found: set[str] = set()
    for item in paths.values() if is_object(paths) else ():
        operations: list[Any] = list(item.values()) if is_object(item) else []
        found.update(str(o["operationId"]) for o in operations if is_object(o) and "operationId" in o)
    return frozenset(found)


def unsupported(operation: Operation[Any], url: str, version: str | None) -> UnsupportedOperationError:
    """The error for an operation that the server does not have."""
    absent, since = OPERATIONS.get(operation.id, (None, None))
    known = f": {since} has it, {absent} does not" if since and absent and since != absent else ""
    return UnsupportedOperationError(
        f"{operation.id}: opencode {version or '(version unknown)'} at {url} does not have "
        f"{operation.method} {operation.path}{known}",
        operation=operation.id,
        url=url,
        version=version,
    )
