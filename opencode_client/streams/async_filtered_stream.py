# The source of filtered_stream.py, which `make generate` writes.
"""Event streams that yield only some items, chosen by type and session: see `AsyncEventStream.filter`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..calls.operation import Arguments
from ..errors import NotFoundError
from .async_items import AsyncItems
from .async_receiver import AsyncEventReceiver
from .deadline import Deadline
from .event_decoder import StreamGap
from .filter import CHILDREN, EventFilter
from .reconnect import StreamState

if TYPE_CHECKING:
    from ..calls.async_caller import AsyncCaller

E = TypeVar("E")


class AsyncFilteredStream(AsyncItems[E | StreamGap], Generic[E]):
    """Some items of an `AsyncEventStream`. Opening and closing it opens and closes that stream."""

    def __init__(
        self,
        receiver: AsyncEventReceiver[Any],
        state: StreamState[Any],
        wanted: EventFilter,
        caller: AsyncCaller,
        arguments: Arguments,
    ) -> None:
        self._receiver = receiver
        self._state = state
        self._wanted = wanted
        self._caller = caller
        self._arguments = arguments
        self._held: list[Any] = []  # Any: an item that waits until the children are listed
        self._to_list: list[str] = []
        self._listed = 0  # the number of the last connection for which the children were listed

    async def __aenter__(self) -> Self:
        await self._receiver.open()
        return self

    async def close(self) -> None:
        """Close the stream. An iteration that waits for an event ends."""
        await self._receiver.close()

    async def take(self, timeout_s: float | None) -> list[E | StreamGap]:
        """Return the next item; no item at the end. Programs use `get`."""
        deadline = Deadline(timeout_s)
        while True:
            if not self._held:
                self._held = await self._receiver.take(deadline.left_s())
                if not self._held:
                    return []
            await self._list_children()
            found, self._held = self._held, []
            if self._wanted(found[0]):
                return found

    async def _list_children(self) -> None:
        """Add the children that were started while no connection was open. After an error, the next call continues."""
        wanted = self._wanted
        if wanted.session_id is None or not wanted.children:
            return
        if self._listed != self._state.connections:
            self._listed = self._state.connections
            self._to_list = [wanted.session_id]
        while self._to_list:
            parent_id = self._to_list[-1]
            try:
                given = self._arguments.changed(path=(parent_id,), query=None)
                children: object = await self._caller.call(CHILDREN, given)
            except NotFoundError:
                if parent_id == wanted.session_id:
                    raise
                children = None  # the child was deleted
            self._to_list = self._to_list[:-1] + wanted.add_children(children)
