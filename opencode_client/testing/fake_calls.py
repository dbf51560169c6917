"""The calls that a fake server has received, the faults that it has for the next ones, and its transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from attrs import define, frozen

from ..signatures import explain_calls
from .connections import Request, Response


@explain_calls
@frozen
class FakeCall:
    """A request that a fake server has received. `json` is the body, read as JSON; None if it is empty."""

    operation: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any


@define
class Fault:
    """A fault for the next `times` calls of an operation."""

    operation: str
    times: int
    delay_s: float = 0.0
    response: Response | None = None
    cut: bool = False


class FakeTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport of httpx that calls a function."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self._call = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response to a request."""
        answer = self._call(_request(request, request.read()))
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.content)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response to a request."""
        answer = await asyncio.to_thread(self._call, _request(request, await request.aread()))
        return httpx.Response(answer.status, headers=dict(answer.headers), content=answer.content)


def _request(request: httpx.Request, content: bytes) -> Request:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method, request.url.raw_path.decode(), headers, content)


def text_of(call: FakeCall) -> str:
    """Return the text of a prompt."""
    if call.operation == "session.command":
        return f"/{call.json.get('command')} {call.json.get('arguments', '')}".strip()
    return "".join(part.get("text", "") for part in call.json.get("parts", []) if not part.get("ignored"))
