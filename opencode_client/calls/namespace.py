"""Base classes of the generated namespaces, such as `client.session`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .async_caller import AsyncCaller
    from .caller import Caller


class Namespace:
    """A group of operations of an `OpencodeClient`. Lives as long as the client; thread-safe."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller


class AsyncNamespace:
    """A group of operations of an `AsyncOpencodeClient`. Lives as long as the client."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller
