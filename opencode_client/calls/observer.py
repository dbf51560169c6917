"""Protocols for `observer=` of a client: the client calls their methods for calls, streams, terminals and turns.

Any thread or task may call the methods, so they must not block. `opencode_client.telemetry` has an observer for
OpenTelemetry.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .retry_policy import RetryEvent


class ConnectionObserver(Protocol):
    """Observes one event stream or terminal, with all its connections."""

    def connected(self, *, is_again: bool, has_gap: bool) -> None:
        """Called after each connection is made. `has_gap`: events or output before it may be missing."""

    def ended(self, error: BaseException | None) -> None:
        """Called at the end, once."""


class TurnObserver(Protocol):
    """Observes one turn."""

    def active(self) -> AbstractContextManager[object]:
        """Return a context in which the turn makes a request, or calls a function of the user."""
        ...

    def updated(self, update: Any) -> None:  # Any: an `Update`, which packages of other servers lack
        """Called with each update, also with those that nobody reads. `TurnFinished` is the last one."""

    def ended(self, error: BaseException | None) -> None:
        """Called when the turn is over, or goes on without this program. May be called several times."""


class Observer(Protocol):
    """Observes a client and its views."""

    def call(self, operation: str, method: str) -> AbstractContextManager[object]:
        """Return a context for a call, with all its tries. An error of the call passes through it."""
        ...

    def retry(self, event: RetryEvent) -> None:
        """Called before the delay of each retry."""

    def stream(self, operation: str) -> ConnectionObserver:
        """Return an observer for a stream, when it connects for the first time."""
        ...

    def terminal(self, pty_id: str) -> ConnectionObserver:
        """Return an observer for a terminal, when it connects for the first time."""
        ...

    def turn(self, session_id: str, directory: str, body: Mapping[str, Any]) -> TurnObserver:  # Any: JSON
        """Return an observer for a turn. `body`: the prompt's arguments; empty for a turn that `follow` joined."""
        ...
