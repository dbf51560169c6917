"""Spans of event streams and terminals: each connection and each gap is an event of the span."""

from __future__ import annotations

from opentelemetry.trace import Span

from .instruments import Instruments, record_error


class ObservedConnection:
    """One event stream or terminal, from its first connection to its end."""

    def __init__(self, span: Span, instruments: Instruments, kind: str, operation: str) -> None:
        self._span = span
        self._instruments = instruments
        self._attributes = {"opencode.connection": kind, "opencode.operation": operation}
        self._instruments.open.add(1, self._attributes)

    def connected(self, *, is_again: bool, has_gap: bool) -> None:
        """Record a connection."""
        self._span.add_event("reconnected" if is_again else "connected", {"opencode.gap": has_gap})
        if has_gap:
            self._instruments.gaps.add(1, self._attributes)

    def ended(self, error: BaseException | None) -> None:
        """Record the end."""
        self._instruments.open.add(-1, self._attributes)
        if error is not None:
            record_error(self._span, error)
        self._span.end()
