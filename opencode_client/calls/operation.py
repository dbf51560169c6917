"""The operations of the server, and the arguments of one call. The tables in `api` hold operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from attrs import define, field, frozen

from .directories import StrPath
from .options import Timeout
from .unset import UNSET, Unset

JsonMapping: TypeAlias = Mapping[str, Any]
"""A JSON object that is accepted in place of a model, with the server's key names."""

_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})

T_co = TypeVar("T_co", covariant=True)


@frozen
class Scope:
    """The wire names of the places for a directory and a workspace; None where there is none.

    `directory` and `location[directory]` are parameters of the query, `location.directory` is in the body.
    """

    directory: str | None
    workspace: str | None


QUERY = Scope("directory", "workspace")
LOCATION = Scope("location[directory]", "location[workspace]")


@frozen(eq=False)
class Operation(Generic[T_co]):
    """One operation.

    `path` is the document's, with its names in braces and a final `*` for the rest of the URL. `returns` is the
    annotation of what comes back, as JSON unless it is `plain` text. A body is of `members`, any `json`, or `bytes`;
    `nullable` are the members that may be null. `errors` are the documented models by status, `headers` what is sent
    besides. `absent` is the newest server known not to have it. What is `blocking` answers when a turn or a person
    is done; what `consumes` takes something away by reading it. A stream that `resumes` takes that parameter of the
    query: the last sequence number that came; of one that is `late` the server answers before it listens itself.
    """

    id: str
    method: str
    path: str
    returns: str = "None"
    plain: bool = field(default=False, kw_only=True)
    body: Literal["", "members", "json", "bytes"] = field(default="", kw_only=True)
    scope: Scope | None = field(default=None, kw_only=True)
    nullable: frozenset[str] = field(default=frozenset(), kw_only=True)
    errors: Mapping[str, tuple[str, ...]] = field(default={}, kw_only=True)
    headers: Mapping[str, str] = field(default={}, kw_only=True)
    absent: str | None = field(default=None, kw_only=True)
    blocking: bool = field(default=False, kw_only=True)
    consumes: bool = field(default=False, kw_only=True)
    resumes: str | None = field(default=None, kw_only=True)
    late: bool = field(default=False, kw_only=True)
    deprecated: bool = field(default=False, kw_only=True)

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when nobody knows whether the server got it."""
        return self.method in _REPEATABLE and not self.consumes


@define(eq=False, kw_only=True)
class Arguments:
    """The arguments of one call, as the operation's method got them.

    `path` fills the names in the operation's path, in order. `query` and `body` use the server's names.
    """

    path: tuple[object, ...] = ()
    directory: StrPath | None = None
    workspace: str | None = None
    timeout: Timeout | Unset = UNSET
    headers: Mapping[str, str] | None = None
    query: Mapping[str, object] | None = None
    body: object = None
