"""The metrics, with the names of OpenTelemetry's GenAI conventions where these have one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter

from opentelemetry.metrics import Counter, Histogram, Meter, UpDownCounter
from opentelemetry.trace import Span, Status, StatusCode


class Instruments:
    """The metrics of one observer."""

    def __init__(self, meter: Meter) -> None:
        self.calls: Histogram = meter.create_histogram(
            "opencode.client.call.duration", "s", "Calls, with their retries"
        )
        self.retries: Counter = meter.create_counter(
            "opencode.client.retries", "{retry}", "Requests that were sent again"
        )
        self.gaps: Counter = meter.create_counter(
            "opencode.client.gaps", "{gap}", "Places where a stream or a terminal may miss something"
        )
        self.open: UpDownCounter = meter.create_up_down_counter(
            "opencode.client.open_connections", "{connection}", "Open event streams and terminals"
        )
        self.turns: Histogram = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", "Turns, from the prompt to the end"
        )
        self.tokens: Histogram = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", "Tokens of turns, without subagents"
        )
        self.cost: Counter = meter.create_counter(
            "opencode.client.cost", "USD", "Cost of turns, without subagents"
        )

    @contextmanager
    def calling(self, operation: str) -> Generator[None]:
        """Measure a call."""
        attributes, started_s = {"opencode.operation": operation}, perf_counter()
        try:
            yield
        except BaseException as error:
            attributes["error.type"] = type(error).__name__
            raise
        finally:
            self.calls.record(perf_counter() - started_s, attributes)


def record_error(span: Span, error: BaseException) -> None:
    """Record an error in a span: the name of its class, never its message, which may quote a prompt or a response."""
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(Status(StatusCode.ERROR, type(error).__name__))
