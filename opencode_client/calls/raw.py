"""The result of `raw`, and the check of the operation that is passed to it. Most programs never import this module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

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
