"""The table of a fake server's operations: where they are, and which function handles them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import unquote

from attrs import define, frozen

from ..calls.server_info import has_operation
from ..model import JsonObject, is_object
from ..routes import documented
from .connections import Request, json_response


class RefusalError(Exception):
    """A call is refused. The argument is the response."""


@define(slots=False)
class Call:
    """A call of an operation: its request, the values in its path, and its directory."""

    request: Request
    ids: tuple[str, ...]
    directory: str

    @property
    def body(self) -> JsonObject:
        """The body, which is an object. An empty body is an empty object."""
        body: object = self.request.json
        return body if is_object(body) else {}


Handler = Callable[[Any, Call], Any]  # Any: an object with handlers; JSON, or a response


@frozen
class Route:
    """The place of an operation."""

    operation: str
    method: str
    path: str


ROUTES: dict[Route, Handler] = {}
"""All operations of the fake."""


def on(operation: str, method: str, path: str) -> Callable[[Handler], Handler]:
    """Make a function the handler of an operation."""

    def add(handler: Handler) -> Handler:
        ROUTES[Route(operation, method, path)] = handler
        return handler

    return add


def refuse(value: object, status: int) -> RefusalError:
    """Return the error for a call that gets this response."""
    return RefusalError(json_response(value, status))


def directory_of(request: Request, default: str) -> str:
    """Return the directory of a request. Source: the query wins over the header; servers decode both once more."""
    given = request.query.get("directory") or request.headers.get("x-opencode-directory")
    return unquote(given) if given else default


@cache
def _table() -> tuple[dict[tuple[str, str], Route], list[tuple[Route, re.Pattern[str]]]]:
    """Return the operations without variables in their paths, and the others."""
    plain = {(route.method, route.path): route for route in ROUTES if "{" not in route.path}
    others = [(route, re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(route.path))) for route in ROUTES]
    return plain, [(route, re.compile(pattern)) for route, pattern in others if "{" in route.path]


def find(request: Request) -> tuple[Route | None, tuple[str, ...]]:
    """Return the operation of a request, if the fake has it, and the values in its path."""
    plain, others = _table()
    if found := plain.get((request.method, request.path)):
        return found, ()
    for route, pattern in others:
        if route.method == request.method and (match := pattern.fullmatch(request.path)):
            return route, match.groups()
    return None, ()


def operation_of(request: Request) -> str:
    """Return the id of an operation that the fake does not have; "" if the document does not have it either."""
    found = (
        one.id for one, at in documented() if one.method == request.method and at.fullmatch(request.path)
    )
    return next(found, "")


def document(version: str) -> JsonObject:
    """Return the part of the server's document that names its operations."""
    paths: dict[str, JsonObject] = {}
    for one, _ in documented():
        if has_operation(one.id, version) is not False:
            paths.setdefault(one.path, {})[one.method.lower()] = {"operationId": one.id}
    return {"openapi": "3.1.0", "info": {"title": "opencode", "version": version}, "paths": paths}
