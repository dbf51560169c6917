"""Base classes of the generated namespaces, such as `client.session`."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .async_caller import AsyncCaller
    from .caller import Caller

    NamespaceProperty = cached_property
else:

    class NamespaceProperty(cached_property):
        """A namespace, made when first used. On a class it is the namespace's class, for `create_autospec`."""

        def __get__(self, instance: Any, owner: Any = None) -> Any:  # Any: as cached_property
            if instance is None:
                return type(self.func(SimpleNamespace(_caller=None)))
            return super().__get__(instance, owner)


class Namespace:
    """A group of operations of an `OpencodeClient`. Lives as long as the client; thread-safe."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller


class AsyncNamespace:
    """A group of operations of an `AsyncOpencodeClient`. Lives as long as the client."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller
