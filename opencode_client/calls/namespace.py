"""Base classes of the generated namespaces, such as `client.session`."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from ..signatures import explain_calls

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


class _Explained:
    """Base class: calls of a subclass with a `path` raise SignatureError for wrong arguments."""

    _attribute_path: ClassVar[str] = ""

    def __init_subclass__(cls, path: str = "") -> None:
        if path:
            cls._attribute_path = path
            explain_calls(cls)


class Namespace(_Explained):
    """A group of operations of an `OpencodeClient`. Lives as long as the client; thread-safe."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller


class AsyncNamespace(_Explained):
    """A group of operations of an `AsyncOpencodeClient`. Lives as long as the client."""

    def __init__(self, caller: AsyncCaller) -> None:
        self._caller = caller
