"""From an operation and its arguments to an HTTP request: pure, the same for both worlds."""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import quote
from warnings import warn

import httpx

from .. import __version__
from ..decoding import json_text
from ..errors import ArgumentError
from .directories import absolute, encoded
from .operation import Arguments, Operation, Scope
from .options import CONNECT_TIMEOUT_S, ClientOptions, Timeout, checked_headers, is_loopback
from .unset import UNSET, Unset

Phases: TypeAlias = dict[str, float | None]
"""Seconds for each phase of a request, as httpx's transports take them."""

NO_ARGUMENTS = Arguments()
_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_VARIABLE = re.compile(r"\{[^{}]*\}|\*$")
_parsed_url = lru_cache(1024)(httpx.URL)  # parsing one costs as much as all else here; URLs do recur


class Prepared:
    """A request, ready to be sent; more than once, too. `sent` is its body before it became JSON."""

    __slots__ = (
        "http",
        "operation",
        "sent",
        "text",
    )  # no attrs class: making one costs as much as this module

    def __init__(self, operation: Operation[Any], http: httpx.Request, text: str, sent: object) -> None:
        self.operation: Operation[Any] = operation
        self.http: httpx.Request = http
        self.text: str = text
        self.sent: object = sent

    @property
    def url(self) -> str:
        """The URL without credentials, for people."""
        from .error_text import public_url  # errors alone ask

        return public_url(self.text)


class RequestBuilder:
    """Makes the requests of one client: what its options add to every call."""

    def __init__(self, options: ClientOptions) -> None:
        self._options = options
        try:
            _parsed_url(options.base_url)
        except httpx.InvalidURL as error:
            raise ArgumentError(f"base_url {options.base_url!r}: {error}") from None
        # on loopback, packing and unpacking would be all that gzip does
        encoding = "identity" if is_loopback(options.base_url) else "gzip"
        fixed = {
            "accept": "*/*",
            "accept-encoding": encoding,
            "connection": "keep-alive",
            "user-agent": f"opencode-client-python/{__version__}",
        }
        if options.password is not None:
            pair = f"{options.username}:{options.password}".encode()
            fixed["authorization"] = f"Basic {b64encode(pair).decode()}"
        self._headers = httpx.Headers(fixed | checked_headers(options.headers))
        self._json_headers = httpx.Headers({**self._headers, "content-type": "application/json"})
        self._ordinary = phases(options.timeout)
        self._blocking = phases(None)

    def prepare(self, operation: Operation[Any], arguments: Arguments = NO_ARGUMENTS) -> Prepared:
        """Return the request for a call. Warns, four frames up, if the operation is deprecated.

        Raises:
            ArgumentError: an argument is wrong; the message says which.
        """
        if operation.deprecated:
            warn(f"{operation.id} is deprecated by the server's document", DeprecationWarning, stacklevel=4)
        path, body = arguments.path, arguments.body
        url = self._options.base_url + (target(operation, path) if path else operation.path)
        query = query_text(operation, arguments.query) if arguments.query else ""
        scope = operation.scope
        if scope is not None:
            directory, workspace = self._place(scope, arguments)
            if scope.directory is not None and "." in scope.directory:
                body = _located(operation, scope, body, directory, workspace)
            else:
                query = "&".join(filter(None, (_scope_text(scope, directory, workspace), query)))
        if query:
            url = f"{url}?{query}"
        if operation.body == "members":
            body = _given(operation, body)
        content = _content(operation, body) if operation.body else None
        http = httpx.Request(
            operation.method,
            _parsed_url(url),
            headers=self._headers_for(operation, arguments.headers, content),
            content=content,
            extensions={"timeout": self._phases_for(operation, arguments.timeout)},
        )
        return Prepared(operation, http, url, body)

    def _place(self, scope: Scope, arguments: Arguments) -> tuple[str | None, str | None]:
        directory, workspace = arguments.directory, arguments.workspace
        place = self._options.directory if directory is None else absolute(directory)
        name = self._options.workspace if workspace is None else workspace
        return (place if scope.directory else None), (name if scope.workspace else None)

    def _headers_for(
        self, operation: Operation[Any], headers: Mapping[str, str] | None, content: bytes | None
    ) -> httpx.Headers:
        plain = content is None or operation.body == "bytes"
        result = self._headers if plain else self._json_headers
        if operation.headers or headers:
            result = result.copy()
            result.update({**operation.headers, **checked_headers(headers or {})})
        return result

    def _phases_for(self, operation: Operation[Any], timeout: Timeout | Unset) -> Phases:
        if timeout is UNSET:
            return self._blocking if operation.blocking else self._ordinary
        return phases(timeout)


def phases(timeout: Timeout) -> Phases:
    """What a timeout means for each phase. Connecting takes at most 10 s unless a `httpx.Timeout` says more.

    Raises:
        ArgumentError: it is no positive number.
    """
    if isinstance(timeout, httpx.Timeout):
        return timeout.as_dict()
    if timeout is None:
        return {"connect": CONNECT_TIMEOUT_S, "read": None, "write": None, "pool": None}
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < math.inf:  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
        raise ArgumentError(f"timeout takes seconds, httpx.Timeout or None, not {timeout!r}")
    return {"connect": min(CONNECT_TIMEOUT_S, timeout), "read": timeout, "write": timeout, "pool": timeout}


def target(operation: Operation[Any], path: Sequence[object]) -> str:
    """The operation's path with its arguments, percent-encoded.

    Raises:
        ArgumentError: an argument that would change which operation is called: empty, or of dots alone.
    """
    values = iter(path)

    def fill(match: re.Match[str]) -> str:
        name, value = match.group(), next(values)
        text = value if isinstance(value, str) else _scalar(operation, name, value)
        segments = text.split("/") if name == "*" else [text]
        if "" in (text, *segments[:-1]) or "." in segments or ".." in segments:
            raise ArgumentError(f"{operation.id}: {text!r} cannot stand for {name} in {operation.path}")
        return quote(text, safe="/" if name == "*" else "", errors="surrogatepass")

    return _VARIABLE.sub(fill, operation.path)


def query_text(operation: Operation[Any], query: Mapping[str, object]) -> str:
    """The query, percent-encoded; "" if nothing is given. None is not sent; a sequence repeats its name.

    Raises:
        ArgumentError: a value that a query cannot hold.
    """
    pairs: list[str] = []
    for name, value in query.items():
        if value is None or value is UNSET:
            continue
        items: list[object] = list(value) if isinstance(value, list | tuple) else [value]  # pyright: ignore[reportUnknownArgumentType] # whatever it holds
        for item in items:
            text = item if isinstance(item, str) else _scalar(operation, name, item)
            pairs.append(f"{quote(name, safe='[]')}={quote(text, safe='', errors='surrogatepass')}")
    return "&".join(pairs)


def _scalar(operation: Operation[Any], name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else str(value)
    raise ArgumentError(f"{operation.id}: {name} takes text, a number or a boolean, not {value!r}")


def _scope_text(scope: Scope, directory: str | None, workspace: str | None) -> str:
    pairs: list[str] = []
    if directory is not None:
        text = encoded(directory)
        # the plain parameter is decoded twice, `location[directory]` once; but 1.1.31 lists sessions by what it is
        # after the first time, so only what the second would change is protected from it
        if scope.directory == "directory" and _ENCODED.search(directory):
            text = quote(text)
        pairs.append(f"{scope.directory}={text}")
    if workspace is not None:
        pairs.append(f"{scope.workspace}={encoded(workspace)}")
    return "&".join(pairs)


def _located(
    operation: Operation[Any], scope: Scope, body: Any, directory: str | None, workspace: str | None
) -> Any:  # Any: the members of the body
    """The body with its location, where none was given and there is a directory.

    Raises:
        ArgumentError: a workspace without the directory that the location needs.
    """
    (holder, _, place), (_, _, name) = (
        str(wire).partition(".") for wire in (scope.directory, scope.workspace)
    )
    if body.get(holder) is not None or (directory is None and workspace is None):
        return body
    if directory is None:
        raise ArgumentError(f"{operation.id}: workspace needs a directory beside it")
    return {**body, holder: {place: directory} | ({} if workspace is None else {name: workspace})}


def _given(
    operation: Operation[Any], body: Any
) -> dict[str, object]:  # Any: the members as the method names them
    """The members of a body that were given."""
    nullable = operation.nullable
    return {
        name: value
        for name, value in body.items()
        if value is not UNSET and (value is not None or name in nullable)
    }


def _content(operation: Operation[Any], body: object) -> bytes:
    if operation.body == "bytes":
        if isinstance(body, str):
            return body.encode()
        if isinstance(body, bytes | bytearray):
            return bytes(body)
        raise ArgumentError(f"{operation.id}: body takes bytes or text, not {type(body).__name__}")
    try:
        return json_text.dumps(body)
    except (TypeError, ValueError, RecursionError) as error:
        try:
            where = json_text.unwritable(body)
        except RecursionError:
            where = "the body is nested too deeply, or holds itself"
        raise ArgumentError(f"{operation.id}: {where or error}") from None
