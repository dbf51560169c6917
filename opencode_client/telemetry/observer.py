"""The observer for OpenTelemetry. It records no passwords and no headers, and prompts only if you want that."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.propagate import inject
from opentelemetry.trace import SpanKind, TracerProvider, get_current_span, get_tracer

from .. import __version__
from ..errors import StatusError
from .connections import ObservedConnection
from .instruments import Instruments, record_error
from .turn_spans import ObservedTurn

if TYPE_CHECKING:
    from ..calls.header_function import OutgoingRequest
    from ..calls.retry_policy import RetryEvent

_NAME = "opencode_client"


class OpenTelemetry:
    """An `observer=` for clients. Clients may share it; it uses the global providers unless you pass others.

    Args:
        prompts: Also record prompts, answers, and the input and output of tools, only in spans. They may hold secrets.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        prompts: bool = False,
    ) -> None:
        self._tracer = get_tracer(_NAME, __version__, tracer_provider)
        self._instruments = Instruments(get_meter(_NAME, __version__, meter_provider))
        self._prompts = prompts

    @contextmanager
    def call(self, operation: str, method: str) -> Generator[None]:
        """Record a call: a span with its tries, and metrics."""
        attributes = {"opencode.operation": operation, "http.request.method": method}
        with (
            self._tracer.start_as_current_span(
                f"opencode {operation}",
                kind=SpanKind.CLIENT,
                attributes=attributes,
                record_exception=False,  # a message may quote the response
                set_status_on_exception=False,
            ) as span,
            self._instruments.calling(operation),
        ):
            try:
                yield
            except BaseException as error:
                record_error(span, error)
                if isinstance(error, StatusError):
                    span.set_attribute("http.response.status_code", error.status)
                raise

    def retry(self, event: RetryEvent) -> None:
        """Record a retry: an event of the span of the call, and a metric."""
        attributes: dict[str, str | int] = {
            "opencode.attempt": event.attempt,
            "error.type": type(event.error).__name__,
        }
        get_current_span().add_event("retry", attributes)
        self._instruments.retries.add(1, {"opencode.operation": event.operation})

    def stream(self, operation: str) -> ObservedConnection:
        """Record an event stream."""
        span = self._tracer.start_span(f"opencode {operation}", attributes={"opencode.operation": operation})
        return ObservedConnection(span, self._instruments, "stream", operation)

    def terminal(self, pty_id: str) -> ObservedConnection:
        """Record a terminal."""
        span = self._tracer.start_span("opencode terminal", attributes={"opencode.pty.id": pty_id})
        return ObservedConnection(span, self._instruments, "terminal", "pty.connect")

    def turn(self, session_id: str, directory: str, body: Mapping[str, Any]) -> ObservedTurn:  # Any: JSON
        """Record a turn."""
        return ObservedTurn(self._tracer, self._instruments, session_id, body, prompts=self._prompts)


def traceparent(_: OutgoingRequest) -> dict[str, str]:
    """Return the headers that let the server continue the trace; for `headers=` of a client."""
    headers: dict[str, str] = {}
    inject(headers)
    return headers
