"""The metrics, with the names of OpenTelemetry's GenAI conventions where these have one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from opentelemetry.metrics import Counter, Histogram, Meter, UpDownCounter


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
            attributes["error.type"] = error_type(error)
            raise
        finally:
            self.calls.record(perf_counter() - started_s, attributes)


def error_type(error: Any) -> str:  # Any: also a class of an error that has no value
    """Return the attribute `error.type`: the name of the class, never the message."""
    return type(error).__name__
