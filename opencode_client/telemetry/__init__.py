"""OpenTelemetry for clients: spans and metrics of calls, streams, terminals and turns. Needs the extra `otel`.

client = OpencodeClient(observer=OpenTelemetry(), headers=traceparent)
"""

from __future__ import annotations

from .observer import OpenTelemetry, traceparent

__all__ = ["OpenTelemetry", "traceparent"]
