"""Find the operation of a method and a path, for `client.send`. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from sys import modules
from typing import Any
from urllib.parse import unquote

from . import api
from .calls.operation import JSON_OR_NOTHING, LOCATION, QUERY, Arguments, Operation, Scope
from .calls.unset import UNSET
from .errors import ArgumentError
from .model import OpencodeModel

_VARIABLE = re.compile(r"(\{[^{}]*\}|\*$)")
_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_STREAM = "/event"
"""The end of the path of every event stream, and of no other operation."""


def call_of(
    method: str, path: str, query: Mapping[str, object] | None, json: object
) -> tuple[Operation[Any], Arguments]:
    """Return the operation and the arguments for a request. Its route need not be in the server's document.

    A documented operation keeps its rules: retries, timeout, headers, errors, and the place of the directory.

    Raises:
        ArgumentError: the method, the path or the query is wrong, or the path is that of an event stream.
    """
    _check(method, path, query)
    json = json.to_dict() if isinstance(json, OpencodeModel) else json
    operation, values = _found(method.upper(), path)
    if json is UNSET and operation.body == "members":
        json = {}  # 1.1.31 refuses an empty body
    sent = operation.changed(
        body="" if json is UNSET else "json",
        scope=_scope(operation.scope, query or {}, json),
        structured={},
    )
    return sent, Arguments(path=values, query=query, body=json)


def _check(method: object, path: object, query: object) -> None:
    if not (isinstance(method, str) and method.isascii() and method.isalpha()):
        raise ArgumentError(f"send: method takes an HTTP method such as 'GET', not {method!r}")
    if not (isinstance(path, str) and path.startswith("/")) or "?" in path or "#" in path:
        raise ArgumentError(
            f"send: path takes a path such as '/session', without a query, not {_shown(path)}"
        )
    if {".", ".."} & set(unquote(path).split("/")):
        raise ArgumentError(f"send: path cannot have the segments '.' and '..': {path!r}")
    if query is not None and not isinstance(query, Mapping):
        raise ArgumentError(f"send: query takes a mapping of names to values, not {type(query).__name__}")
    for name in query or ():  # pyright: ignore[reportUnknownVariableType] # of any type
        if not isinstance(name, str):
            raise ArgumentError(f"send: names in query are texts, not {name!r}")


def _shown(path: object) -> str:
    """Return a wrong path for an error message, without its query and without a host: these may hold secrets."""
    if not isinstance(path, str):
        return type(path).__name__
    if "//" in path:
        return "a URL"
    beginning = re.split("[?#]", path)[0]
    return repr(path) if beginning == path else f"{beginning!r} with one: pass query={{...}}"


def _found(method: str, path: str) -> tuple[Operation[Any], tuple[str, ...]]:
    """Return the documented operation and the values in its path, or else an operation for this path alone."""
    normal = _normal(path)
    for operation, pattern in documented():
        if operation.method == method and (match := pattern.fullmatch(normal)):
            if operation.path.endswith(_STREAM):
                raise ArgumentError(f"send: {path} is an event stream; use client.{operation.id}")
            returns = operation.returns
            if returns != "bytes" and not operation.plain:
                possible = (returns, *(other for other, _ in operation.others.values()))
                returns = JSON_OR_NOTHING if "None" in possible else "Any"
            return operation.changed(returns=returns, others={}), tuple(map(unquote, match.groups()))
    scope = LOCATION if path.startswith("/api/") else QUERY
    return Operation("send", method, path, JSON_OR_NOTHING, scope=scope), ()


def _normal(path: str) -> str:
    """Return the form of a path that the document has: `/a//%62/` -> `/a/b`. Source: 1.18.33 takes both."""
    return re.sub("/+", "/", _ENCODED.sub(_decoded, path)).rstrip("/")


def _decoded(match: re.Match[str]) -> str:
    text = unquote(match.group())
    return text if text.isascii() and (text.isalnum() or text in "-._~") else match.group()


@cache
def documented() -> list[tuple[Operation[Any], re.Pattern[str]]]:
    """Return the operations of all namespaces, and the patterns of their paths. Those without variables come first."""
    found = sorted(_operations(), key=lambda one: len(_VARIABLE.findall(one.path)))
    return [(one, re.compile(_pattern(one.path))) for one in found]


def _operations() -> Iterator[Operation[Any]]:
    namespaces: list[type] = [api.Namespaces]
    for namespace in namespaces:  # the loop adds to it
        members = vars(namespace).items()
        namespaces += [getattr(namespace, name) for name, one in members if isinstance(one, cached_property)]
        values = vars(modules[namespace.__module__]).values()
        yield from (value for value in values if isinstance(value, Operation))


def _pattern(path: str) -> str:
    """Return the regular expression for the path of an operation: `/file/{id}` -> `/file/([^/]+)`."""
    variables = {"*": "(.+)"}
    return "".join(
        variables.get(piece, "([^/]+)") if _VARIABLE.fullmatch(piece) else re.escape(piece)
        for piece in _VARIABLE.split(path)
    )


def _scope(scope: Scope | None, query: Mapping[str, object], json: object) -> Scope | None:
    """Return the scope: where the directory and the workspace are sent, without those that `query` already has."""
    if scope is None or (scope.directory and "." in scope.directory and not isinstance(json, Mapping)):
        return None
    directory, workspace = (None if name in query else name for name in (scope.directory, scope.workspace))
    return Scope(directory, workspace)
