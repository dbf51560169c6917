"""Describe an operation, for example if it may be sent twice or blocks, and the arguments of one call.

The modules of `api` list the operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar

from .directories import StrPath
from .options import Timeout
from .unset import UNSET, Unset

JsonMapping: TypeAlias = Mapping[str, Any]
"""A JSON object that is accepted in place of a model, with the server's key names."""

_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})

JSON_OR_NOTHING = "Any | None"
"""Annotation of a value of any kind. An empty body gives None."""

T_co = TypeVar("T_co", covariant=True)


class _Changeable:
    """Base class of `Operation` and `Arguments`. As attrs classes, each would add 1 % of httpx's import time."""

    __slots__ = ()

    def changed(self, **changes: Any) -> Self:  # Any: members by name
        """Return a copy with other values for these members."""
        result = copy(self)
        for name, value in changes.items():
            setattr(result, name, value)
        return result


class Scope:
    """The server's names for the directory and the workspace of an operation. None: the operation has none.

    `directory` and `location[directory]` are parameters of the query; `location.directory` is in the body.
    """

    __slots__ = ("directory", "workspace")

    def __init__(self, directory: str | None, workspace: str | None) -> None:
        self.directory: str | None = directory
        self.workspace: str | None = workspace


QUERY = Scope("directory", "workspace")
LOCATION = Scope("location[directory]", "location[workspace]")


class Operation(_Changeable, Generic[T_co]):
    """One operation of the server.

    path: as in the document, with names in braces; a `*` at the end is filled with the rest of the URL.
    returns: annotation of the value, which is read from JSON, or from the text if `plain`.
    others: `returns` and `plain` of other successful statuses such as `202` or `2XX`, where they differ.
    web_page: a response is documented as HTML. Elsewhere, HTML means that the server does not have the operation.
    body: "members" (an object), "json" (any JSON) or "bytes"; "" for none. `nullable` members may be null.
    structured: members of the body that are objects or arrays, with a text about valid values for error messages.
    model: for a body with a `model`, the key of the model's id. A text "provider/model" is accepted, too.
    errors: models of the documented errors, by status.
    headers: headers to send with every call.
    absent: newest server that is known not to have the operation.
    blocking: the response comes only when an agent's turn ends, or a person answers.
    consumes: the server forgets what it returns, so the operation is never repeated.
    resumes: for a stream, the query parameter with the sequence number after which it continues.
    late: for a stream, the headers arrive before the server has subscribed.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 # the server's word
        method: str,
        path: str,
        returns: str = "None",
        *,
        plain: bool = False,
        others: Mapping[str, tuple[str, bool]] = {},
        web_page: bool = False,
        body: Literal["", "members", "json", "bytes"] = "",
        scope: Scope | None = None,
        nullable: frozenset[str] = frozenset(),
        structured: Mapping[str, str] = {},
        model: str = "",
        errors: Mapping[str, tuple[str, ...]] = {},
        headers: Mapping[str, str] = {},
        absent: str | None = None,
        blocking: bool = False,
        consumes: bool = False,
        resumes: str | None = None,
        late: bool = False,
        deprecated: bool = False,
    ) -> None:
        self.id: str = id
        self.method: str = method
        self.path: str = path
        self.returns: str = returns
        self.plain: bool = plain
        self.others: Mapping[str, tuple[str, bool]] = others
        self.web_page: bool = web_page
        self.body: Literal["", "members", "json", "bytes"] = body
        self.scope: Scope | None = scope
        self.nullable: frozenset[str] = nullable
        self.structured: Mapping[str, str] = structured
        self.model: str = model
        self.errors: Mapping[str, tuple[str, ...]] = errors
        self.headers: Mapping[str, str] = headers
        self.absent: str | None = absent
        self.blocking: bool = blocking
        self.consumes: bool = consumes
        self.resumes: str | None = resumes
        self.late: bool = late
        self.deprecated: bool = deprecated

    @property
    def label(self) -> str:
        """The operation's name in messages. For a route of `client.send`, also its method and its path."""
        return f"send: {self.method} {self.path}" if self.id == "send" else self.id

    @property
    def repeatable(self) -> bool:
        """True if sending it twice is safe. It is then retried when the connection breaks."""
        return self.method in _REPEATABLE and not self.consumes

    def at(self, status: int) -> Operation[T_co]:
        """Return the operation with `returns` and `plain` of a status."""
        other = self.others.get(str(status)) or self.others.get(f"{status // 100}XX")
        return self.changed(returns=other[0], plain=other[1], others={}) if other else self


class Arguments(_Changeable):
    """Arguments of one call, as passed to the operation's method.

    `path` has the values for the names in the operation's path, in order. `query` and `body` use the server's names.
    """

    __slots__ = ("body", "directory", "headers", "path", "query", "timeout", "workspace")

    def __init__(
        self,
        *,
        path: tuple[object, ...] = (),
        directory: StrPath | None = None,
        workspace: str | None = None,
        timeout: Timeout | Unset = UNSET,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        body: object = None,
    ) -> None:
        self.path: tuple[object, ...] = path
        self.directory: StrPath | None = directory
        self.workspace: str | None = workspace
        self.timeout: Timeout | Unset = timeout
        self.headers: Mapping[str, str] | None = headers
        self.query: Mapping[str, object] | None = query
        self.body: object = body
