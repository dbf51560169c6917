"""Build the HTTP request for an operation and its arguments. No I/O; shared by sync and async."""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote
from warnings import warn

import httpx

from .. import __version__
from ..decoding import json_text
from ..errors import ArgumentError
from ..model_name import model_in
from .directories import absolute, encoded
from .operation import Arguments, Operation, Scope
from .options import CONNECT_TIMEOUT_S, LONGEST_S, ClientOptions, Timeout, checked_headers, is_loopback
from .unset import UNSET

if TYPE_CHECKING:
    from .observer import Observer

Phases: TypeAlias = dict[str, float | None]
"""Seconds for each phase of a request, as httpx's transports take them."""

NO_ARGUMENTS = Arguments()
_SHOWN = 60
"""Characters of an argument in an error message."""
_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_VARIABLE = re.compile(r"\{[^{}]*\}|\*$")
_parsed_url = lru_cache(1024)(httpx.URL)  # parsing takes as long as everything else here, and URLs repeat


class Prepared:
    """A request that can be sent, also several times. `sent` is its body before it became JSON.

    `given` are the headers of the call. `plain` are the request's headers before the client's `headers=` function added
    its own; None until the function was called.
    """

    # an attrs class would cost as much as this module to import
    __slots__ = ("attempt", "given", "http", "operation", "plain", "sent", "text")

    def __init__(
        self,
        operation: Operation[Any],
        http: httpx.Request,
        text: str,
        sent: object,
        given: Mapping[str, str] | None,
    ) -> None:
        self.operation: Operation[Any] = operation
        self.http: httpx.Request = http
        self.text: str = text
        self.sent: object = sent
        self.given: Mapping[str, str] | None = given
        self.plain: httpx.Headers | None = None
        self.attempt: int = 1

    @property
    def url(self) -> str:
        """The URL for error messages, with *** in place of secrets."""
        from .error_text import public_url  # here, because only errors need it

        return public_url(self.text)


class RequestBuilder:
    """Builds the requests of one client, with the headers, directory, workspace and timeouts of its options."""

    def __init__(
        self, options: ClientOptions, merged: Callable[[httpx.Request], httpx.Request] | None = None
    ) -> None:
        self._options = options
        self.base_url: str = options.base_url
        self.observer: Observer | None = options.observer
        self.merged: Callable[[httpx.Request], httpx.Request] = merged or _unchanged
        """Adds what the user's `httpx.Client` would add to a request, for requests that this client does not send."""
        try:
            host = _parsed_url(options.base_url).raw_host
        except httpx.InvalidURL as error:
            raise ArgumentError(f"base_url {options.base_url!r}: {error}") from None
        headers = options.headers
        # checked before the password is a local variable: a traceback may show local variables
        given = {} if callable(headers) else checked_headers(headers)
        if any(not 0 < len(label) < 64 for label in host.removesuffix(b".").split(b".")):  # Python's limit
            raise ArgumentError(f"base_url {options.base_url!r}: a part of the host is empty or too long")
        # on loopback, gzip only costs time
        encoding = "identity" if is_loopback(options.base_url) else "gzip"
        fixed = {
            "accept": "*/*",
            "accept-encoding": encoding,
            "connection": "keep-alive",
            "user-agent": f"opencode-client-python/{__version__}",
        }
        if merged is not None:  # the user's `httpx.Client` has its own
            fixed = {}
        if options.password is not None:
            fixed["authorization"] = _basic(options.username, options.password)
        self._headers = httpx.Headers(fixed | given)
        self._json_headers = httpx.Headers({**self._headers, "content-type": "application/json"})
        self._ordinary = phases(options.timeout)
        self._blocking = phases(options.turn_timeout)

    def prepare(self, operation: Operation[Any], arguments: Arguments = NO_ARGUMENTS) -> Prepared:
        """Return the request for a call. Warns, five frames up, if the operation is deprecated.

        Raises:
            ArgumentError: an argument is wrong; the message names it.
        """
        if operation.deprecated:
            warn(f"{operation.id} is deprecated by the server's document", DeprecationWarning, stacklevel=5)
        url = self._options.base_url + (
            _filled_path(operation, arguments.path) if arguments.path else operation.path
        )
        query, body = self._query_and_body(operation, arguments)
        if query:
            url = f"{url}?{query}"
        if operation.body == "members":
            body = _given_members(operation, body)
        content = _content(operation, body) if operation.body and body is not UNSET else None
        timeout = arguments.timeout
        default = self._blocking if operation.blocking else self._ordinary
        try:
            parsed = _parsed_url(url)
        except (httpx.InvalidURL, UnicodeError) as error:  # too long for httpx, or a lone surrogate
            raise ArgumentError(f"{operation.id}: {error}") from error
        http = httpx.Request(
            operation.method,
            parsed,
            headers=self._headers_for(operation, arguments.headers, content),
            content=content,
            extensions={"timeout": default if timeout is UNSET else phases(timeout)},
        )
        return Prepared(operation, http, url, body, arguments.headers)

    def _query_and_body(
        self, operation: Operation[Any], arguments: Arguments
    ) -> tuple[str, Any]:  # Any: JSON
        """Return the query and the body, with the directory and the workspace of the call or the options."""
        query = _query_text(operation, arguments.query) if arguments.query else ""
        scope, options = operation.scope, self._options
        if scope is None:
            return query, arguments.body
        directory, workspace = arguments.directory, arguments.workspace
        place = (options.directory if directory is None else absolute(directory)) if scope.directory else None
        space = (options.workspace if workspace is None else workspace) if scope.workspace else None
        if scope.directory and "." in scope.directory:
            return query, _body_with_location(operation, scope, arguments.body, place, space)
        return "&".join(filter(None, (_scope_text(scope, place, space), query))), arguments.body

    def _headers_for(
        self, operation: Operation[Any], headers: Mapping[str, str] | None, content: bytes | None
    ) -> httpx.Headers:
        plain = content is None or operation.body == "bytes"
        result = self._headers if plain else self._json_headers
        if operation.headers or headers:
            result = result.copy()
            result.update({**operation.headers, **checked_headers(headers or {})})
        return result


def _basic(username: str, password: str) -> str:
    """Return the header for Basic authentication.

    Raises:
        ArgumentError: HTTP does not allow the name or the password.
    """
    if ":" in username:
        raise ArgumentError(f"username cannot have a colon: {username!r}")
    try:
        return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"
    except UnicodeEncodeError:
        raise ArgumentError("username or password is not text in UTF-8") from None


def _unchanged(request: httpx.Request) -> httpx.Request:
    return request


def phases(timeout: Timeout) -> Phases:
    """Return the timeout of each phase. Connecting takes at most 10 s, unless an `httpx.Timeout` allows more.

    Raises:
        ArgumentError: it is not a positive number, or above a billion.
    """
    if isinstance(timeout, httpx.Timeout):
        return timeout.as_dict()
    if timeout is None:
        return {"connect": CONNECT_TIMEOUT_S, "read": None, "write": None, "pool": None}
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= LONGEST_S:  # pyright: ignore[reportUnnecessaryIsInstance] # callers without types
        raise ArgumentError(f"timeout takes seconds, httpx.Timeout or None, not {_shown(timeout)}")
    return {"connect": min(CONNECT_TIMEOUT_S, timeout), "read": timeout, "write": timeout, "pool": timeout}


def _filled_path(operation: Operation[Any], arguments: Sequence[object]) -> str:
    """Return the operation's path with its arguments, percent-encoded.

    Raises:
        ArgumentError: an argument is empty, "." or "..": the URL would be that of another operation.
    """
    values = iter(arguments)

    def fill(match: re.Match[str]) -> str:
        name, value = match.group(), next(values)
        if type(value) is str and value.isidentifier() and value.isascii():
            return value  # like most ids; nothing to encode
        text = _text(operation, name, value)
        segments = text.split("/") if name == "*" else [text]
        if "" in (text, *segments[:-1]) or "." in segments or ".." in segments:
            raise ArgumentError(f"{operation.id}: {name} in {operation.path} cannot be {_shown(text)}")
        return quote(text, safe="/" if name == "*" else "", errors="surrogatepass")

    return _VARIABLE.sub(fill, operation.path)


def _query_text(operation: Operation[Any], query: Mapping[str, object]) -> str:
    """Return the query, percent-encoded, without values that are None or UNSET. A list repeats its name.

    Raises:
        ArgumentError: a value is not a text, a number or a boolean.
    """
    pairs: list[str] = []
    for name, value in query.items():
        if value is None or value is UNSET:
            continue
        items: list[object] = list(value) if isinstance(value, list | tuple) else [value]  # pyright: ignore[reportUnknownArgumentType] # of any type
        for item in items:
            text = quote(_text(operation, name, item), safe="", errors="surrogatepass")
            pairs.append(f"{quote(name, safe='[]', errors='surrogatepass')}={text}")
    return "&".join(pairs)


def _text(operation: Operation[Any], name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() else str(value)
    raise ArgumentError(f"{operation.id}: {name} takes text, a number or a boolean, not {_shown(value)}")


def _shown(value: object) -> str:
    """Return the beginning of a text or a number, and the type of anything else, for an error message."""
    if value is None or isinstance(value, str | int | float):
        text = repr(value)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    hint = "; pass its id" if isinstance(getattr(value, "id", None), str) else ""
    return f"an object of class {type(value).__name__}{hint}"


def _scope_text(scope: Scope, directory: str | None, workspace: str | None) -> str:
    pairs: list[str] = []
    if directory is not None:
        text = encoded(directory)
        # servers decode `directory` twice and `location[directory]` once. 1.1.31 lists sessions by the directory after
        # the first decoding, so a directory is encoded twice only if a second decoding would change it
        if scope.directory == "directory" and _ENCODED.search(directory):
            text = quote(text)
        pairs.append(f"{scope.directory}={text}")
    if workspace is not None:
        pairs.append(f"{scope.workspace}={encoded(workspace)}")
    return "&".join(pairs)


def _body_with_location(
    operation: Operation[Any], scope: Scope, body: Any, directory: str | None, workspace: str | None
) -> Any:  # Any: the members of the body
    """Return the body with its location, if it has none and there is a directory.

    Raises:
        ArgumentError: there is a workspace without a directory, which the location needs.
    """
    parent, _, place = (scope.directory or "").partition(".")
    if body.get(parent) is not None or (directory is None and workspace is None):
        return body
    if directory is None:
        raise ArgumentError(f"{operation.id}: workspace needs a directory beside it")
    location = {place: directory}
    if workspace is not None:
        location[(scope.workspace or "").partition(".")[2]] = workspace
    return {**body, parent: location}


def _given_members(operation: Operation[Any], body: Any) -> dict[str, object]:  # Any: by the server's names
    """Return the body without members that were not given.

    UNSET is never sent. None is sent as null if the operation allows null there, else it is left out.

    Raises:
        ArgumentError: a member is a text, but has to be an object or an array, or a model's name is wrong.
    """
    if operation.model and body.get("model", UNSET) is not UNSET:
        body = {**body, "model": model_in(body["model"], operation.id, operation.model)}
    for name, takes in operation.structured.items():
        if isinstance(body.get(name), str):
            raise ArgumentError(f"{operation.id}: {name} takes {takes}, not a text")
    nullable = operation.nullable
    return {
        name: value
        for name, value in body.items()
        if value is not UNSET and (value is not None or name in nullable)
    }


def _content(operation: Operation[Any], body: object) -> bytes:
    if operation.body == "bytes":
        if isinstance(body, str):
            return body.encode("utf-8", "surrogatepass")
        if isinstance(body, bytes | bytearray):
            return bytes(body)
        raise ArgumentError(f"{operation.id}: body takes bytes or text, not {type(body).__name__}")
    try:
        return json_text.dumps(body)
    except (TypeError, ValueError, RecursionError) as error:
        try:
            where = json_text.unwritable(body)
        except RecursionError:
            where = "the body is nested too deeply, or contains itself"
        raise ArgumentError(f"{operation.id}: {where or error}") from None
