"""The spans of one turn, by OpenTelemetry's GenAI conventions: the agent, its model's steps, its tools, its subagents.

    invoke_agent build              the turn: model, tokens, cost
    ├── chat gpt-5                  one response of the model
    ├── execute_tool task           a call of a tool
    │   └── invoke_agent subagent   the subagent that it started
    └── chat gpt-5

Updates are recognised by the names of their classes: this module is also part of packages without turns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from threading import Lock
from time import time_ns
from typing import Any

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context, use_span

from .instruments import Instruments, record_error

_AGENT, _TOOL, _CHAT = "invoke_agent", "execute_tool", "chat"


class ObservedTurn:
    """One turn. Its methods are called by the threads or tasks that drive it."""

    def __init__(
        self,
        tracer: Tracer,
        instruments: Instruments,
        session_id: str,
        body: Mapping[str, Any],  # Any: JSON
        *,
        prompts: bool,
    ) -> None:
        self._tracer = tracer
        self._instruments = instruments
        self._prompts = prompts
        self._lock = Lock()
        self._tools: dict[str, Span] = {}
        self._starters: dict[str, Span] = {}  # the call of a tool that started a subagent, by its session
        self._subagents: dict[str, tuple[int, Any]] = {}  # the start time and the last update of each one
        self._steps: list[tuple[int, int, Any]] = []  # begin, end and update
        self._step_began_ns = time_ns()
        agent = body.get("agent") or "agent"
        attributes = {
            "gen_ai.operation.name": _AGENT,
            "gen_ai.agent.name": str(agent),
            "gen_ai.conversation.id": session_id,
        }
        self._is_over = False
        self._span = tracer.start_span(f"{_AGENT} {agent}", kind=SpanKind.CLIENT, attributes=attributes)
        self._context = set_span_in_context(self._span)
        self._note(self._span, "gen_ai.input.messages", body.get("parts") or body.get("arguments"))

    def active(self) -> AbstractContextManager[object]:
        """Make the turn's span the current one, so that its requests are below it."""
        return use_span(self._span, record_exception=False, set_status_on_exception=False)

    def updated(self, update: Any) -> None:  # Any: see above
        """Record an update."""
        with self._lock:
            match type(update).__name__:
                case "ToolUpdate":
                    self._record_tool(update)
                case "StepFinished":
                    self._steps.append((self._step_began_ns, time_ns(), update))
                    self._step_began_ns = time_ns()
                case "SubagentChanged":
                    began_ns, _ = self._subagents.get(update.session_id, (time_ns(), None))
                    self._subagents[update.session_id] = (began_ns, update)
                case "Retrying" | "TurnGap" | "Compacting":
                    self._span.add_event(type(update).__name__)
                case "TurnFinished":
                    self._finish(update)
                case _:
                    pass

    def ended(self, error: BaseException | None) -> None:
        """End the spans that are still open: the turn could not start, or goes on without this program."""
        with self._lock:
            if not self._is_over:
                self._span.set_attribute("opencode.turn.left", error is None)
                self._end(error)

    def _record_tool(self, update: Any) -> None:
        span = self._tools.get(update.part_id)  # scripted models give the same id to several calls
        if span is None:
            attributes = {
                "gen_ai.operation.name": _TOOL,
                "gen_ai.tool.name": update.tool,
                "gen_ai.tool.call.id": update.call_id,
            }
            span = self._tracer.start_span(f"{_TOOL} {update.tool}", self._context, attributes=attributes)
            self._tools[update.part_id] = span
        if update.subagent_session_id is not None:
            self._starters[update.subagent_session_id] = span
        if update.status in ("completed", "error") and span.is_recording():
            self._note(span, "gen_ai.tool.call.arguments", update.input)
            self._note(span, "gen_ai.tool.call.result", update.output or update.error)
            if update.status == "error":
                span.set_status(Status(StatusCode.ERROR))
            self._end_subagents(span)
            span.end()

    def _end_subagents(self, starter: Span | None) -> None:
        """Record the subagents that the tool call `starter` has started. None: all that no tool call has started."""
        for session_id, (began_ns, update) in list(self._subagents.items()):
            if self._starters.get(session_id) is not starter:
                continue
            del self._subagents[session_id]
            attributes = {"gen_ai.operation.name": _AGENT, "gen_ai.conversation.id": session_id}
            if self._prompts:
                attributes["opencode.session.title"] = update.title
            context = self._context if starter is None else set_span_in_context(starter)
            self._tracer.start_span(
                f"{_AGENT} subagent", context, attributes=attributes, start_time=began_ns
            ).end()

    def _finish(self, update: Any) -> None:
        result, span = update.result, self._span
        infos = [one.info for one in result.messages if hasattr(one.info, "model_id")]
        provider, model = (infos[-1].provider_id, infos[-1].model_id) if infos else ("opencode", "")
        names = {"gen_ai.provider.name": provider, "gen_ai.request.model": model}
        agent = str(getattr(infos[-1], "agent", None) or "agent") if infos else "agent"
        span.update_name(f"{_AGENT} {agent}")
        span.set_attribute("gen_ai.agent.name", agent)
        for began_ns, ended_ns, step in self._steps:
            attributes = {"gen_ai.operation.name": _CHAT, **names, **_usage(step.tokens, step.cost)}
            attributes["gen_ai.response.finish_reasons"] = [step.finish]
            name = f"{_CHAT} {model}"
            self._tracer.start_span(
                name, self._context, SpanKind.CLIENT, attributes, start_time=began_ns
            ).end(ended_ns)
        span.set_attributes({**names, **_usage(result.tokens, result.cost)})
        span.set_attributes(
            {"opencode.turn.tool_calls": len(result.tool_calls), "opencode.turn.gaps": result.gaps}
        )
        self._note(span, "gen_ai.output.messages", result.text)
        measured = {"gen_ai.operation.name": _AGENT, **names}
        self._instruments.cost.add(result.cost, measured)
        for kind, count in (("input", result.tokens.input), ("output", result.tokens.output)):
            self._instruments.tokens.record(count, {**measured, "gen_ai.token.type": kind})
        failed = {} if update.error is None else {"error.type": type(update.error).__name__}
        self._instruments.turns.record(result.duration_s, {**measured, **failed})
        self._end(update.error)

    def _end(self, error: BaseException | None) -> None:
        span, self._is_over = self._span, True
        for tool in self._tools.values():
            self._end_subagents(tool)
            if tool.is_recording():
                tool.end()
        self._end_subagents(None)
        if error is not None:
            record_error(span, error)
        span.end()

    def _note(self, span: Span, name: str, value: object) -> None:
        """Set an attribute that may hold people's texts, if prompts are to be recorded."""
        if self._prompts and value:
            span.set_attribute(name, value if isinstance(value, str) else json.dumps(value, default=str))


def _usage(tokens: Any, cost: float) -> dict[str, Any]:  # Any: see above
    return {
        "gen_ai.usage.input_tokens": tokens.input,
        "gen_ai.usage.output_tokens": tokens.output,
        "opencode.cost_usd": cost,
    }
