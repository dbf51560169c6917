"""Cached facts about the server. A client and its views share them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from .operation import Operation

if TYPE_CHECKING:
    from .server_info import ServerInfo


class ServerKnowledge:
    """The server's version and operations; None until the client has read them."""

    def __init__(self) -> None:
        self.version: str | None = None
        self.info: ServerInfo | None = None
        self.exit_watches: WeakValueDictionary[Hashable, Any] = WeakValueDictionary()  # Any: from `terminals`
        """Exit watches that terminals share. Each is kept as long as a terminal uses it."""
        self.hubs: dict[Hashable, Any] = {}  # Any: from `turns`
        """Event connections that turns share."""
        self.names: set[Hashable] = set()
        """Models and agents that turns have used, each with its directory: the server has them."""

    def allows(self, operation: Operation[Any]) -> bool:
        """Return True if the server is known to have the operation."""
        if self.version is None:
            return False
        from .server_info import has_operation

        in_info = self.info is not None and self.info.supports(operation.id)
        return in_info or has_operation(operation.id, self.version) is True
