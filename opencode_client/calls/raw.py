"""The result of `raw`, and the check of the operation that is passed to it. Most programs never import this module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from attrs import frozen

from ..errors import ArgumentError

T = TypeVar("T")


@frozen(eq=False)
class Response(Generic[T]):
    """The result of `raw`: the parsed `value` with `status`, `headers` (names in lower case) and `body`."""

    value: T
    status: int
    headers: Mapping[str, str]
    body: bytes


def check_single(pending: object) -> None:
    """Check that `pending` comes from an operation with one response. It may be awaitable.

    Raises:
        ArgumentError: it is a stream or a terminal.
    """
    if hasattr(pending, "__enter__") or hasattr(pending, "__aenter__"):
        raise ArgumentError("raw takes an operation with one response, not a stream or a terminal")


def rebound(method: Callable[..., Any], caller: object) -> Callable[..., Any]:  # Any: any operation
    """Return the same method of a copy of its namespace or client that makes its calls with `caller`."""
    kind: Any = type(method.__self__)  # type: ignore[attr-defined] # only bound methods come here
    copied: Any = kind.__new__(kind)
    copied._caller = caller
    bound: Callable[..., Any] = getattr(copied, method.__name__)
    return bound
