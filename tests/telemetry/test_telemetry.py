"""Spans and metrics of OpenTelemetry, kept in memory, of clients of a fake server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from opencode_client import TurnProviderError
from opencode_client.telemetry import OpenTelemetry, traceparent
from opencode_client.testing import FakeServer, Reply, ToolCall
from tests.support.both_clients import ClientKind
from tests.support.faulty_server import FaultyServer, answer, http
from tests.support.retry_cases import EMPTY_LIST, busy
from tests.support.retry_cases import waits as waits  # a fixture
from tests.support.terminal_server import PtyServer, cursor, cut, end, say

_PASSWORD, _PROMPT = "correct-horse", "a plan for us"
_BASH = ToolCall(name="bash", arguments={"command": "echo hi", "description": "says hi"})
_TASK = ToolCall(
    name="task", arguments={"description": "look", "prompt": "look around", "subagent_type": "general"}
)
_SCRIPT = (Reply(tools=[_BASH]), Reply(tools=[_TASK]), "the subagent's answer", "done")


def _context(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


@frozen
class Recorded:
    """Recorded spans and metrics. `observer` makes the observer of a client."""

    exporter: InMemorySpanExporter = field(factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(factory=InMemoryMetricReader)

    def observer(self, **options: Any) -> OpenTelemetry:  # Any: as OpenTelemetry takes them
        tracers, meters = TracerProvider(), MeterProvider([self.reader])
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        return OpenTelemetry(tracer_provider=tracers, meter_provider=meters, **options)

    def spans(self, name: str) -> list[ReadableSpan]:
        """The finished spans of this name."""
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def tree(self, name: str) -> list[str]:
        """The span of this name and those below it in order of time, indented."""
        [root] = self.spans(name)
        return list(self._lines(root, ""))

    def _lines(self, span: ReadableSpan, indent: str) -> list[str]:
        every = self.exporter.get_finished_spans()
        below = [one for one in every if one.parent and one.parent.span_id == _context(span).span_id]
        found = [f"{indent}{span.name}"]
        for one in sorted(below, key=lambda one: one.start_time or 0):
            found += self._lines(one, f"{indent}  ")
        return found

    def metric(self, name: str) -> float:
        """The sum of all values of a metric."""
        data = self.reader.get_metrics_data()
        metrics = (
            [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
        )
        points: list[Any] = [point for one in metrics if one.name == name for point in one.data.data_points]
        return float(sum(getattr(point, "sum", getattr(point, "value", 0)) for point in points))


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def test_the_spans_of_a_turn_with_a_tool_and_a_subagent_are_a_tree(
    client_kind: ClientKind, recorded: Recorded, tmp_path: Path
) -> None:
    with FakeServer(*_SCRIPT, directory=tmp_path) as fake:
        client = client_kind.client(fake.url, directory=str(tmp_path), observer=recorded.observer())
        result = client_kind.call(client.run, _PROMPT, permissions="once", timeout=20)
    lines = recorded.tree("invoke_agent build")
    # on a slow machine, the turn reads the session more than once
    assert [line for line in lines if "opencode" not in line or "session.prompt" in line] == [
        "invoke_agent build",
        "  chat scripted-1",
        "  opencode session.prompt",
        "  execute_tool bash",
        "  chat scripted-1",
        "  execute_tool task",
        "    invoke_agent subagent",
        "  chat scripted-1",
    ]
    [turn] = recorded.spans("invoke_agent build")
    attributes = dict(turn.attributes or {})
    assert attributes["gen_ai.conversation.id"] == result.session_id
    assert (attributes["gen_ai.provider.name"], attributes["gen_ai.request.model"]) == (
        "scripted",
        "scripted-1",
    )
    assert attributes["gen_ai.usage.output_tokens"] == result.tokens.output > 0
    assert attributes["opencode.cost_usd"] == result.cost > 0


def test_the_metrics_of_a_turn(client_kind: ClientKind, recorded: Recorded, tmp_path: Path) -> None:
    with FakeServer(*_SCRIPT, directory=tmp_path) as fake:
        client = client_kind.client(fake.url, directory=str(tmp_path), observer=recorded.observer())
        result = client_kind.call(client.run, _PROMPT, permissions="once", timeout=20)
    assert recorded.metric("gen_ai.client.token.usage") == result.tokens.input + result.tokens.output
    assert recorded.metric("opencode.client.cost") == pytest.approx(result.cost)
    assert recorded.metric("gen_ai.client.operation.duration") == pytest.approx(result.duration_s)
    assert recorded.metric("opencode.client.call.duration") > 0


def _everything(recorded: Recorded) -> str:
    return "".join(span.to_json() for span in recorded.exporter.get_finished_spans())


def test_prompts_and_outputs_are_recorded_only_by_the_option(client_kind: ClientKind, tmp_path: Path) -> None:
    texts = (_PROMPT, "echo hi", "done")
    for recorded, options in ((Recorded(), {}), (Recorded(), {"prompts": True})):
        with FakeServer(*_SCRIPT, directory=tmp_path, password=_PASSWORD) as fake:
            client = client_kind.client(
                fake.url, directory=str(tmp_path), observer=recorded.observer(**options), password=_PASSWORD
            )
            client_kind.call(client.run, _PROMPT, permissions="once", timeout=20)
        shown = _everything(recorded)
        assert [text in shown for text in texts] == [bool(options)] * 3
        assert _PASSWORD not in shown


def test_the_span_of_a_failed_turn_has_the_class_of_its_error(
    client_kind: ClientKind, recorded: Recorded, tmp_path: Path
) -> None:
    with FakeServer(Reply(status=400, error="no"), directory=tmp_path) as fake:
        client = client_kind.client(fake.url, directory=str(tmp_path), observer=recorded.observer())
        with pytest.raises(TurnProviderError):
            client_kind.call(client.run, _PROMPT, timeout=20)
    [turn] = [span for span in recorded.exporter.get_finished_spans() if span.name.startswith("invoke_agent")]
    assert (turn.attributes or {})["error.type"] == "TurnProviderError"
    assert not turn.status.is_ok


def test_the_span_of_a_call_has_its_retries_and_its_error(
    client_kind: ClientKind, recorded: Recorded, waits: object
) -> None:
    with FaultyServer([busy("0"), answer(http(b'{"message": "secret"}', 404))]) as server:
        client_kind.error(server.url, lambda client: client.session.list(), observer=recorded.observer())
    [call] = recorded.spans("opencode session.list")
    assert [event.name for event in call.events] == ["retry"]
    attributes = dict(call.attributes or {})
    assert (attributes["error.type"], attributes["http.response.status_code"]) == ("NotFoundError", 404)
    assert recorded.metric("opencode.client.retries") == 1
    assert "secret" not in _everything(recorded)


def test_the_span_of_a_stream_has_its_connections_and_gaps(
    client_kind: ClientKind, recorded: Recorded
) -> None:
    with PtyServer() as server:
        client = client_kind.client(server.url, observer=recorded.observer())
        stream = client.event.subscribe()
        client_kind.call(stream.__aenter__ if client_kind.is_async else stream.__enter__)
        assert recorded.metric("opencode.client.open_connections") == 1
        server.drop_events()
        client_kind.call(stream.get, timeout=10)  # the gap
        client_kind.call(stream.close)
    [span] = recorded.spans("opencode event.subscribe")
    assert [event.name for event in span.events] == ["connected", "reconnected"]
    assert recorded.metric("opencode.client.gaps") == 1
    assert recorded.metric("opencode.client.open_connections") == 0


@pytest.mark.parametrize("last", [end, cut])
def test_the_span_of_a_terminal_has_its_connections(
    client_kind: ClientKind, recorded: Recorded, last: Callable[..., object]
) -> None:
    with PtyServer([cursor(0), say("abc"), cursor(3), cut], [cursor(3), say("def"), last]) as server:
        client = client_kind.client(server.url, observer=recorded.observer())
        terminal = client.pty.connect("pty_1", exit_code=False)
        assert client_kind.call(terminal.read_until, "def") == "abcdef"
        client_kind.call(terminal.close)
    [span] = recorded.spans("opencode terminal")
    assert [event.name for event in span.events][:2] == ["connected", "reconnected"]
    assert recorded.metric("opencode.client.open_connections") == 0


def test_a_request_continues_the_trace_of_its_span(client_kind: ClientKind, recorded: Recorded) -> None:
    with FaultyServer([answer(EMPTY_LIST)]) as server:
        client_kind.run(
            server.url,
            lambda client: client.session.list(),
            observer=recorded.observer(),
            headers=traceparent,
        )
        [seen] = server.requests
    [span] = recorded.spans("opencode session.list")
    context = _context(span)
    assert seen.headers["traceparent"].startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")


def test_without_an_observer_nothing_of_opentelemetry_is_imported() -> None:
    code = "import sys, opencode_client.client as c; c.OpencodeClient().close(); print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
